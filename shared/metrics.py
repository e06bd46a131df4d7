"""Metrics that every service has, and the page that Prometheus reads."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

BATCH_SECONDS = Histogram(
    "hera_batch_seconds", "Time to handle one batch of records", ["topic"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip
RECORDS = Counter("hera_records", "Records handled", ["topic"])
PARKED = Counter("hera_records_parked", "Records set aside because they could not be taken", ["topic"])
UNREADABLE_BATCHES = Counter("hera_batches_unreadable", "Batches of records skipped: damaged or too large", ["topic"])
POSITIONS_RESET = Counter("hera_positions_reset", "Positions that a log does not contain (any more)", ["topic"])
HANDLED_AFTER = Histogram(
    "hera_record_handled_after_seconds", "Time from a record's writing to its having been handled, oldest of a batch",
    ["topic"], buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)  # fmt: skip
CONSUMER_LAG = Gauge("hera_consumer_lag", "Records not handled yet", ["topic", "group", "partition"])
SECONDS_WITHOUT_PROGRESS = Gauge(
    "hera_partition_seconds_without_progress", "Time since a partition brought records or had none to read",
    ["topic", "group", "partition"],
)  # fmt: skip
OPEN_TRANSACTION_SECONDS = Gauge(
    "hera_open_transaction_seconds", "Time for which another producer's open transaction has held back a partition",
    ["topic", "group", "partition"],
)  # fmt: skip
WAITS_FOR_UPGRADE_SECONDS = Gauge(
    "hera_partition_waits_for_upgrade_seconds", "Time for which a message newer than the service has held a partition",
    ["topic", "group", "partition"],
)  # fmt: skip
HTTP_SECONDS = Histogram(
    "hera_http_request_seconds", "Time to answer a request", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip


def show_faults_of(topic: str) -> None:
    """Shows a reader's faults at 0 from its start: no alert sees an increase in a series that begins with its first."""
    UNREADABLE_BATCHES.labels(topic)
    POSITIONS_RESET.labels(topic)


def exposition() -> tuple[bytes, str]:
    """The page and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
