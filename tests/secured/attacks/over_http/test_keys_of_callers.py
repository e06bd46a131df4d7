"""Idempotency keys that several callers use."""

from tests.e2e.test_keys_of_callers import *  # noqa: F403 - each test and fixture of it
