"""What conditions look at: each value made ready once, however often it is asked for, and no more than may be paid."""

from typing import Any

from contracts import limits
from contracts.encrypted import holds_encrypted, is_encrypted
from services.run_engine.domain.clear import Clear, cleared_throughout, is_hidden
from services.run_engine.domain.comparing import TESTS, Mismatch, items_looked_through
from services.run_engine.domain.patterns import Tries
from services.run_engine.domain.sizes import shortened


class Looks:
    """Of the conditions that are looked at for one command."""

    def __init__(self) -> None:
        self.patterns = Tries()
        self._left = limits.ITEMS_LOOKED_THROUGH
        self._seen: dict[int, tuple[Any, Any, bool]] = {}
        self._told: dict[int, tuple[Any, Any]] = {}
        self._answers: dict[tuple[str, int, int], tuple[Any, Any, bool | Mismatch]] = {}
        """By identity, which a value keeps as long as it stands here."""

    def clear(self, value: Any, values: Clear) -> tuple[Any, bool]:
        """The value with what is encrypted in it in clear, and whether it holds something that nobody can read."""
        if not values:
            return value, is_encrypted(value)
        known = self._seen.get(id(value))
        if known is None:
            found = cleared_throughout(value, values)
            known = self._seen[id(value)] = value, found, is_hidden(found)
        return known[1:]

    def told(self, value: Any) -> Any:
        """As unmet conditions tell it: nothing of a value that holds something encrypted."""
        known = self._told.get(id(value))
        if known is None:
            known = self._told[id(value)] = value, None if holds_encrypted(value) else shortened(value)
        return known[1]

    def holds(self, operator: str, actual: Any, value: Any) -> bool:
        """Of one of TESTS. Raises Mismatch, also where looking through the value would cost too much."""
        cost = items_looked_through(operator, actual, value)
        if not cost:
            return TESTS[operator](actual, value)
        key = operator, id(actual), id(value)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = actual, value, self._answer(operator, actual, value, cost)
        if isinstance(known[2], Mismatch):
            raise known[2]
        return known[2]

    def _answer(self, operator: str, actual: Any, value: Any, cost: int) -> bool | Mismatch:
        if cost > self._left:
            return Mismatch("the value is too large to be looked through")
        self._left -= cost
        try:
            return TESTS[operator](actual, value)
        except Mismatch as mismatch:
            return mismatch
