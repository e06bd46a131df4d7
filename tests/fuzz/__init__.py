"""Schemathesis over the served OpenAPI document."""
