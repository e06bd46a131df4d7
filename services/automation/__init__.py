"""Automated steps: HTTP calls and jobs for external workers. One job is one attempt; more are the engine's decision."""
