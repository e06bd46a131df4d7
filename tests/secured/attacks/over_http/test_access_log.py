"""Reads of encrypted values, and refused calls."""

from tests.e2e.test_access_log import *  # noqa: F403 - each test and fixture of it
