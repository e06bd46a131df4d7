"""Runs: decides commands, keeps each run's state, publishes what happened."""
