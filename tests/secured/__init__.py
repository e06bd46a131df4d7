"""Attacks on a Kafka that demands TLS and a principal, and gives each its own rights only."""
