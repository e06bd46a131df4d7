"""What a delegation must be, and who may end it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from contracts.organization_documents import CreateDelegation, RevokeDelegation
from contracts.permissions import is_granted
from contracts.policies import MAX_ROLES
from contracts.rejections import Code, Rejection
from contracts.values import Caller, rfc3339
from services.playbook_registry.domain.faults import Fault, rejection
from services.playbook_registry.domain.faults import invalid as invalid_in

LONGEST = timedelta(days=366)
OVERRIDE = "step:override"
invalid = partial(invalid_in, message="Delegation validation failed")
Status = Literal["scheduled", "in_force", "ended", "revoked"]


@dataclass(frozen=True, slots=True)
class StoredDelegation:
    delegation_id: str
    organization_id: str
    delegator: str
    substitute: str
    roles: tuple[str, ...] | None
    delegator_roles: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    created_at: datetime
    created_by: str
    created_with: str
    """The command's id."""
    fingerprint: str | None
    revision: int = 1
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_with: str | None = None

    def status(self, now: datetime) -> Status:
        if self.revoked_at is not None:
            return "revoked"
        if now < self.starts_at:
            return "scheduled"
        return "in_force" if now < self.ends_at else "ended"


def created(
    command: CreateDelegation, command_id: str, fingerprint: str | None, now: datetime
) -> StoredDelegation | Rejection:
    """What a delegator holds is taken from their own token; somebody else can lend only roles that they name."""
    caller = command.caller
    if caller.id != command.delegator and not is_granted(OVERRIDE, caller.permissions):
        return _not_theirs(caller, f"Only {OVERRIDE} delegates the tasks of {command.delegator}.")
    found = list(_faults(command, now))
    if found:
        return rejection(found)
    return StoredDelegation(
        delegation_id=command.delegation_id,
        organization_id=command.organization_id,
        delegator=command.delegator,
        substitute=command.substitute,
        roles=command.roles,
        delegator_roles=caller.roles if caller.id == command.delegator else (),
        starts_at=command.starts_at or now,
        ends_at=command.ends_at,
        reason=command.reason,
        created_at=now,
        created_by=caller.id,
        created_with=command_id,
        fingerprint=fingerprint,
    )


def revoked(
    delegation: StoredDelegation, command: RevokeDelegation, command_id: str, now: datetime
) -> StoredDelegation | Rejection:
    caller = command.caller
    if caller.id not in (delegation.delegator, delegation.created_by) and not is_granted(OVERRIDE, caller.permissions):
        return _not_theirs(caller, f"Only its delegator ends delegation {delegation.delegation_id}.")
    status = delegation.status(now)
    if status in ("ended", "revoked"):
        word = "has ended" if status == "ended" else "was revoked"
        return Rejection(
            code=Code.INVALID_STATE,
            message=f"Delegation {delegation.delegation_id} {word} already.",
            details={
                "delegation_id": delegation.delegation_id,
                "current_status": status,
                "ends_at": rfc3339(delegation.ends_at),
            },
        )
    return replace(
        delegation,
        revision=delegation.revision + 1,
        ends_at=now,
        revoked_at=now,
        revoked_by=caller.id,
        revoked_with=command_id,
    )


def delegation_view(delegation: StoredDelegation, now: datetime) -> dict[str, Any]:
    revoked_at = delegation.revoked_at
    return {
        "delegation_id": delegation.delegation_id,
        "delegator": delegation.delegator,
        "substitute": delegation.substitute,
        "roles": list(delegation.roles) if delegation.roles is not None else None,
        "starts_at": rfc3339(delegation.starts_at),
        "ends_at": rfc3339(delegation.ends_at),
        "status": delegation.status(now),
        "reason": delegation.reason,
        "revision": delegation.revision,
        "created_at": rfc3339(delegation.created_at),
        "created_by": delegation.created_by,
        "revoked_at": rfc3339(revoked_at) if revoked_at is not None else None,
        "revoked_by": delegation.revoked_by,
    }


def created_view(delegation: StoredDelegation) -> dict[str, Any]:
    """Returns what its creation is answered, whenever it is asked; not of a delegation that was revoked since."""
    return delegation_view(delegation, delegation.created_at)


def revoked_view(delegation: StoredDelegation) -> dict[str, Any]:
    """Returns what its revocation is answered, whenever it is asked."""
    assert delegation.revoked_at is not None
    return delegation_view(delegation, delegation.revoked_at)


def not_found(delegation_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Delegation {delegation_id} was not found",
        details={"field": "delegation_id", "value": delegation_id},
    )


def _faults(command: CreateDelegation, now: datetime) -> Iterator[Fault]:
    if command.substitute == command.delegator:
        yield invalid("delegation.substitute", command.substitute, "Nobody stands in for themselves")
    yield from _time_faults(command, now)
    for index, role in enumerate((command.roles or ())[:MAX_ROLES]):
        if command.caller.id == command.delegator and role not in command.caller.roles:
            reason = f"You hold no such role; you hold {', '.join(command.caller.roles) or 'none'}"
            yield invalid(f"delegation.roles[{index}]", role, reason)


def _time_faults(command: CreateDelegation, now: datetime) -> Iterator[Fault]:
    starts_at, ends_at = command.starts_at or now, command.ends_at
    if ends_at <= now:
        yield invalid("delegation.ends_at", rfc3339(ends_at), "It must lie ahead")
    elif ends_at <= starts_at:
        yield invalid("delegation.ends_at", rfc3339(ends_at), f"It must lie after starts_at, {rfc3339(starts_at)}")
    elif ends_at - max(starts_at, now) > LONGEST:
        reason = f"A delegation lasts {LONGEST.days} days at most; make another when it ends"
        yield invalid("delegation.ends_at", rfc3339(ends_at), reason)


def _not_theirs(caller: Caller, message: str) -> Rejection:
    details = {"required_permission": OVERRIDE, "current_permissions": list(caller.permissions)}
    return Rejection(code=Code.FORBIDDEN, message=message, details=details)
