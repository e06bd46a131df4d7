"""Who is told what, and when a delivery is tried again."""
