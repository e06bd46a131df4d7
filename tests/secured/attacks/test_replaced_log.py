"""A topic whose log is replaced, and offsets beyond its end."""

from tests.integration.shared.test_replaced_log import *  # noqa: F403 - each test and fixture of it
