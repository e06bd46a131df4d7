"""How events are counted and proved. Pure: contracts only."""
