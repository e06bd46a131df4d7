"""How events are shown, counted and proved. Pure: contracts only."""
