"""How runs are summed up, and what is reckoned from that. Pure: contracts only."""
