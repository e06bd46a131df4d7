"""What a run remembers of its commands: the first answer again, and nothing forgotten that can still come again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from contracts.rejections import Code, Rejection
from contracts.replies import Reply
from services.run_engine.journal import ANSWERS_KEPT, ANSWERS_LEFT, Entry, Journal
from shared.messages import OutgoingMessage

ACCEPTED = Reply(result={"status": "active"}, sequence=3)
OVERLOADED = Reply(rejection=Rejection(code=Code.UNAVAILABLE, message="too much is under way"), sequence=3)
REFUSED = Reply(rejection=Rejection(code=Code.INVALID_STATE, message="it is paused"), sequence=3)


def entry(offset: int, reply: Reply = ACCEPTED, fingerprint: str | None = None, partition: int = 0) -> Entry:
    accepted = reply.rejection is None
    messages = (OutgoingMessage("run.events", "run_1", b"event of %d" % offset, "StepStarted"),) if accepted else ()
    answer = reply.model_dump_json().encode()
    return Entry(f"cmd_{partition}_{offset}", partition, offset, fingerprint, messages, accepted, answer)


def journal(*entries: Entry) -> Journal:
    return Journal(entries)


def test_a_new_command_has_no_answer_yet() -> None:
    assert journal(entry(1)).answer_again("cmd_0_2", None, 2) is None


def test_a_redelivered_command_gets_its_first_answer() -> None:
    assert journal(entry(1)).answer_again("cmd_0_1", None, 1) == ACCEPTED


def test_a_repeated_wish_gets_its_first_answer_and_is_told_so() -> None:
    again = journal(entry(1, fingerprint="f")).answer_again("cmd_0_1", "f", 9)
    assert again == ACCEPTED.model_copy(update={"replayed": True})


def test_a_refusal_is_given_again_too() -> None:
    again = journal(entry(1, REFUSED, "f")).answer_again("cmd_0_1", "f", 9)
    assert again is not None
    assert again.rejection == REFUSED.rejection


def test_the_same_key_with_another_body_is_a_conflict() -> None:
    again = journal(entry(1, fingerprint="f")).answer_again("cmd_0_1", "g", 9)
    assert again is not None
    assert again.rejection is not None
    assert again.rejection.code == Code.IDEMPOTENCY_CONFLICT


def test_after_an_erasure_the_same_key_is_told_that_nobody_can_say_whether_it_is_the_same_body() -> None:
    again = journal(entry(1, fingerprint="run:run_1:1:aa:f")).answer_again("cmd_0_1", "run:run_1:2:bb:f", 9)
    assert again is not None and again.rejection is not None
    assert again.rejection.code == Code.IDEMPOTENCY_CONFLICT
    assert "has been erased" in again.rejection.message
    other = journal(entry(1, fingerprint="run:run_1:1:aa:f")).answer_again("cmd_0_1", "run:run_1:1:aa:g", 9)
    assert other is not None and other.rejection is not None and "another body" in other.rejection.message


def test_a_signal_that_was_refused_is_decided_anew_and_takes_the_place_of_the_first() -> None:
    refused = journal(entry(1, REFUSED))
    assert refused.answer_again("cmd_0_1", "f", 9) is None
    redelivered = refused.answer_again("cmd_0_1", "f", 1)
    assert redelivered is not None and redelivered.rejection == REFUSED.rejection
    taken = replace(entry(9, fingerprint="f"), command_id="cmd_0_1", number=1)
    after = refused.add(taken)
    assert after.entries == (taken,)
    again = after.answer_again("cmd_0_1", "f", 12)
    assert again is not None and again.result == ACCEPTED.result


def test_a_signal_that_was_taken_before_digests_were_kept_gets_its_first_answer() -> None:
    again = journal(entry(1)).answer_again("cmd_0_1", "f", 9)
    assert again == ACCEPTED.model_copy(update={"replayed": True})


def test_a_refusal_that_may_pass_is_decided_anew_when_it_is_sent_again_and_given_again_when_redelivered() -> None:
    overloaded = journal(entry(1, OVERLOADED, "f"))
    assert overloaded.answer_again("cmd_0_1", "f", 9) is None
    assert overloaded.answer_again("cmd_0_1", "f", 1) == OVERLOADED


def test_events_are_kept_until_their_command_cannot_come_again() -> None:
    kept = journal(entry(1), entry(2), entry(3)).release_past({0: 3})
    assert [bool(e.messages) for e in kept.entries] == [False, False, True]


def test_offsets_of_another_partition_release_nothing() -> None:
    before = journal(entry(1), entry(2))
    assert before.release_past({1: 100}) == before


def test_a_refusal_goes_once_its_command_cannot_come_again_only_if_nobody_may_ask_for_it() -> None:
    refused = journal(entry(1, REFUSED), replace(entry(2, REFUSED), has_caller=False), entry(3, REFUSED, "f"))
    assert [e.offset for e in refused.release_past({0: 4}).entries] == [1, 3]


def test_the_oldest_entries_leave_many_at_a_time() -> None:
    full = journal(*(entry(n) for n in range(ANSWERS_KEPT)))
    assert full.surplus({0: 1000}) == ()
    more = full.add(entry(ANSWERS_KEPT))
    leaving = more.surplus({0: 1000})
    after = more.without(leaving)
    assert len(after.entries) == ANSWERS_LEFT
    assert leaving + after.entries == more.entries
    assert after.older == tuple(e.command_id for e in leaving)


def test_nothing_leaves_that_can_be_delivered_again() -> None:
    refused = journal(*(entry(n, REFUSED) for n in range(ANSWERS_KEPT + 5)))
    assert refused.surplus({}) == refused.surplus({0: 3}) == ()


def test_the_id_of_what_is_never_sent_again_does_not_stay() -> None:
    refused = (entry(1, REFUSED), entry(2, REFUSED, "f"), entry(3))
    assert journal(*refused).without(refused).older == ("cmd_0_2", "cmd_0_3")


entries = st.builds(entry, st.integers(0, 60), st.sampled_from([ACCEPTED, REFUSED]), st.sampled_from([None, "f"]))


@given(st.lists(entries, max_size=60, unique_by=lambda e: e.offset), st.integers(0, 61))
def test_whatever_can_come_again_finds_its_answer_and_its_events(given_entries: list[Entry], committed: int) -> None:
    before = journal(*sorted(given_entries, key=lambda e: e.offset))
    after = before.release_past({0: committed})
    after = after.without(after.surplus({0: committed}))
    for kept in before.entries:
        if kept.offset >= committed:
            assert after.find(kept.command_id) == kept


@given(st.lists(entries, max_size=60, unique_by=lambda e: e.offset), st.integers(0, 61))
def test_every_answer_stays_or_leaves_for_the_store(given_entries: list[Entry], committed: int) -> None:
    before = journal(*sorted(given_entries, key=lambda e: e.offset)).release_past({0: committed})
    leaving = before.surplus({0: committed})
    after = before.without(leaving)
    assert [e.command_id for e in (*leaving, *after.entries)] == [e.command_id for e in before.entries]
    for gone in leaving:
        if gone.accepted or gone.fingerprint:
            assert gone.command_id in after.older
