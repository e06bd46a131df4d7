"""How Kafka is reached and proved: settings of every service and tool, and the one place where clients get them."""

import ssl
from collections.abc import Mapping
from typing import Any, Literal, Self

from aiokafka.helpers import create_ssl_context
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.oauth_tokens import ClientCredentials, address_fault

_PASSWORDS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_OAUTH = ("kafka_sasl_oauth_token_url", "kafka_sasl_oauth_client_id", "kafka_sasl_oauth_client_secret")
_LOGIN = ("kafka_sasl_username", "kafka_sasl_password")
_SASL = ("kafka_sasl_mechanism", *_LOGIN, *_OAUTH, "kafka_sasl_oauth_scope")
_FILES = ("kafka_ssl_ca_file", "kafka_ssl_certificate_file", "kafka_ssl_key_file", "kafka_ssl_key_password")


class KafkaSettingsError(Exception):
    """A sentence that says which setting is missing or wrong, for tools."""


class KafkaSettings(BaseModel):
    """The names are the environment variables', in lower case. Of services they are part of ServiceSettings."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kafka_bootstrap_servers: str = Field(description="host:port, comma separated")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_sasl_oauth_token_url: str | None = None
    kafka_sasl_oauth_client_id: str | None = None
    kafka_sasl_oauth_client_secret: SecretStr | None = None
    kafka_sasl_oauth_scope: str | None = None
    kafka_ssl_ca_file: str | None = Field(default=None, description="PEM; None: the system's certificate authorities")
    kafka_ssl_certificate_file: str | None = Field(default=None, description="PEM; the client's own, with its chain")
    kafka_ssl_key_file: str | None = Field(default=None, description="PEM")
    kafka_ssl_key_password: SecretStr | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for fault in (_sasl_fault(self), _files_fault(self)):
            if fault:
                raise ValueError(fault)
        return self


def read_kafka_settings(environment: Mapping[str, str], bootstrap_servers: str | None = None) -> KafkaSettings:
    """Returns the settings of a tool, by the environment; the servers, where given, over the environment's.

    Raises:
        KafkaSettingsError: A setting is missing, or does not fit the others.
    """
    names = KafkaSettings.model_fields
    given = {name: value for name in names if (value := environment.get(name.upper()))}
    if bootstrap_servers:
        given["kafka_bootstrap_servers"] = bootstrap_servers
    try:
        return KafkaSettings.model_validate(given)
    except ValidationError as error:
        raise KafkaSettingsError(" ".join(_sentence(found) for found in error.errors())) from None


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Returns what every client of aiokafka, and FastStream's broker, is made with: the servers, TLS and who we are."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.kafka_sasl_mechanism:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
    if settings.kafka_sasl_mechanism in _PASSWORDS:
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = _secret(settings.kafka_sasl_password)
    elif settings.kafka_sasl_mechanism:
        options["sasl_oauth_token_provider"] = _token_provider(settings)
    return options


def _token_provider(settings: KafkaSettings) -> ClientCredentials:
    return ClientCredentials(
        settings.kafka_sasl_oauth_token_url or "",
        settings.kafka_sasl_oauth_client_id or "",
        _secret(settings.kafka_sasl_oauth_client_secret) or "",
        settings.kafka_sasl_oauth_scope,
    )


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    context: ssl.SSLContext = create_ssl_context(
        cafile=settings.kafka_ssl_ca_file,
        certfile=settings.kafka_ssl_certificate_file,
        keyfile=settings.kafka_ssl_key_file,
        # An empty one keeps OpenSSL from asking for it at a terminal.
        password=_secret(settings.kafka_ssl_key_password) or "",
    )
    return context


def _sasl_fault(settings: KafkaSettings) -> str | None:
    """Returns what is wrong with who we say that we are, or None."""
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_sasl_mechanism
    if not protocol.startswith("SASL"):
        return _unused(settings, _SASL, f"needs KAFKA_SECURITY_PROTOCOL=SASL_SSL (it is {protocol})")
    if mechanism is None:
        return f"KAFKA_SASL_MECHANISM is not set, and KAFKA_SECURITY_PROTOCOL={protocol} needs it"
    by_password = mechanism in _PASSWORDS
    if missing := _names(settings, _LOGIN if by_password else _OAUTH, given=False):
        return f"{missing} not set, and KAFKA_SASL_MECHANISM={mechanism} needs it"
    if not by_password and (fault := address_fault(settings.kafka_sasl_oauth_token_url or "")):
        return f"KAFKA_SASL_OAUTH_TOKEN_URL {fault}"
    others = (*_OAUTH, "kafka_sasl_oauth_scope") if by_password else _LOGIN
    return _unused(settings, others, f"is not used by KAFKA_SASL_MECHANISM={mechanism}")


def _files_fault(settings: KafkaSettings) -> str | None:
    """Returns what is wrong with the certificates, or None."""
    if not settings.kafka_security_protocol.endswith("SSL"):
        need = f"needs KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL (it is {settings.kafka_security_protocol})"
        return _unused(settings, _FILES, need)
    if settings.kafka_ssl_key_file and not settings.kafka_ssl_certificate_file:
        return "KAFKA_SSL_KEY_FILE is set and KAFKA_SSL_CERTIFICATE_FILE is not: they go together"
    if settings.kafka_ssl_certificate_file and not settings.kafka_ssl_key_file:
        return "KAFKA_SSL_CERTIFICATE_FILE is set and KAFKA_SSL_KEY_FILE is not: they go together"
    if settings.kafka_ssl_key_password and not settings.kafka_ssl_key_file:
        return "KAFKA_SSL_KEY_PASSWORD is set and KAFKA_SSL_KEY_FILE is not: there is no key that it would open"
    return _unreadable(settings)


def _unreadable(settings: KafkaSettings) -> str | None:
    try:
        create_ssl_context(cafile=settings.kafka_ssl_ca_file)
    except OSError as error:  # ssl.SSLError is one
        return f"KAFKA_SSL_CA_FILE={settings.kafka_ssl_ca_file} can't be read as PEM certificates: {_reason(error)}"
    try:
        _ssl_context(settings)
    except OSError as error:
        return (
            f"KAFKA_SSL_CERTIFICATE_FILE={settings.kafka_ssl_certificate_file} and "
            f"KAFKA_SSL_KEY_FILE={settings.kafka_ssl_key_file} can't be read as a PEM certificate and its key, "
            f"or KAFKA_SSL_KEY_PASSWORD is not the key's: {_reason(error)}"
        )
    return None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _unused(settings: KafkaSettings, names: tuple[str, ...], why: str) -> str | None:
    """What is set and not used is a mistake: somebody believes that the connection is proved or encrypted."""
    given = _names(settings, names, given=True)
    return f"{given} set, which {why}" if given else None


def _names(settings: KafkaSettings, names: tuple[str, ...], *, given: bool) -> str:
    found = [name.upper() for name in names if (getattr(settings, name) is not None) is given]
    return f"{' and '.join(found)} {'are' if len(found) > 1 else 'is'}" if found else ""


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None


def _sentence(found: Any) -> str:
    name = "_".join(str(part) for part in found["loc"]).upper()
    message = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] == "missing":
        return f"{name} is not set."
    return f"{name}: {message}." if name else f"{message}."
