"""Tells people by e-mail what waits for them, and other systems over webhooks what happens."""
