"""Approvals: what an outcome means, whose voices an approval needs, and when they have decided."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from contracts.definitions import Condition
from services.run_engine.domain.conditions import Facts, look_up
from services.run_engine.domain.loose import is_number, mapping, positive, text, texts
from services.run_engine.domain.plan import PlannedStep, every
from services.run_engine.domain.state import RunState, Vote

Meaning = Literal["done", "approved", "rejected", "failed", "returned"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome as the step understands it. `returned`: work goes back to an earlier step."""

    meaning: Meaning
    option: Mapping[str, Any]


def allowed_outcomes(planned: PlannedStep) -> list[str]:
    if planned.options:
        return ["success", "failure", *(o for o in planned.options if o not in ("success", "failure"))]
    approval = planned.definition.step_type == "approval"
    return ["approve", "reject", "success", "failure"] if approval else ["success", "failure"]


def understood(planned: PlannedStep, outcome: str) -> Outcome | None:
    """None for an outcome that the step does not know."""
    if outcome not in allowed_outcomes(planned):
        return None
    approval = planned.definition.step_type == "approval"
    if not approval and not planned.options.get(outcome):
        return Outcome("failed" if outcome == "failure" else "done", {})
    action = _ACTIONS.get(outcome, outcome) if outcome not in planned.options else outcome
    option = planned.options.get(action, {})
    return Outcome(_meaning(action, option, approval), option)


def decided(planned: PlannedStep, decision: Literal["approve", "reject"]) -> Outcome:
    """What follows from a vote: of the option that approves or rejects, whoever voted last and in whichever words."""
    meaning: Meaning = "approved" if decision == "approve" else "rejected"
    fitting = (option for action, option in planned.options.items() if _meaning(action, option, True) == meaning)
    return Outcome(meaning, next(fitting, {}))


_ACTIONS = {"success": "approve", "failure": "reject"}


def _meaning(action: str, option: Mapping[str, Any], approval: bool) -> Meaning:
    if option.get("return_to_step") is not None:
        return "returned"
    if option.get("end_playbook") is True or (action == "reject" and approval):
        return "rejected"
    return "approved"


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of whom must approve: every role of `roles`, or `needed` of `size` users."""

    roles: tuple[str, ...] = ()
    needed: int = 0
    size: int = 0

    def decision(self, votes: Iterable[Vote]) -> Literal["approve", "reject"] | None:
        """None while it is open. Does not depend on the order of the votes."""
        approving = [vote for vote in votes if vote.vote == "approve"]
        rejecting = [vote for vote in votes if vote.vote == "reject"]
        if self.roles:
            if rejecting:
                return "reject"
            return "approve" if not self.missing_roles(approving) else None
        if len(approving) >= self.needed:
            return "approve"
        return "reject" if len(rejecting) > self.size - self.needed else None

    def missing_roles(self, votes: Iterable[Vote]) -> list[str]:
        heard = {role for vote in votes if vote.vote == "approve" for role in vote.roles}
        return [role for role in self.roles if role not in heard]

    def tally(self, votes: Iterable[Vote]) -> dict[str, Any]:
        """The state of the vote, as responses show it."""
        listed = list(votes)
        counts: dict[str, Any] = {
            "required": len(self.roles) or self.needed,
            "approved": len(self.roles) - len(self.missing_roles(listed)) if self.roles else _count(listed, "approve"),
            "rejected": _count(listed, "reject"),
            "votes": [_seen(vote) for vote in listed],
        }
        if self.roles:
            return counts | {"required_roles": list(self.roles), "missing_roles": self.missing_roles(listed)}
        return counts | {"committee_size": self.size}


def _seen(vote: Vote) -> dict[str, Any]:
    behalf = {} if vote.on_behalf_of is None else {"on_behalf_of": vote.on_behalf_of}
    return {"user": vote.user, "vote": vote.vote, "roles": list(vote.roles), **behalf}


def _count(votes: list[Vote], kind: str) -> int:
    return sum(vote.vote == kind for vote in votes)


def quorum(planned: PlannedStep, state: RunState) -> Quorum | None:
    """What the step needs where one voice is not enough; None where it is."""
    if planned.definition.step_type != "approval":
        return None
    metadata = planned.definition.metadata
    bands = _bands(mapping(metadata.get("approval_matrix")))
    if bands:
        return Quorum(roles=_band_roles(bands, _amount(planned, state)))
    threshold, size = positive(metadata.get("voting_threshold")), positive(metadata.get("committee_size"))
    if threshold is None or size is None:
        return None
    members = max(1, int(size))
    share = math.ceil(Fraction(str(threshold)) * members) if threshold <= 1 else math.ceil(threshold)
    return Quorum(needed=min(max(1, share), members), size=members)


@dataclass(frozen=True, slots=True)
class _Band:
    lower: float
    upper: float
    roles: tuple[str, ...]


_NUMBER = r"(\d+(?:\.\d+)?)([kmb]?)"
_UNDER, _OVER = re.compile(f"^under_{_NUMBER}$"), re.compile(f"^over_{_NUMBER}$")
_BETWEEN = re.compile(f"^{_NUMBER}_to_{_NUMBER}$")
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def _bands(matrix: Mapping[str, Any]) -> list[_Band]:
    """The bands from the lowest up; names that say no amount, and bands without roles, are left out."""
    found = []
    for name, roles in matrix.items():
        bounds = _bounds(name.lower())
        if bounds is not None and texts(roles):
            found.append(_Band(*bounds, tuple(texts(roles))))
    return sorted(found, key=lambda band: (band.lower, band.upper))


def _bounds(name: str) -> tuple[float, float] | None:
    if match := _UNDER.match(name):
        return -math.inf, _sum(match[1], match[2])
    if match := _OVER.match(name):
        return _sum(match[1], match[2]), math.inf
    if match := _BETWEEN.match(name):
        return _sum(match[1], match[2]), _sum(match[3], match[4])
    return None


def _sum(digits: str, unit: str) -> float:
    return float(digits) * _UNITS[unit]


def _band_roles(bands: list[_Band], amount: float | None) -> tuple[str, ...]:
    """Of the first band that the amount lies below the end of; a gap asks the band above it, no amount the top one."""
    if amount is None:
        return bands[-1].roles
    return next((band.roles for band in bands if amount < band.upper), bands[-1].roles)


def _amount(planned: PlannedStep, state: RunState) -> float | None:
    named = text(planned.definition.metadata.get("amount_field"))
    field = named or next((c.field for c in every(planned.pre) if c.field and _asks_for_number(c)), None)
    value = look_up(field, Facts.of(state)) if field is not None else None
    return value if is_number(value) else None


def _asks_for_number(condition: Condition) -> bool:
    numbers = condition.value if condition.operator == "between" else [condition.value]
    return isinstance(numbers, list) and bool(numbers) and all(map(is_number, numbers))
