"""Settings that every service has, from the environment only; `deploy/kafka.env` has Kafka's for production."""

import sys
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kafka_settings import KafkaSettings
from shared.mongo_connection import MongoConnection
from shared.service_tls import ServiceTls
from shared.service_token import checked


class ServiceSettings(ServiceTls, MongoConnection, BaseSettings, KafkaSettings):
    """The names are the environment variables', in lower case. An empty variable counts as not set."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    database_prefix: str = Field(default="hera", pattern=r"^[a-z][a-z0-9_]{0,30}$")

    kafka_fetch_max_wait_ms: int = Field(default=500, ge=1)
    kafka_batch_timeout_ms: int = Field(default=10, ge=1)
    kafka_max_batch_records: int = Field(default=500, ge=1)
    kafka_session_timeout_ms: int = Field(default=10_000, ge=1000)
    kafka_rebalance_timeout_ms: int = Field(default=60_000, ge=1000)
    kafka_partitions: int = Field(default=12, ge=1)
    kafka_replication_factor: int = Field(default=3, ge=1)

    service_token: Annotated[SecretStr, AfterValidator(checked)] = Field(
        description="what services show each other, 32 characters or more; of several the first is shown, any is taken"
    )

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    metrics_port: int | None = Field(default=None, ge=0, le=65535, description="serves /metrics, and nothing else")
    http_max_head_bytes: int = Field(default=32 * 1024, ge=1024, description="of a request's line and headers")
    http_head_seconds: float = Field(default=15, gt=0, description="how long these may take to arrive")
    http_body_seconds: float = Field(default=60, gt=0, description="how long a body may take, and an answer be unread")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    shutdown_seconds: float = Field(default=20, gt=0, description="how long a stop waits for what is in hand")


S = TypeVar("S", bound=ServiceSettings)


def load_settings(kind: type[S]) -> S:
    """The settings from the environment; ends the process with one line for each variable that is wrong."""
    try:
        return kind()
    except ValidationError as error:
        sys.stderr.writelines(_sentence(kind, e["loc"], e["type"], e["msg"], e["input"]) for e in error.errors())
        raise SystemExit(2) from None


def _sentence(
    settings: type[ServiceSettings], location: tuple[int | str, ...], kind: str, message: str, got: object
) -> str:
    name = "_".join(str(part) for part in location).upper()
    message = message.removeprefix("Value error, ")
    if kind == "missing":
        return f"{name} is not set\n"
    if not location:  # about several settings at once; what was got is all of them, secrets too
        return f"{message}\n"
    field = settings.model_fields.get(str(location[0]))
    secret = field is not None and ("Secret" in str(field.annotation) or field.json_schema_extra == {"secret": True})
    return f"{name}: {message}\n" if secret else f"{name}={got}: {message}\n"
