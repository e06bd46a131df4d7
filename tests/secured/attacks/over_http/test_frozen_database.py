"""A MongoDB that hangs."""

from tests.e2e.test_frozen_database import *  # noqa: F403 - each test and fixture of it
