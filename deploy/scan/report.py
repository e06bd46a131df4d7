"""What one part of the scan found."""

from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Report:
    summary: str
    """One line: what was looked at."""
    problems: tuple[str, ...] = ()
    """What makes the scan fail: each says where, what is wrong and what to do."""
    not_done: str = ""
    """What could not be looked at here. It fails nothing, and is never said to be right."""
