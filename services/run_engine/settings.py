"""Settings of the run engine."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.run_engine.sealing.keyring import Keyring, keys_of
from shared.settings import ServiceSettings


def _keys(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        keys_of(text.get_secret_value())
    return text


class Settings(ServiceSettings):
    run_cache_size: int = Field(default=5000, ge=0, description="runs kept in memory between commands")
    timer_scan_seconds: float = Field(default=0.25, gt=0, description="how often due timers are looked for")
    encryption_keys: Annotated[SecretStr | None, AfterValidator(_keys)] = Field(
        default=None,
        description="`id:base64` of 32 bytes, several with commas: the first wraps the keys of organisations",
    )
    signal_permissions: tuple[str, ...] = Field(
        default=("run:update",),
        description="what a signal from Kafka may do; add step:skip to let it skip required steps",
    )
    document_wait_seconds: float = Field(
        default=8.0, ge=0, description="how long the put of a policy waits until it is in force"
    )
    document_poll_seconds: float = Field(default=0.02, gt=0, description="how often it looks")


def keyring(settings: Settings) -> Keyring:
    given = settings.encryption_keys
    return Keyring(keys_of(given.get_secret_value()) if given is not None else {})
