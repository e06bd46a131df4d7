"""Transactions that are aborted or left open."""

from tests.integration.shared.test_transactions import *  # noqa: F403 - each test and fixture of it
