"""Averages and rates, exact, rounded as the API shows them. Of nothing there is no average: None."""

import math
from collections.abc import Sequence
from statistics import fmean, median

_SHORT = 10


def shown(value: float | None) -> float | None:
    """One digit after the point at most; 30 for 30.0."""
    if value is None:
        return None
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def span(value: float | None) -> float | None:
    """A length of time: one digit after the point, three below ten, or a few minutes would be no hours at all."""
    if value is None or value >= _SHORT:
        return shown(value)
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def average(values: Sequence[float]) -> float | None:
    """Of lengths of time."""
    return span(fmean(values)) if values else None


def middle(values: Sequence[float]) -> float | None:
    """Of lengths of time."""
    return span(median(values)) if values else None


def percentile_95(values: Sequence[float]) -> float | None:
    """The smallest length of time that 95 of 100 do not exceed (nearest rank)."""
    return span(sorted(values)[math.ceil(0.95 * len(values)) - 1]) if values else None


def rate(part: int, whole: int) -> float | None:
    """In percent."""
    return shown(100 * part / whole) if whole else None
