"""TLS between the services: who is asked shows a certificate, which who asks verifies by the configured authorities."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, model_validator

_ADDRESSES = ("registry_url", "run_engine_url", "timeline_url", "analytics_url", "notifier_url")


class ServiceTls(BaseModel):
    """The settings of every service, and of the commands that ask one."""

    service_tls_ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities that sign the services' certificates; turns TLS on"
    )
    service_tls_certificate_file: Path | None = Field(
        default=None, description="PEM file of this service's own certificate and those between it and an authority"
    )
    service_tls_key_file: Path | None = Field(
        default=None, description="PEM file of its private key, without a password"
    )

    @model_validator(mode="after")
    def _tls_fits_together(self) -> Self:
        certificate, key = self.service_tls_certificate_file, self.service_tls_key_file
        if (certificate is None) != (key is None):
            raise ValueError(
                "SERVICE_TLS_CERTIFICATE_FILE and SERVICE_TLS_KEY_FILE belong together: set both, or neither"
            )
        if certificate is not None and self.service_tls_ca_file is None:
            raise ValueError("SERVICE_TLS_CERTIFICATE_FILE needs SERVICE_TLS_CA_FILE: set it too")
        if self.service_tls_ca_file is not None:
            _ = self.verification
            self._require_https()
        if certificate is not None:
            _ = self.server_context
        return self

    def _require_https(self) -> None:
        for name in _ADDRESSES:
            url = getattr(self, name, None)
            if url is not None and not url.startswith("https://"):
                raise ValueError(f"{name.upper()} must begin with https://, since SERVICE_TLS_CA_FILE is set")

    @cached_property
    def verification(self) -> ssl.SSLContext | bool:
        """By what a certificate of another service is verified: True stands for the client's own authorities.

        Raises ValueError for a file that can't be read.
        """
        if self.service_tls_ca_file is None:
            return True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(self.service_tls_ca_file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ValueError(
                f"SERVICE_TLS_CA_FILE={self.service_tls_ca_file} can't be read as certificates in PEM: {reason}"
            ) from None
        return context

    @cached_property
    def server_context(self) -> ssl.SSLContext | None:
        """By what this service is recognized; None where it speaks plain HTTP. Raises ValueError as `verification`."""
        certificate, key = self.service_tls_certificate_file, self.service_tls_key_file
        if certificate is None or key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key, password="")  # without one OpenSSL would ask at the terminal
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ValueError(
                f"SERVICE_TLS_CERTIFICATE_FILE={certificate} and SERVICE_TLS_KEY_FILE={key} can't be read as a "
                f"certificate and its private key, without a password, in PEM: {reason}"
            ) from None
        return context
