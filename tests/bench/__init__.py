"""Load on the local stack, from a process of its own; see `__main__.py`."""
