"""What a stranger sends to the gateway."""

from tests.e2e.test_public_port import *  # noqa: F403 - each test and fixture of it
