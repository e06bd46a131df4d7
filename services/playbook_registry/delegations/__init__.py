"""Delegations: who may act as whom, for a time."""
