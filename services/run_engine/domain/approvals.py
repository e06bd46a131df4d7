"""Approvals: what an outcome means, whose voices an approval needs, and when they have decided."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from contracts.rejections import Code, Rejection
from services.run_engine.domain.conditions import Facts, look_up
from services.run_engine.domain.loose import is_number, mapping, positive, texts
from services.run_engine.domain.plan import PlannedStep
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
    """How many of whom must approve: for every role of `roles` another of its holders, or `needed` of `size` users."""

    roles: tuple[str, ...] = ()
    needed: int = 0
    size: int = 0

    def decision(self, votes: Iterable[Vote]) -> Literal["approve", "reject"] | None:
        """None while it is open. Does not depend on the order of the votes."""
        listed = list(votes)
        rejecting = _count(listed, "reject")
        if rejecting > (0 if self.roles else self.size - self.needed):
            return "reject"
        return "approve" if self.approved(listed) >= self.required else None

    @property
    def required(self) -> int:
        return len(self.roles) or self.needed

    def approved(self, votes: Iterable[Vote]) -> int:
        """Of a matrix: how many roles have an approval of their own."""
        return len(self._seats(votes)) if self.roles else _count(votes, "approve")

    def missing_roles(self, votes: Iterable[Vote]) -> list[str]:
        """Those whose holders' approvals still count: what has none, and what its giver could leave for it."""
        seats = self._seats(votes)
        missing = [role for role in self.roles if role not in seats]
        for role in missing:  # it grows on the way
            missing += [left for left, vote in seats.items() if role in vote.roles and left not in missing]
        return [role for role in self.roles if role in missing]

    def _seats(self, votes: Iterable[Vote]) -> dict[str, Vote]:
        """By role its approval: of each person one, and of as many roles as can be."""
        seats: dict[str, Vote] = {}
        for vote in votes:
            if vote.vote == "approve":
                self._seat(vote, seats, set())
        return seats

    def _seat(self, vote: Vote, seats: dict[str, Vote], asked: set[str]) -> bool:
        """Takes a free seat, or one whose holder can move to another."""
        for role in self.roles:
            if role in vote.roles and role not in asked:
                asked.add(role)
                if role not in seats or self._seat(seats[role], seats, asked):
                    seats[role] = vote
                    return True
        return False

    def tally(self, votes: Iterable[Vote]) -> dict[str, Any]:
        """The state of the vote, as responses show it."""
        listed = list(votes)
        counts: dict[str, Any] = {
            "required": self.required,
            "approved": self.approved(listed),
            "rejected": _count(listed, "reject"),
            "votes": [_seen(vote) for vote in listed],
        }
        if self.roles:
            return counts | {"required_roles": list(self.roles), "missing_roles": self.missing_roles(listed)}
        return counts | {"committee_size": self.size}


def _seen(vote: Vote) -> dict[str, Any]:
    behalf = {} if vote.on_behalf_of is None else {"on_behalf_of": vote.on_behalf_of}
    return {"user": vote.user, "vote": vote.vote, "roles": list(vote.roles), **behalf}


def _count(votes: Iterable[Vote], kind: str) -> int:
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


def no_voice(planned: PlannedStep, state: RunState, roles: Collection[str]) -> Rejection | None:
    """The refusal of a vote where a matrix asks for other roles than these."""
    needed = quorum(planned, state)
    if needed is None or not needed.roles or not set(needed.roles).isdisjoint(roles):
        return None
    return Rejection(
        code=Code.FORBIDDEN,
        message=f"{planned.step_id} needs the approval of {', '.join(needed.roles)}.",
        details={"step": planned.step_id, "required_roles": list(needed.roles), "current_roles": list(roles)},
    )


def sends_back(planned: PlannedStep) -> bool:
    """Whether one of its options is no vote."""
    return any(option.get("return_to_step") is not None for option in planned.options.values())


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
            found.append(_Band(*bounds, tuple(dict.fromkeys(texts(roles)))))
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
    value = look_up(planned.amount_field, Facts.of(state)) if planned.amount_field is not None else None
    return value if is_number(value) else None
