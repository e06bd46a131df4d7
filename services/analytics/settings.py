"""Settings of analytics."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    kafka_max_batch_records: int = Field(default=2000, ge=1)
    summary_cache_size: int = Field(default=10_000, ge=0, description="open runs whose summaries are kept in memory")
    analytics_wait_seconds: float = Field(
        default=2.0, ge=0, description="how long a query waits for the events that were there when it came"
    )
    analytics_pace_seconds: float = Field(
        default=0.25, ge=0, description="shortest time between two batches while no query waits for them"
    )
    analytics_poll_seconds: float = Field(
        default=0.05, gt=0, description="how often a waiting query looks how far the other replicas have come"
    )
