"""Attacks over HTTP alone, on the secured cluster: `make test-secured` runs them. `make test` has run them locally."""
