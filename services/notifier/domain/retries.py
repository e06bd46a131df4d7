"""When a delivery is tried again, and when it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Schedule:
    """The pause doubles from `first` to `longest`; after `given_up_after` there is no other try."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    given_up_after: timedelta = timedelta(days=1)

    def next_try(
        self, since: datetime, tries: int, now: datetime, jitter: float, asked: timedelta = timedelta()
    ) -> datetime | None:
        """After so many tries since then, or after the longer pause that was `asked` for, up to the longest; `jitter`
        (0 to 1) adds up to half of it. None: given up."""
        if now - since >= self.given_up_after:
            return None
        pause = min(max(self.first * 2.0 ** min(tries - 1, 20), asked), self.longest)
        return now + pause * (1 + jitter / 2)


FOR_A_DAY = Schedule()
