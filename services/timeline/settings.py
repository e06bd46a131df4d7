"""Settings of the timeline."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    timeline_wait_seconds: float = Field(
        default=2.0, ge=0, description="how long a read waits for the event that it must see"
    )
    timeline_poll_seconds: float = Field(
        default=0.05, gt=0, description="how often a waiting read looks for what another replica has written"
    )
