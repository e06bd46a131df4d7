"""What runs come to: one summary a run, metrics and analytics over them."""
