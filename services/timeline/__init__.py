"""What happened to a run, event by event: kept whole, shown as the timeline."""
