"""Times beyond the calendar, and cursors made by hand."""

from tests.e2e.test_ends_of_the_calendar import *  # noqa: F403 - each test and fixture of it
