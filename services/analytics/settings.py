"""Settings of analytics."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    summary_cache_size: int = Field(default=10_000, ge=0, description="open runs whose summaries are kept in memory")
    analytics_wait_seconds: float = Field(
        default=2.0, ge=0, description="how long a query waits for the events that were there when it came"
    )
    analytics_poll_seconds: float = Field(
        default=0.05, gt=0, description="how often a waiting query looks how far the other replicas have come"
    )
