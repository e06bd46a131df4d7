"""Documents of organisations: kept by revision, told on policy.events."""
