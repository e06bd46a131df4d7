"""What a command makes of a playbook that is there, or why it is refused."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.calendars import AROUND_THE_CLOCK, DEFAULT
from contracts.commands import ArchivePlaybook, DeletePlaybook, PlaybookChange, RestorePlaybook, RevisePlaybook
from contracts.definitions import PlaybookDefinition, PlaybookStatus
from contracts.policies import OrganizationPolicies
from contracts.rejections import Code, Rejection
from contracts.values import is_matched, rfc3339
from services.playbook_registry.domain.playbook import LastChange, RevisionNote, StoredPlaybook
from services.playbook_registry.domain.revisions import as_json, created_view, metrics, next_revision
from services.playbook_registry.domain.validation import refusal
from services.playbook_registry.domain.warnings import warnings


@dataclass(frozen=True, slots=True)
class Changed:
    playbook: StoredPlaybook
    answer: dict[str, Any]


def change(
    playbook: StoredPlaybook,
    command: PlaybookChange,
    policies: OrganizationPolicies,
    by: LastChange,
    *,
    has_base: bool = False,
) -> Changed | Rejection:
    """`by` says who changes it, when, and with which command."""
    if playbook.status == "deleted":
        return not_found(playbook.playbook_id)
    conflict = changed_meanwhile(playbook, command.if_match)
    if conflict is not None:
        return conflict
    match command:
        case RevisePlaybook():
            return _revised(playbook, command, policies, by, has_base)
        case ArchivePlaybook():
            return _with_status(playbook, "archived", by)
        case RestorePlaybook():
            return _without_calendars(playbook, policies) or _with_status(playbook, "active", by)
        case DeletePlaybook():
            return _with_status(playbook, "deleted", by)
        case _:
            raise ValueError(f"{type(command).__name__} is no change of a playbook")


def not_found(playbook_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Playbook {playbook_id} was not found",
        details={"field": "playbook_id", "value": playbook_id},
    )


def changed_meanwhile(playbook: StoredPlaybook, if_match: str | None) -> Rejection | None:
    """The refusal where the playbook is not at an ETag that the caller has seen."""
    if if_match is None or is_matched(playbook.etag, if_match):
        return None
    details = {
        "field": "If-Match",
        "value": if_match,
        "reason": "The playbook was changed meanwhile: read it again and send its ETag",
        "current": playbook.etag,
    }
    return Rejection(code=Code.CONFLICT, message=f"Playbook {playbook.playbook_id} is at another ETag", details=details)


def _revised(
    playbook: StoredPlaybook, command: RevisePlaybook, policies: OrganizationPolicies, by: LastChange, has_base: bool
) -> Changed | Rejection:
    rejection = refusal(command.draft, policies)
    if rejection is not None:
        return rejection
    definition = next_revision(command.draft, PlaybookDefinition.model_validate(playbook.definition))
    note = RevisionNote(definition.revision, definition.version, by.at, by.by)
    revised = replace(
        _touched(playbook, by),
        smart_code=definition.smart_code,
        revision=definition.revision,
        definition=as_json(definition),
        metrics=metrics(definition),
        revisions=(*playbook.revisions, note),
    )
    answer = created_view(definition, warnings(command.draft, has_base=has_base)) | {"status": playbook.status}
    return Changed(revised, {**answer, "revision": definition.revision, **_last_change(by.at, by.by)})


def _without_calendars(playbook: StoredPlaybook, policies: OrganizationPolicies) -> Rejection | None:
    """The refusal where an archived playbook names calendars that were deleted meanwhile."""
    named = PlaybookDefinition.model_validate(playbook.definition).calendars
    gone = sorted(named - {DEFAULT, AROUND_THE_CLOCK} - policies.calendars.keys())
    if playbook.status != "archived" or not gone:
        return None
    details = {
        "field": "playbook_id",
        "value": playbook.playbook_id,
        "reason": "Its dates would be reckoned around the clock: PUT the calendars first, or update it to name others",
        "calendars": gone,
    }
    message = f"Playbook {playbook.playbook_id} names calendars that are not there"
    return Rejection(code=Code.CONFLICT, message=message, details=details)


def _with_status(playbook: StoredPlaybook, status: PlaybookStatus, by: LastChange) -> Changed:
    after = replace(_touched(playbook, by), status=status)
    answer = {
        "playbook_id": playbook.playbook_id,
        "smart_code": playbook.smart_code,
        "revision": playbook.revision,
        "previous_status": playbook.status,
        "status": status,
        **_last_change(by.at, by.by),
    }
    return Changed(after, answer)


def _touched(playbook: StoredPlaybook, by: LastChange) -> StoredPlaybook:
    return replace(playbook, written=playbook.written + 1, changed=by)


def _last_change(at: datetime, by: str) -> dict[str, Any]:
    return {"updated_at": rfc3339(at), "updated_by": by}
