"""Answers of reads, for the documentation; each room has the answers of one kind of resource."""
