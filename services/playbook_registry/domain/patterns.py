"""Regular expressions of playbooks, checked by the engine that runs them: RE2, linear in the text's length."""

from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def why_not(pattern: Any) -> str | None:
    """Why it is no pattern, or None for a good one."""
    if not isinstance(pattern, str):
        return "must be a regular expression, as text"
    try:
        re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        return f"is not a regular expression that RE2 knows: {_told(error)}"
    return None


def _told(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
