"""A surprise while clear values are at hand is told without its words, which might hold one."""

import traceback


class Unspoken(Exception):
    """Takes the place of another exception in incidents and parked records."""

    @classmethod
    def of(cls, error: Exception) -> "Unspoken":
        places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in _last(error)]
        return cls(
            f"{type(error).__name__} at {' > '.join(places)}; its words are not kept, as there are encrypted fields"
        )


def _last(error: Exception) -> list[traceback.FrameSummary]:
    return traceback.extract_tb(error.__traceback__)[-3:]
