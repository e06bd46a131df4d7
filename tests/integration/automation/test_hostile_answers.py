"""What an endpoint may answer to do harm: nothing of it costs more than the attempt."""

import asyncio
import contextlib
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.automation.calls import Caller, CallLimits
from services.automation.domain.answers import Outcome
from services.automation.store import StoredJob
from shared.clock import now
from tests.integration.automation.conftest import ORGANIZATION, http, job

LIMIT = 2048
Sender = Callable[[asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def answering(send: Sender, asked: list[bytes], tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """An address whose server sends as told, to whoever connects, until the caller hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await send(writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def called(
    send: Sender,
    asked: list[bytes] | None = None,
    times: int = 1,
    seconds: float = 5,
    tls: ssl.SSLContext | None = None,
) -> Outcome:
    async with answering(send, [] if asked is None else asked, tls) as base:
        caller = Caller(CallLimits({ORGANIZATION: base}, {}, {}, LIMIT), connections=2)
        await caller.start()
        try:
            stored = StoredJob(job("/x", timeout_seconds=seconds), "http", "req_1", "cause_1", None)
            outcomes = [await caller.call(stored) for _ in range(times)]
        finally:
            await caller.stop()
    return outcomes[-1]


def saying(answer: bytes) -> Sender:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return send


def repeating(first: bytes, part: bytes, pause: float = 0) -> Sender:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return send


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "send",
    [
        repeating(OK + b"content-length: 1000000\r\n\r\n", b"x", 0.02),
        repeating(OK, b"x-header: y\r\n", 0.02),
        repeating(b"", b"H", 0.02),
        repeating(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.001),
    ],
    ids=["body", "headers", "status line", "early hints"],
)
async def test_who_sends_drop_by_drop_is_cut_off_after_the_attempts_time(send: Sender) -> None:
    outcome = await called(send, seconds=0.5)
    assert (outcome.error, outcome.retryable) == ("the endpoint did not answer within 0.5 s", True)


async def test_a_body_without_end_is_cut_off_at_the_bound() -> None:
    outcome = await called(repeating(OK + b"connection: close\r\n\r\n", b"x" * 1000))
    assert (outcome.outcome, outcome.error) == ("failure", "the endpoint answered 200 with more than 2048 bytes")


async def test_headers_without_end_are_cut_off() -> None:
    outcome = await called(repeating(OK, b"x-header: " + b"y" * 1000 + b"\r\n"))
    assert "could not be reached: RemoteProtocolError" in (outcome.error or "")


@pytest.mark.parametrize(
    ("first", "part"),
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (OK + b"transfer-encoding: chunked\r\n\r\n", b"1;" + b"x" * 500 + b"\r\nx\r\n"),
    ],
    ids=["early hints", "chunks that say little"],
)
async def test_an_answer_that_never_comes_to_its_point_is_cut_off_before_its_time(first: bytes, part: bytes) -> None:
    """Thousands of small parts cost more to read than to send."""
    outcome = await called(repeating(first, part * 100), seconds=60)
    told = f"the answer has more than {2 * LIMIT + 256 * 1024} bytes on the wire"
    assert (outcome.retryable, (outcome.error or "")[-len(told) :]) == (True, told)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZIP"])
async def test_a_packed_answer_is_unpacked_no_further_than_to_the_bound(encoding: str) -> None:
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    bomb = pack(b"0" * 1_000_000)
    assert len(bomb) < LIMIT
    outcome = await called(saying(http(200, bomb, f"content-encoding: {encoding}\r\n")))
    assert outcome.error == "the endpoint answered 200 with more than 2048 bytes"
    outcome = await called(saying(http(200, pack(b'{"a": 1}'), f"content-encoding: {encoding}\r\n")))
    assert outcome == Outcome("success", {"a": 1})


@pytest.mark.parametrize(("encoding", "told"), [("br", "which was not asked for"), ("gzip", "whose body is no gzip")])
async def test_an_answer_that_cannot_be_unpacked_is_a_failure_that_says_so(encoding: str, told: str) -> None:
    outcome = await called(saying(http(200, b"x" * 50, f"content-encoding: {encoding}\r\n")))
    assert (outcome.outcome, outcome.retryable) == ("failure", False)
    assert told in (outcome.error or "")


async def test_a_packed_answer_that_breaks_off_is_no_success() -> None:
    """Its data would be lost without a word."""
    outcome = await called(saying(http(200, gzip.compress(b'{"a": 1}')[:-12], "content-encoding: gzip\r\n")))
    assert outcome.error == "the endpoint answered 200, whose gzip breaks off"


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff\xfe", b"NaN", b"[1]", b'"text"', b""])
async def test_a_success_that_is_no_json_object_has_no_data(body: bytes) -> None:
    assert await called(saying(http(200, body))) == Outcome("success", {})


async def test_a_success_that_is_nested_too_deep_is_no_success() -> None:
    outcome = await called(saying(http(200, b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}")))
    assert (outcome.outcome, outcome.retryable) == ("failure", False)
    assert "can't be kept" in (outcome.error or "")


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"\x00" * 100, b""])
async def test_what_is_no_http_is_worth_another_attempt(answer: bytes) -> None:
    outcome = await called(saying(answer))
    assert (outcome.outcome, outcome.retryable) == ("failure", True)


async def test_cookies_are_not_kept_for_the_next_call() -> None:
    asked: list[bytes] = []
    await called(saying(http(200, b"{}", "set-cookie: session=of-another-organisation; Path=/\r\n")), asked, times=2)
    assert len(asked) == 2
    assert b"cookie" not in b"".join(asked).lower()


def self_signed(directory: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for 127.0.0.1 that only itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = directory / "self-signed.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    asked: list[bytes] = []
    outcome = await called(saying(http(200, b"{}")), asked, tls=self_signed(tmp_path))
    assert (outcome.outcome, outcome.retryable, asked) == ("failure", True, [])
    assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
