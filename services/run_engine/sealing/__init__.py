"""Encryption of the fields that playbooks mark: keys, and what is sealed and opened with them."""
