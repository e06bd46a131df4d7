"""Settings of the gateway."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.settings import ServiceSettings


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value().encode()) < 32:
        raise ValueError("needs 32 bytes or more, as HS256 does")
    return secret


def _is_address(url: str) -> bool:
    """http:// or https:// with a host, and without a password, which would end up in logs."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False


def _require(name: str, claim: str, value: str | None, any_is_taken: bool, way_out: str) -> None:
    """Raises ValueError: an issuer signs the tokens of all its applications, ours or not, with the same keys."""
    if value is None and not any_is_taken:
        raise ValueError(
            f"{name} must be set where JWT_JWKS_URL is: it is the {claim} that tokens must have."
            f" {way_out}=true takes any"
        )
    if value is not None and any_is_taken:
        raise ValueError(f"{name} and {way_out}=true exclude each other: set one of them")


class GatewaySettings(ServiceSettings):
    jwt_secret: Annotated[SecretStr | None, AfterValidator(_long_enough)] = Field(
        default=None, description="key of tokens by HS256, 32 bytes or more"
    )
    jwt_jwks_url: str | None = Field(
        default=None, description="where the issuer publishes its keys for RS256, ES256 and EdDSA as a JWK Set"
    )
    jwt_jwks_refresh_seconds: float = Field(default=300.0, ge=1, description="how old those keys get")
    jwt_jwks_kept_seconds: float = Field(
        default=3600.0, ge=1, description="how long they are used on where they can't be fetched"
    )
    jwt_jwks_pause_seconds: float = Field(default=10.0, gt=0, description="shortest time between two fetches")
    jwt_issuer: str | None = Field(default=None, description="`iss` that tokens must have")
    jwt_audience: str | None = Field(default=None, description="`aud` that tokens must have")
    jwt_any_issuer: bool = Field(default=False, description="with JWT_JWKS_URL, takes tokens whatever their `iss`")
    jwt_any_audience: bool = Field(default=False, description="with JWT_JWKS_URL, takes tokens whatever their `aud`")
    jwt_leeway_seconds: int = Field(
        default=30, ge=0, le=300, description="how far an issuer's clock may be from this one"
    )

    registry_url: str = Field(description="http://host:port of playbook_registry")
    run_engine_url: str = Field(description="http://host:port of run_engine")
    timeline_url: str = Field(description="http://host:port of timeline")
    analytics_url: str = Field(description="http://host:port of analytics")
    notifier_url: str = Field(description="http://host:port of notifier")

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

    @model_validator(mode="after")
    def _can_tell_callers(self) -> Self:
        if self.jwt_secret is None and self.jwt_jwks_url is None:
            raise ValueError("Set JWT_SECRET or JWT_JWKS_URL: without either no token can be verified")
        if self.jwt_jwks_url is not None and not _is_address(self.jwt_jwks_url):
            raise ValueError("JWT_JWKS_URL must be http:// or https:// with a host, without user and password")
        if self.jwt_jwks_url is not None:
            _require("JWT_ISSUER", "iss", self.jwt_issuer, self.jwt_any_issuer, "JWT_ANY_ISSUER")
            _require("JWT_AUDIENCE", "aud", self.jwt_audience, self.jwt_any_audience, "JWT_ANY_AUDIENCE")
        if self.jwt_jwks_kept_seconds < self.jwt_jwks_refresh_seconds:
            raise ValueError("JWT_JWKS_KEPT_SECONDS must not be less than JWT_JWKS_REFRESH_SECONDS")
        return self
