"""Users' patterns on users' texts: RE2, which takes linear time, and no more of it than a command may cost."""

from functools import lru_cache
from typing import Any

import re2

from contracts import limits

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = limits.PATTERN_MEMORY


class Untried(Exception):
    """The pattern was not tried on the text; the text of the exception says why."""


class Tries:
    """What is left of the work that patterns may do for one command: instructions × bytes of text. The same pattern on
    the same text costs once."""

    def __init__(self) -> None:
        self._left = limits.PATTERN_WORK
        self._known: dict[tuple[str, str], bool | Untried] = {}

    def found(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found in the text. Raises Untried for no pattern, or one that asks too much."""
        known = self._known.get((pattern, text))
        if known is None:
            known = self._known[pattern, text] = self._tried(pattern, text)
        if isinstance(known, Untried):
            raise known
        return known

    def _tried(self, pattern: str, text: str) -> bool | Untried:
        compiled = _compiled(_encodable(pattern))
        if compiled is None:
            return Untried("the pattern is not a valid regular expression")
        encoded = _encodable(text)
        work = compiled.programsize * max(1, len(encoded))
        if work > self._left:
            return Untried("the text is too long for the pattern")
        self._left -= work
        return compiled.search(encoded) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error:
        return None


def _encodable(text: str) -> str:
    """JSON can hold half a surrogate pair, which UTF-8, and so the engine, can't."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
