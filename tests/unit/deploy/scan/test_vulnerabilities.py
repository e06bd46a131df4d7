"""A known vulnerability fails the scan, and a database that does not answer is never taken for a good answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.scan import vulnerabilities
from deploy.scan.vulnerabilities import find_vulnerabilities

LOCK = "".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in ("good", "bad"))
KNOWN = {
    "id": "PYSEC-2026-1",
    "summary": "Made up",
    "affected": [
        {
            "package": {"name": "bad", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does: a vulnerability of `bad`, and nothing of others."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"vulns": [KNOWN]} if asked["package"]["name"] == "bad" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "some.lock").write_text(LOCK)
    return tmp_path / "some.lock"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _ask_at(monkeypatch, server.server_port)
    yield
    server.shutdown()
    server.server_close()


def _ask_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("HERA_OSV_URL", f"http://127.0.0.1:{port}/v1/query")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("database")
def test_a_known_vulnerability_is_named_with_the_version_that_fixes_it(lock: Path) -> None:
    report = find_vulnerabilities(lock)
    assert report.problems == (
        "bad 1.0 has PYSEC-2026-1; fixed in 1.1. Raise it in pyproject.toml and run `make lock`.",
    )
    assert report.summary == "2 packages audited" and not report.not_done


@pytest.mark.usefixtures("database")
def test_without_a_known_vulnerability_it_is_right(lock: Path) -> None:
    lock.write_text(LOCK.splitlines()[0])
    report = find_vulnerabilities(lock)
    assert (report.summary, report.problems, report.not_done) == ("1 packages audited", (), "")


def test_a_database_that_can_not_be_reached_is_not_taken_for_an_audit(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ask_at(monkeypatch, free_port(set()))
    report = find_vulnerabilities(lock)
    assert report.not_done.startswith("2 of 2 locked packages WERE NOT AUDITED for vulnerabilities: bad, good (")
    assert "HERA_OSV_URL" in report.not_done and not report.problems and not report.summary


def test_packages_that_the_database_does_not_know_are_not_taken_for_audited(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [{"name": "good", "version": "1.0", "vulns": []}, {"name": "bad", "skip_reason": "not found on PyPI"}]
    monkeypatch.setattr(vulnerabilities, "_ask", lambda _: (answer, ""))
    report = find_vulnerabilities(lock)
    assert report.not_done.startswith("1 of 2 locked packages WERE NOT AUDITED for vulnerabilities: bad (not found")
    assert report.summary == "1 packages audited"


def test_a_database_that_does_not_answer_is_given_up(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulnerabilities, "TIMEOUT_SECONDS", 0.01)
    assert "no answer within" in find_vulnerabilities(lock).not_done
