"""Answers of workers that come late, twice or from elsewhere."""

from tests.e2e.test_workers import *  # noqa: F403 - each test and fixture of it
