"""Settings of the run engine."""

from pydantic import Field

from services.run_engine.signal_sources import SignalSourceSettings
from shared.keyring import EncryptionKeys, Keyring
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    run_cache_size: int = Field(default=5000, ge=0, description="runs kept in memory between commands")
    timer_scan_seconds: float = Field(default=0.25, gt=0, description="how often due timers are looked for")
    encryption_keys: EncryptionKeys = Field(
        default=None,
        description="`id:base64` of 32 bytes, several with commas: the first wraps the keys of organisations",
    )
    access_log_days: float = Field(
        default=400,
        gt=0,
        le=36_500,
        description="how long records of the access log are kept",
    )
    signal_permissions: tuple[str, ...] = Field(
        default=("run:update",),
        description="what a signal from Kafka may do, such as run:pause; step:skip lets it skip required steps",
    )
    signal_sources: SignalSourceSettings = Field(
        default={},
        description="JSON object, name of a source of signals → its topic or secrets, organizations and types; once "
        "there is one, all others are refused",
        json_schema_extra={"secret": True},
    )
    document_wait_seconds: float = Field(
        default=8.0, ge=0, description="how long the put of a policy waits until it is in force"
    )
    document_poll_seconds: float = Field(default=0.02, gt=0, description="how often it looks")


def keyring(settings: Settings) -> Keyring:
    return Keyring.of(settings.encryption_keys)
