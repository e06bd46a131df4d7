"""Compressed batches, and those that nobody can read."""

from tests.integration.shared.test_unreadable_batches import *  # noqa: F403 - each test and fixture of it
