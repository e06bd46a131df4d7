"""Patterns that explode elsewhere, on texts made for it: each costs a bounded amount of work, and none hangs."""

import subprocess
import sys

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


def test_the_patterns_of_one_form_share_what_may_be_spent() -> None:
    tries = Tries()
    text = "ab" * 2_000
    with pytest.raises(Untried, match="too long"):
        for _ in range(1_000):
            tries.found("^(a|b)*c$", text)
    assert Tries().found("^(a|b)*$", text)


def test_what_people_write_is_far_from_the_limit() -> None:
    tries = Tries()
    for _ in range(50):  # fields of one form
        assert tries.found(r"^[A-Za-z0-9\s&.-]{2,100}$", "Acme Corp")
    assert Tries().found(r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$", "john.doe@acme.com")
