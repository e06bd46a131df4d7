"""Tokens for Kafka's OAUTHBEARER, by OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

import asyncio
import ssl
import time
from urllib.parse import urlsplit

import httpx
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

ANSWER_SECONDS = 10.0
RENEWED_AT = 0.8
"""Of a token's life: later it might end on the way to a broker."""
UNKNOWN_LIFE_SECONDS = 60.0
"""Of a token whose issuer does not say how long it lives."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def address_fault(url: str) -> str | None:
    """Returns why a token endpoint can't be used, or None. The client's secret is sent to it."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return None
    return "must be an https:// address: the client secret is sent to it"


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Fetches a token, and another one when most of its life is over; all connections of a client share it."""

    def __init__(self, url: str, client_id: str, secret: str, scope: str | None) -> None:
        self._url = url
        self._login = client_id, secret
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._token = ""
        self._renew_at = 0.0
        self._fetching: asyncio.Lock | None = None

    async def token(self) -> str:
        """Raises KafkaConnectionError, which clients take for a broker that is away, and try again."""
        self._fetching = self._fetching or asyncio.Lock()
        async with self._fetching:
            if time.monotonic() >= self._renew_at:
                self._token, life = await self._fetch()
                self._renew_at = time.monotonic() + life * RENEWED_AT
            return self._token

    async def _fetch(self) -> tuple[str, float]:
        where = f"KAFKA_SASL_OAUTH_TOKEN_URL={self._url}"
        context = ssl.create_default_context()  # SSL_CERT_FILE names other certificate authorities than the system's
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, verify=context) as http:
                response = await http.post(self._url, data=self._form, auth=self._login)
            answer = response.json() if response.is_success else {}
            return str(answer["access_token"]), float(answer.get("expires_in") or UNKNOWN_LIFE_SECONDS)
        except httpx.HTTPError as error:
            raise KafkaConnectionError(f"{where} does not answer: {error or type(error).__name__}") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KafkaConnectionError(f"{where} gave no token: status {response.status_code}") from None
