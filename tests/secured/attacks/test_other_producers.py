"""What other producers may write: compressed, unreadable, aborted, oversized and forged records, and broken signals."""

from tests.e2e.test_other_producers import (
    client,
    outcomes,
    run_id,
    test_a_compressed_signal_is_carried_out_and_its_actor_is_the_source_that_signed_it,
    test_a_forged_signal_is_refused_without_an_outcome,
    test_a_megabyte_that_becomes_a_gigabyte_stays_within_the_memory_of_a_service,
    test_a_signal_of_a_later_version_is_refused_and_the_next_one_is_carried_out,
    test_a_signal_of_an_aborted_transaction_is_not_executed,
    test_a_source_with_a_topic_of_its_own_needs_no_signature,
)

__all__ = [
    "client",
    "outcomes",
    "run_id",
    "test_a_compressed_signal_is_carried_out_and_its_actor_is_the_source_that_signed_it",
    "test_a_forged_signal_is_refused_without_an_outcome",
    "test_a_megabyte_that_becomes_a_gigabyte_stays_within_the_memory_of_a_service",
    "test_a_signal_of_a_later_version_is_refused_and_the_next_one_is_carried_out",
    "test_a_signal_of_an_aborted_transaction_is_not_executed",
    "test_a_source_with_a_topic_of_its_own_needs_no_signature",
]
