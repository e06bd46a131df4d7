"""Each way to prove who one is, by our settings, to a real broker; it takes OAUTHBEARER tokens unsigned."""

import asyncio
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.topics import RUN_EVENTS, SIGNALS
from deploy.local import stack
from deploy.local.folder import Folder
from deploy.local.kafka.security import BrokerSecurity
from deploy.local.plan import Wishes
from shared.kafka_settings import connection_options, read_kafka_settings
from tests.secured.certificates import Authority

KEY_PASSWORD = "opens-the-key"
TLS = """\
listener.security.protocol.map={protocol}:{protocol},CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
"""
MECHANISMS = """\
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="broker" password="broker" user_broker="broker" user_u="right";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms=60000
"""
"""With a bound for reauthentication, a broker ends a connection whose token has expired."""
LONG, SHORT = 60.0, 3.0
"""Seconds that a token lives."""
GROUP = "renewed.group"
TOKENS, SECONDS = 5, 90.0


class Issuer(BaseHTTPRequestHandler):
    """A token endpoint that demands client credentials; tokens are not signed, and live as long as the path says."""

    issued: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        known = self.headers.get("authorization") == "Basic " + urlsafe_b64encode(b"u:right").decode()
        seconds = float(self.path.rpartition("/")[2])
        answer = {"access_token": token(seconds), "expires_in": seconds} if known else {"error": "invalid_client"}
        body = json.dumps(answer).encode()
        self.issued.append(self.path)
        self.send_response(200 if known and b"grant_type=client_credentials" in asked else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def token(seconds: float) -> str:
    claims = {"sub": "u", "iat": time.time(), "exp": time.time() + seconds}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Issuer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    server.server_close()


def broker(
    path: Path, authority: Authority, security: BrokerSecurity, settings: dict[str, str]
) -> Iterator[dict[str, str]]:
    """Yields the servers and the authority of one broker, which is waited for with the given settings."""
    certified = {"KAFKA_SECURITY_PROTOCOL": security.protocol, "KAFKA_SSL_CA_FILE": str(authority.file)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (certified | settings).items():
            patch.setenv(name, value)
        started = stack.up(Folder(path), Wishes(security=security), ("infrastructure",), report=lambda _: None)
    try:
        yield certified | {"KAFKA_BOOTSTRAP_SERVERS": started.plan.addresses.kafka_bootstrap_servers}
    finally:
        stack.down(Folder(path))


def tls(authority: Authority, protocol: str) -> str:
    return TLS.format(protocol=protocol, keystore=authority.keystore("broker"), truststore=authority.file)


@pytest.fixture(scope="module")
def by_sasl(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    users = [f"{mechanism}=[name=u,password=right]" for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
    security = BrokerSecurity(
        "SASL_SSL",
        tls(authority, "SASL_SSL") + MECHANISMS,
        tuple(argument for user in users for argument in ("--add-scram", user)),
    )
    yield from broker(tmp_path_factory.mktemp("sasl"), authority, security, login("PLAIN"))


@pytest.fixture(scope="module")
def by_certificate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    security = BrokerSecurity("SSL", tls(authority, "SSL") + "ssl.client.auth=required\n")
    yield from broker(tmp_path_factory.mktemp("ssl"), authority, security, certificate(authority))


def login(mechanism: str, password: str = "right") -> dict[str, str]:
    return {
        "KAFKA_SASL_MECHANISM": mechanism,
        "KAFKA_SASL_USERNAME": "u",
        "KAFKA_SASL_PASSWORD": password,
    }


def certificate(authority: Authority) -> dict[str, str]:
    files = authority.certify("client", KEY_PASSWORD)
    return {
        "KAFKA_SSL_CERTIFICATE_FILE": str(files[0]),
        "KAFKA_SSL_KEY_FILE": str(files[1]),
        "KAFKA_SSL_KEY_PASSWORD": KEY_PASSWORD,
    }


async def connects(settings: dict[str, str]) -> bool:
    producer = AIOKafkaProducer(**connection_options(read_kafka_settings(settings)), request_timeout_ms=5000)
    try:
        await producer.start()
        await producer.send_and_wait(SIGNALS.name, b"{}")
    except KafkaError:
        return False
    finally:
        await producer.stop()
    return True


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_password_is_taken_and_a_wrong_one_is_not(by_sasl: dict[str, str], mechanism: str) -> None:
    assert await connects(by_sasl | login(mechanism))
    assert not await connects(by_sasl | login(mechanism, "wrong"))


def asks(issuer: str, seconds: float) -> dict[str, str]:
    return {
        "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "KAFKA_SASL_OAUTH_TOKEN_URL": f"{issuer}/{seconds}",
        "KAFKA_SASL_OAUTH_CLIENT_ID": "u",
        "KAFKA_SASL_OAUTH_CLIENT_SECRET": "right",
    }


async def test_a_token_of_the_issuer_is_taken_and_without_one_there_is_no_connection(
    by_sasl: dict[str, str], issuer: str
) -> None:
    asked = asks(issuer, LONG)
    assert await connects(by_sasl | asked)
    assert not await connects(by_sasl | asked | {"KAFKA_SASL_OAUTH_CLIENT_SECRET": "wrong"})


async def test_work_goes_on_over_the_ends_of_many_tokens(by_sasl: dict[str, str], issuer: str) -> None:
    """The broker ends each connection with its token; the next one is made with a token that has not expired."""
    begun, sent, read = len(Issuer.issued), list[bytes](), list[bytes]()
    options = connection_options(read_kafka_settings(by_sasl | asks(issuer, SHORT)))
    group = {"group_id": GROUP, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with (
        asyncio.timeout(SECONDS + 30),  # also of the ends of both clients
        AIOKafkaProducer(**options, acks="all", enable_idempotence=True) as producer,
        AIOKafkaConsumer(RUN_EVENTS.name, **options, **group) as consumer,
        asyncio.timeout(SECONDS),
    ):
        while len(Issuer.issued) - begun < TOKENS or len(read) < len(sent):
            if len(Issuer.issued) - begun < TOKENS:
                sent.append(str(len(sent)).encode())
                await producer.send_and_wait(RUN_EVENTS.name, sent[-1], partition=0)
            read += [record.value for found in (await consumer.getmany(timeout_ms=250)).values() for record in found]
            await consumer.commit()
    assert read == sent


async def test_a_client_certificate_is_taken_and_none_is_not(
    by_certificate: dict[str, str], authority: Authority
) -> None:
    assert await connects(by_certificate | certificate(authority))
    assert not await connects(by_certificate)
