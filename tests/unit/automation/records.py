"""A record as a consumer gets it."""

from dataclasses import dataclass

from contracts.topics import WORKER_RESULTS


@dataclass
class Read:
    value: bytes | None
    key: bytes | None
    offset: int = 0
    topic: str = WORKER_RESULTS.name
    partition: int = 0
    timestamp: int = 0
