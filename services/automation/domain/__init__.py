"""Where a job goes, and what an answer means."""
