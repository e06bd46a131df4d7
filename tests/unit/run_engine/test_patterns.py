"""Patterns that explode elsewhere, on texts made for it: each costs a bounded amount of work, and none hangs."""

import subprocess
import sys
from typing import Any

import pytest

from services.run_engine.domain.patterns import Tries, Untried
from tests.unit.run_engine.story import trial

ATTACKS = {
    "nested repetition": ("^(a+)+$", "a" * 40_000 + "!"),
    "overlapping alternatives": ("^(a|a)*$", "a" * 40_000 + "!"),
    "optional ones": ("^" + "a?" * 200 + "a" * 200 + "$", "a" * 199),
    "counted in counted": ("(?:(?:a{0,30}){0,30})b", "a" * 10_000),
    "a state for each history": ("(a|b)*a(a|b){20}c", "abbabaab" * 1_000),
    "many large alternatives": ("|".join(f"[a-z]{{{n}}}q" for n in range(1, 60)), "a" * 10_000),
    "greedy prefixes": (".*" * 50 + "x", "a" * 10_000),
    "an e-mail address": (r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}[a-z]{2,3}$", "a" * 9_000),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_answered_or_not_tried(attack: str) -> None:
    pattern, text = ATTACKS[attack]
    story = trial({"metadata": {"form_fields": [{"name": "f", "type": "text", "validation": pattern}]}})
    [found] = story.completes(1, data={"f": text}).violations()
    assert found["reason"] in (f"It must match {pattern}", "It can't be checked: the text is too long for the pattern")
    story = trial(
        {"conditions": {"pre": [{"field": "f", "operator": "matches", "value": pattern}]}},
        start={"initial_data": {"f": text}},
    )
    assert story.state.status == "blocked"


def test_all_attacks_at_once_are_over_before_anybody_notices() -> None:
    """In a process of its own, which would be ended: backtracking would take longer than the world lasts."""
    code = (
        "from tests.unit.run_engine.test_patterns import ATTACKS\n"
        "from services.run_engine.domain.patterns import Tries, Untried\n"
        "for pattern, text in ATTACKS.values():\n"
        "    try: assert not Tries().found(pattern, text)\n"
        "    except Untried: pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


COSTLY = [f"(?:(?:a{{0,30}}){{0,30}})b{number}" for number in range(40)]


def asks(pattern: str) -> dict[str, Any]:
    return {"field": "f", "operator": "matches", "value": pattern}


def test_costly_patterns_at_many_steps_cost_no_more_than_at_one() -> None:
    at_many = [{"sequence": 1, "name": f"S{n}", "conditions": {"pre": [asks(p)]}} for n, p in enumerate(COSTLY)]
    at_one = [{"conditions": {"pre": [{"operator": "or", "conditions": [asks(p) for p in COSTLY]}]}}]
    for steps in (at_many, at_one):
        story = trial(*steps, start={"initial_data": {"f": "a" * 430}})
        reasons = [unmet.reason for step in story.state.steps.values() for unmet in step.unmet]
        assert (len(reasons), story.state.status) == (len(steps), "blocked")
        assert " ".join(reasons).count("does not hold") == 1, "all others are not tried"


def test_a_costly_contract_costs_once_however_many_ask_and_leaves_enough_for_what_follows() -> None:
    fields = [{"name": f"f{number}", "type": "text", "validation": p} for number, p in enumerate(COSTLY)]
    first = {"is_required": False, "metadata": {"form_fields": fields, "required_outputs": fields},
             "conditions": {"post": [asks(pattern) for pattern in COSTLY]}}  # fmt: skip
    data = {field["name"]: "a" * 430 for field in fields} | {"f": "a" * 430}
    told = trial(first).completes(1, data=data).violations()
    tried = [found for found in told if "too long" not in found["reason"]]
    assert (len(told), len(tried)) == (100, 3)
    assert all(COSTLY[0] in found["condition"] for found in tried), "one pattern on one text, asked for three times"
    heavy = {"metadata": {"form_fields": [{"name": "x", "type": "text", "validation": "^(?:(?:a{0,30}){0,30})"}]}}
    story = trial(
        heavy, {"conditions": {"pre": [{"field": "y", "operator": "matches", "value": "^(?:(?:b{0,30}){0,30})"}]}}
    )
    story.completes(1, data={"x": "a" * 430, "y": "b" * 430}).then("StepCompleted", "StepStarted")


def test_the_same_pattern_on_the_same_text_is_tried_once() -> None:
    tries = Tries()
    for _ in range(1_000):
        assert not tries.found("^(a|b)*c$", "ab" * 2_000)


def test_the_patterns_of_one_form_share_what_may_be_spent() -> None:
    tries = Tries()
    with pytest.raises(Untried, match="too long"):
        for number in range(1_000):
            tries.found("^(a|b)*c$", "ab" * 2_000 + str(number))
    assert Tries().found("^(a|b)*$", "ab" * 2_000)


def test_what_people_write_is_far_from_the_limit() -> None:
    tries = Tries()
    for _ in range(50):  # fields of one form
        assert tries.found(r"^[A-Za-z0-9\s&.-]{2,100}$", "Acme Corp")
    assert Tries().found(r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$", "john.doe@acme.com")
