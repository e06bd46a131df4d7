"""Messages that are newer than the service that reads them."""

from tests.integration.shared.test_newer_messages import *  # noqa: F403 - each test and fixture of it
