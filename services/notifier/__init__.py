"""Tells people by e-mail what waits for them."""
