"""Records that are no message, and those of another organization."""

from tests.e2e.test_hostile_messages import (
    client,
    intruder,
    nobody_dies,
    test_an_answer_that_can_go_nowhere_stops_nothing,
    test_commands_and_events_of_another_tenant_do_not_reach_a_run,
    test_replies_that_nobody_waits_for_stop_no_gateway,
    test_what_is_no_message_is_parked_and_work_goes_on,
    test_what_is_no_workers_result_is_parked,
)

__all__ = [
    "client",
    "intruder",
    "nobody_dies",
    "test_an_answer_that_can_go_nowhere_stops_nothing",
    "test_commands_and_events_of_another_tenant_do_not_reach_a_run",
    "test_replies_that_nobody_waits_for_stop_no_gateway",
    "test_what_is_no_message_is_parked_and_work_goes_on",
    "test_what_is_no_workers_result_is_parked",
]
