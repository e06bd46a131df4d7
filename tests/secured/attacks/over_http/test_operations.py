"""What became of commands, whatever happened since."""

from tests.e2e.test_operations import *  # noqa: F403 - each test and fixture of it
