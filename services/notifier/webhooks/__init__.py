"""Webhooks: subscriptions, what is to be sent to them, and the sending."""
