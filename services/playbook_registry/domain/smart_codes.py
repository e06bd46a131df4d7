"""Smart codes: which rule one breaks."""

import re
from collections.abc import Iterator

from contracts.definitions import SMART_CODE_PATTERN, PlaybookDraft
from contracts.rejections import Code
from services.playbook_registry.domain.faults import Fault

VALID_PATTERN = "HERA.{INDUSTRY}.{MODULE}.{TYPE}.{SUBTYPE}.{VERSION}"
EXAMPLE = "HERA.CRM.PLAYBOOK.CUSTOMER.ONBOARDING.v1"
_MESSAGE = "Smart code validation failed"
_SEGMENT = re.compile(r"[A-Z][A-Z0-9_]{1,29}")
_VERSION = re.compile(r"v[1-9][0-9]*")


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    """The playbook's own first, then those of the steps; a step may have none."""
    if (reason := _reason(draft.smart_code, "version")) is not None:
        details = {"field": "playbook.smart_code", "value": draft.smart_code[:200], "reason": reason}
        yield Fault(Code.SMART_CODE_INVALID, _MESSAGE, {**details, "valid_pattern": VALID_PATTERN, "example": EXAMPLE})
    for index, step in enumerate(draft.steps):
        if step.smart_code is not None and (reason := _reason(step.smart_code, "version suffix")) is not None:
            details = {"field": f"steps[{index}].smart_code", "value": step.smart_code[:200], "reason": reason}
            yield Fault(Code.VALIDATION_ERROR, _MESSAGE, details)


def _reason(smart_code: str, version: str) -> str | None:
    """Why it is none, or None for a valid one."""
    if re.fullmatch(SMART_CODE_PATTERN, smart_code):
        return None
    head, *segments = smart_code.split(".")
    if head != "HERA":
        return "Smart code must start with HERA"
    if not segments or not _VERSION.fullmatch(segments[-1]):
        return f"Smart code must end with {version} (e.g., .v1)"
    return _segments_reason(segments[:-1])


def _segments_reason(segments: list[str]) -> str:
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            return (
                f"Segment '{segment[:40]}' must be 2 to 30 capital letters, digits or underscores, "
                "the first of them a letter"
            )
    return f"Smart code must have 3 to 8 segments between HERA and the version, not {len(segments)}"
