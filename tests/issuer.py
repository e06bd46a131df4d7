"""An issuer of tokens: keys of every kind, and an HTTP server that publishes them as a JWK Set."""

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.ports import HOST

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Json = dict[str, Any]
ELSEWHERE = "/elsewhere"


@dataclass(frozen=True)
class SigningKey:
    id: str
    algorithm: str
    private: PrivateKey

    def jwk(self, **changes: Any) -> Json:
        """The public half. A member that is changed to None is left out."""
        algorithm: Any = jwt.get_algorithm_by_name(self.algorithm)
        public: Json = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        members = {**public, "kid": self.id, "use": "sig", "alg": self.algorithm, **changes}
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, algorithm: str | None = None, key_id: str | None = "", **changes: Any) -> str:
        """A token. `key_id`: in place of the key's own; None: without."""
        named = key_id if key_id != "" else self.id
        headers = {} if named is None else {"kid": named}
        return jwt.encode(claims(**changes), self.private, algorithm or self.algorithm, headers=headers)

    def public_texts(self) -> list[bytes]:
        """All that a forger might take for a secret."""
        public = self.private.public_key()
        info = PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(Encoding.PEM, info)
        return [pem, pem.strip(), public.public_bytes(Encoding.DER, info), json.dumps(self.jwk()).encode()]


def new_key(algorithm: str = "ES256", key_id: str = "first", rsa_bits: int = 2048) -> SigningKey:
    if algorithm == "RS256":
        return SigningKey(key_id, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits))
    if algorithm == "EdDSA":
        return SigningKey(key_id, algorithm, ed25519.Ed25519PrivateKey.generate())
    return SigningKey(key_id, algorithm, ec.generate_private_key(ec.SECP256R1()))


def claims(**changes: Any) -> Json:
    """Of a good token. One that is changed to None is left out."""
    given = {
        "sub": "user_1",
        "organization_id": "org_1",
        "permissions": ["*"],
        "exp": int(time.time()) + 600,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def forged(secret: bytes, key_id: str, said: object = "HS256", **changes: Any) -> str:
    """A token signed by HMAC with anything at all, which PyJWT would not do."""
    parts = ({"alg": said, "kid": key_id, "typ": "JWT"}, claims(**changes))
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Issuer:
    """Publishes `keys`, but for when it has something else to say."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys: list[SigningKey] = list(keys)
        self._instead: tuple[str, int] | None = None
        self.asked = 0
        self.url = ""

    async def publish(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self._instead:
            text, status = self._instead
            return web.Response(text=text, status=status, headers={"Location": ELSEWHERE} if status == 302 else {})
        return await self.publish_always(request)

    async def publish_always(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.jwk() for key in self.keys]})

    def says(self, text: str, status: int = 200) -> None:
        self._instead = (text, status)

    def recovers(self) -> None:
        self._instead = None


@contextlib.asynccontextmanager
async def published(*keys: SigningKey) -> AsyncIterator[Issuer]:
    """An issuer that answers on a port of its own."""
    issuer = Issuer(*keys)
    app = web.Application()
    app.router.add_get("/keys", issuer.publish)
    app.router.add_get(ELSEWHERE, issuer.publish_always)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    issuer.url = f"http://{HOST}:{cast('tuple[str, int]', runner.addresses[0])[1]}/keys"
    try:
        yield issuer
    finally:
        await runner.cleanup()
