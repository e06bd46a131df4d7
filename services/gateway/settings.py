"""Settings of the gateway."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.settings import ServiceSettings


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < 32:
        raise ValueError("needs 32 bytes or more, as HS256 does")
    return secret


class GatewaySettings(ServiceSettings):
    jwt_secret: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(description="HS256 key, 32 bytes or more")
    jwt_issuer: str | None = Field(default=None, description="`iss` that tokens must have, if set")
    jwt_audience: str | None = Field(default=None, description="`aud` that tokens must have, if set")

    registry_url: str = Field(description="http://host:port of playbook_registry")
    run_engine_url: str = Field(description="http://host:port of run_engine")
    timeline_url: str = Field(description="http://host:port of timeline")
    analytics_url: str = Field(description="http://host:port of analytics")

    reply_timeout_seconds: float = Field(default=10, gt=0, description="after this a command is answered with 202")
    rate_limit_per_minute: int = Field(
        default=1000, ge=0, description="requests of one organisation, over all gateways; 0: as many as they like"
    )
    rate_limits: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={}, description='those of single organisations, as JSON: {"org_1": 5000}'
    )
    max_commands_in_flight: int = Field(
        default=2000, ge=1, description="commands that wait for their replies; what comes beyond them gets 503"
    )
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
