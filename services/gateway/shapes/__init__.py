"""The shapes of the public API: what requests must look like, and what answers look like, for the documentation."""
