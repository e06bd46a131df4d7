"""The broker's jars are whole and the right ones, or not there."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.kafka import jars
from deploy.local.kafka.jars import Jar, fetch_jars, read_lock

CONTENT = b"the jar's bytes"
GOOD = hashlib.sha256(CONTENT).hexdigest()
NAMES = [f"org.example:part-{number}:1.0" for number in range(12)]


class Repository(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path.endswith(".jar") else 404)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HERA_MAVEN_REPOSITORY", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield address
    server.shutdown()
    server.server_close()


def _pin(monkeypatch: pytest.MonkeyPatch, *pinned: Jar) -> None:
    monkeypatch.setattr(jars, "read_lock", lambda: list(pinned))


def test_the_lock_pins_every_jar_with_a_version_and_a_checksum() -> None:
    pinned = read_lock()
    assert len(pinned) > 40 and len({jar.file_name for jar in pinned}) == len(pinned)
    assert {jar.coordinate.rsplit(":", 1)[1] for jar in pinned if ":kafka_" in jar.coordinate} == {jars.VERSION}
    assert all(jar.coordinate.count(":") == 2 and len(jar.sha256) == 64 for jar in pinned)


def test_fetches_all_jars_and_removes_what_a_killed_fetch_left(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin(monkeypatch, *(Jar(name, GOOD) for name in NAMES))
    (tmp_path / "partial-killed").mkdir()
    said: list[str] = []
    fetch_jars(tmp_path / "jars", said.append)
    assert [path.name for path in tmp_path.iterdir()] == ["jars"]
    assert {path.read_bytes() for path in (tmp_path / "jars").iterdir()} == {CONTENT}
    assert len(list((tmp_path / "jars").iterdir())) == len(NAMES)
    assert "Fetching Apache Kafka" in said[0] and " s." in said[-1]


def test_one_altered_jar_is_named_and_nothing_is_kept(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin(monkeypatch, *(Jar(name, GOOD) for name in NAMES), Jar("org.example:other:2.0", "0" * 64))
    with pytest.raises(StackError, match=rf"other-2\.0\.jar has the SHA-256 {GOOD}, but jars\.lock expects 0000"):
        fetch_jars(tmp_path / "jars", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_repository_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pin(monkeypatch, Jar(NAMES[0], GOOD))
    monkeypatch.setenv("HERA_MAVEN_REPOSITORY", "http://127.0.0.1:9/maven")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(StackError, match=r"could not be fetched from http://127\.0\.0\.1:9/maven .*HTTPS_PROXY"):
        fetch_jars(tmp_path / "jars", lambda _: None)
    assert list(tmp_path.iterdir()) == []
