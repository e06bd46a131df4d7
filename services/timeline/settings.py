"""Settings of the timeline."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    kafka_max_batch_records: int = Field(default=1000, ge=1)
    timeline_wait_seconds: float = Field(
        default=2.0, ge=0, description="how long a read waits for the event that it must see"
    )
    timeline_pace_seconds: float = Field(
        default=0.1, ge=0, description="shortest time between two batches while no read waits for an event"
    )
    timeline_poll_seconds: float = Field(
        default=0.05, gt=0, description="how often a waiting read looks for what another replica has written"
    )
