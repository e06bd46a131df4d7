"""An engine whose clock is off."""

from tests.e2e.test_skewed_clocks import *  # noqa: F403 - each test and fixture of it
