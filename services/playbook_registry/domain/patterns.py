"""Regular expressions of playbooks, checked by the engine that runs them: RE2, linear in the text's length."""

from typing import Any

import re2

from contracts import limits

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = limits.PATTERN_MEMORY


def why_not(pattern: Any) -> str | None:
    """Why it is no pattern, or None for a good one."""
    if not isinstance(pattern, str):
        return "must be a regular expression, as text"
    if len(pattern) > limits.PATTERN_LENGTH:
        return f"has {len(pattern)} characters; the limit is {limits.PATTERN_LENGTH}"
    try:
        program = re2.compile(pattern, _OPTIONS).programsize
    except (re2.error, UnicodeEncodeError) as error:
        return f"is not a regular expression that RE2 knows: {_told(error)}"
    if program > limits.PATTERN_PROGRAM:
        return f"is too large: {program} instructions, and the limit is {limits.PATTERN_PROGRAM}; repeat less in it"
    return None


def _told(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
