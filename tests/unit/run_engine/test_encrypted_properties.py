"""Random playbooks with encrypted fields under random commands: no clear value is written, published or answered."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import Command, StartRun
from contracts.policies import DEFAULT_POLICIES, ApprovalLimit, RoleLimit
from services.run_engine.domain.clear import GONE
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.views import revealed_run, run_view
from tests.unit.run_engine.story import IN_AN_OFFICE, Story, playbook
from tests.unit.run_engine.test_properties import CALLERS, WITH_RULES, command, data, playbooks
from tests.unit.run_engine.written import Written

WORD, NUMBER = "CLEAR", 47110047110
"""Each clear value holds one of them."""
HIDDEN = ("secret", "amount")
COPIED = "copy"
"""A field that is not encrypted, under which somebody sends the ciphertext of one that is."""
FIELDS = [
    {"name": COPIED, "type": "number", "max": 3},
    {"name": "secret", "type": "text", "validation": "^C[A-Z]+[0-9]+$", "encrypted": True},
    {"name": "amount", "type": "number", "max": 10**12, "encrypted": True},
]
LOOKS = [
    {"field": "secret", "operator": "starts_with", "value": "CL"},
    {"field": "secret", "operator": "=", "value": "another"},
    {"field": "steps.step_001.secret", "operator": "matches", "value": "^X"},
    {"field": "amount", "operator": ">", "value": 5},
    {"field": "amount", "operator": "between", "value": [1, 2]},
    {"field": "deep.secret", "operator": "in", "value": ["a"]},
    {"field": "secret.no", "operator": "exists"},
    {"field": COPIED, "operator": "starts_with", "value": "CL"},
    {"field": COPIED, "operator": "not_exists"},
    {"field": "deep", "operator": "=", "value": 1},
]
DEMANDS: list[dict[str, Any]] = [
    {"required_outputs": [{"name": "secret", "type": "select", "options": ["a"]}]},
    {"required_outputs": [{"name": "amount", "type": "number", "max": 3}, "secret"], "sections": ["secret"]},
    {"required_outputs": [{"name": COPIED, "type": "text", "max": 1}], "rejection_criteria": {"max_copy": 5}},
    {"rejection_criteria": {"max_amount": 5, "amount_auto_fail": True, "max_secret": 0}},
    {"resolution_types": ["fixed"], "task_checklist": ["a"], "inspection_points": ["b"]},
    {"approval_matrix": {"under_2": ["r1"], "over_2": ["r2"]}, "amount_field": "amount"},
    {"voting_threshold": 0.6, "committee_size": 2},
]
LIMITED = WITH_RULES.model_copy(
    update={"approval_limit": ApprovalLimit(field="amount", limits=(RoleLimit(role="r1", max_amount=5),))}
)


@st.composite
def with_secrets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps that ask for encrypted values, look at them, or decide by them."""
    steps = draw(playbooks())
    steps[0]["metadata"] = {**steps[0]["metadata"], "form_fields": FIELDS}
    for step in steps:
        if draw(st.booleans()):
            unmet = draw(st.sampled_from([None, "skip", "block", "fail"]))
            step["conditions"] = {
                "pre": draw(st.lists(st.sampled_from(LOOKS), max_size=2)) if step is not steps[0] else [],
                "post": draw(st.lists(st.sampled_from(LOOKS), max_size=1)),
                "on_unmet": unmet,
            }
        if draw(st.booleans()):
            step["metadata"] = {**step["metadata"], **draw(st.sampled_from(DEMANDS))}
    return steps


def carrying(chance: Random, story: Story, sent: Command) -> Command:
    """The command with encrypted values in its data, as the gateway and automation put it on Kafka."""
    name = "initial_data" if isinstance(sent, StartRun) else "data"
    if not hasattr(sent, name) or chance.random() < 0.2:
        return sent
    number = chance.randrange(100)
    clear = [f"{WORD}{number}", NUMBER + number, {"no": f"{WORD}{number}"}, [NUMBER], f"wrong {WORD}", None]
    hidden = {n: _sealed(story, n, chance.choice(clear)) for n in HIDDEN if chance.random() < 0.8}
    deep = {"deep": [{"secret": _sealed(story, "secret", chance.choice(clear))}]} if chance.random() < 0.3 else {}
    copied = {COPIED: chance.choice(list(hidden.values()))} if hidden and chance.random() < 0.3 else {}
    return sent.model_copy(update={name: {**getattr(sent, name), **hidden, **deep, **copied}})


def _sealed(story: Story, name: str, value: Any) -> Any:
    return None if value is None else story.encrypted(value, name)


@settings(max_examples=25)
@given(with_secrets(), data, st.integers(0, 2**32))
def test_no_clear_value_is_written_published_or_answered(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    chance = Random(seed)
    story = Written(playbook(*steps), chance.choice([DEFAULT_POLICIES, IN_AN_OFFICE, LIMITED]))
    begin: Command = StartRun(
        caller=CALLERS[0], run_id="run_1", organization_id="org_1", definition=story.definition, initial_data=start
    )
    taken = carrying(chance, story, begin)
    story.when(taken)
    for _ in range(25):
        tell_nothing(story, taken)
        if story.state.status in ("completed", "cancelled"):
            break
        if chance.random() < 0.03:
            story.clear = dict.fromkeys(story.clear, GONE)
        taken = carrying(chance, story, command(chance, story.after(minutes=chance.randint(0, 90))))
        story.when(taken)
    assert seen_by_who_may(story) <= {*map(repr, story.clear.values()), "'[erased]'", "None"}


def tell_nothing(story: Written, sent: Command) -> None:
    for place, written in story.traces(sent).items():
        assert WORD.encode() not in written and str(NUMBER)[:9].encode() not in written, (place, sent)
        assert place not in ("answer", "worker") or b"$encrypted" not in written, (place, sent)
        assert NUMBER.to_bytes(8, "little")[1:6] not in written, (place, sent)  # as BSON has whole numbers


def seen_by_who_may(story: Written) -> set[str]:
    """The hidden fields' values as a reader with the permission sees them."""
    plan = plan_of(story.definition)
    shown = run_view(revealed_run(story.state, plan, story.clear), plan)["data"]
    assert "$encrypted" not in repr(shown)
    assert not isinstance(shown.get(COPIED), dict) and WORD not in repr(shown.get(COPIED))
    return {repr(shown[name]) for name in HIDDEN if name in shown}
