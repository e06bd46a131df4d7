"""The attack table of docs/security.md on the whole stack over three brokers with SASL_SSL and ACLs.

What the local stack's tests attack is attacked here by the same tests: they are imported, and get another stack.
"""
