"""How MongoDB is reached: its address, TLS and X.509. Every client, of a service or of a tool, is made of `options`."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

X509 = "MONGODB-X509"
_REFUSED_USER = (11, 18)
"""UserNotFound, of certificates, and AuthenticationFailed."""
_WEAKENS = ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames")


class MongoConnectionError(Exception):
    """A sentence that names the setting that is wrong."""


class MongoConnection(BaseModel):
    """The settings that are about the connection, of services and tools alike."""

    mongodb_uri: str = Field(description="mongodb:// address of a replica set")
    mongodb_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the authorities that sign MongoDB's certificate; turns TLS on",
    )
    mongodb_tls_certificate_key_file: Path | None = Field(
        default=None, description="the client's own certificate and its private key, in one file, in PEM"
    )
    mongodb_tls_certificate_key_password: SecretStr | None = Field(default=None, description="of that private key")
    mongodb_auth_mechanism: Literal["SCRAM-SHA-256", "MONGODB-X509"] | None = Field(
        default=None, description="MONGODB-X509: the certificate's subject is the user; without it the address decides"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mongodb_tls_certificate_key_password is not None and self.mongodb_tls_certificate_key_file is None:
            raise ValueError("MONGODB_TLS_CERTIFICATE_KEY_PASSWORD needs MONGODB_TLS_CERTIFICATE_KEY_FILE: set it too")
        if self.mongodb_tls_certificate_key_file is not None and self.mongodb_tls_ca_file is None:
            raise ValueError("MONGODB_TLS_CERTIFICATE_KEY_FILE needs MONGODB_TLS_CA_FILE: set it too")
        if self.mongodb_auth_mechanism == X509 and self.mongodb_tls_certificate_key_file is None:
            raise ValueError(f"MONGODB_AUTH_MECHANISM={X509} needs MONGODB_TLS_CERTIFICATE_KEY_FILE: set it too")
        if self.mongodb_tls_ca_file is not None:
            self._require_usable_files(self.mongodb_tls_ca_file)
        if self.mongodb_tls_ca_file is not None or self.mongodb_auth_mechanism is not None:
            self._require_fitting_address()
        return self

    def _require_usable_files(self, ca_file: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"MONGODB_TLS_CA_FILE={ca_file} can't be read as certificates in PEM: {_reason(error)}"
            ) from None
        certificate = self.mongodb_tls_certificate_key_file
        if certificate is None:
            return
        try:
            # Without a password OpenSSL would ask for one at the terminal.
            context.load_cert_chain(certificate, password=self._password() or "")
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"MONGODB_TLS_CERTIFICATE_KEY_FILE={certificate} can't be read as a certificate and its private key in "
                f"PEM, or MONGODB_TLS_CERTIFICATE_KEY_PASSWORD is not its password: {_reason(error)}"
            ) from None

    def _require_fitting_address(self) -> None:
        try:
            parsed = parse_uri(self.mongodb_uri)
        except Exception:
            raise ValueError(
                "MONGODB_URI is no address of MongoDB, such as mongodb://host:27017/?replicaSet=rs0"
            ) from None
        options = parsed["options"]
        if self.mongodb_tls_ca_file is not None and options.get("tls") is False:
            raise ValueError("MONGODB_URI has tls=false and MONGODB_TLS_CA_FILE is set: remove one of them")
        for option in _WEAKENS:
            if self.mongodb_tls_ca_file is not None and options.get(option):
                raise ValueError(f"MONGODB_URI has {option}, which would make MONGODB_TLS_CA_FILE useless: remove it")
        if self.mongodb_auth_mechanism == X509 and parsed["username"]:
            raise ValueError(
                f"MONGODB_AUTH_MECHANISM={X509} takes the user from the certificate: remove user and password from "
                "MONGODB_URI"
            )
        if self.mongodb_auth_mechanism not in (None, X509) and not parsed["username"]:
            raise ValueError(f"MONGODB_AUTH_MECHANISM={self.mongodb_auth_mechanism} needs a user in MONGODB_URI")

    def options(self) -> dict[str, Any]:
        """Returns the arguments that a client of PyMongo or motor takes next to the address."""
        return self.tls_options() | self._authentication()

    def tls_options(self) -> dict[str, Any]:
        """Returns those of `options` that are not about the user."""
        if self.mongodb_tls_ca_file is None:
            return {}
        options: dict[str, Any] = {"tls": True, "tlsCAFile": str(self.mongodb_tls_ca_file)}
        if self.mongodb_tls_certificate_key_file is not None:
            options["tlsCertificateKeyFile"] = str(self.mongodb_tls_certificate_key_file)
        if password := self._password():
            options["tlsCertificateKeyFilePassword"] = password
        return options

    def _authentication(self) -> dict[str, Any]:
        if self.mongodb_auth_mechanism is None:
            return {}
        source = {"authSource": "$external"} if self.mongodb_auth_mechanism == X509 else {}
        return {"authMechanism": self.mongodb_auth_mechanism, **source}

    def _password(self) -> str | None:
        secret = self.mongodb_tls_certificate_key_password
        return secret.get_secret_value() if secret is not None else None


def connection_of(environment: Mapping[str, str]) -> MongoConnection:
    """Returns the connection that a tool's environment names.

    Raises:
        KeyError: MONGODB_URI is not set.
        MongoConnectionError: A setting is wrong.
    """
    given = {name: environment[name.upper()] for name in MongoConnection.model_fields if environment.get(name.upper())}
    if "mongodb_uri" not in given:
        raise KeyError("MONGODB_URI")
    try:
        return MongoConnection.model_validate(given)
    except ValidationError as error:
        raise MongoConnectionError("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None


def explain_refusal(error: BaseException) -> str | None:
    """Returns what to set otherwise where MongoDB, or TLS, refuses this client; None for every other fault."""
    told = str(error)
    if isinstance(error, OperationFailure) and error.code in _REFUSED_USER:
        return (
            "MongoDB refuses the user: correct user and password in MONGODB_URI, or with MONGODB_AUTH_MECHANISM="
            f"{X509} create a user for the subject of MONGODB_TLS_CERTIFICATE_KEY_FILE"
        )
    if "CERTIFICATE_VERIFY_FAILED" in told:
        return (
            "MongoDB's certificate is not signed by an authority of MONGODB_TLS_CA_FILE, has expired, or names "
            "another host than MONGODB_URI: correct one of the three"
        )
    if any(sign in told for sign in ("SSL handshake failed", "TLSV1", "connection closed")):
        return (
            "MongoDB ends the connection at once: it demands TLS (set MONGODB_TLS_CA_FILE), or a client certificate by "
            "an authority that it knows (set MONGODB_TLS_CERTIFICATE_KEY_FILE)"
        )
    return None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = f"{str(location[0]).upper()}: " if location else ""
    return name + message.removeprefix("Value error, ")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
