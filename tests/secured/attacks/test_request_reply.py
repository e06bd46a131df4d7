"""Replies that are newer, or none."""

from tests.integration.shared.test_request_reply import (
    exchange,
    test_a_reply_that_is_newer_leaves_the_caller_waiting_and_is_reported,
    test_a_reply_that_is_none_is_parked_and_the_next_gets_through,
)

__all__ = [
    "exchange",
    "test_a_reply_that_is_newer_leaves_the_caller_waiting_and_is_reported",
    "test_a_reply_that_is_none_is_parked_and_the_next_gets_through",
]
