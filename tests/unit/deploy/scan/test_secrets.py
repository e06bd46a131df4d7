"""A secret in a tracked file is found, named by file and line, until somebody has reviewed it as none."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.scan.secrets import BASELINE, find_secrets, record_candidates

# In parts, so that this file has no candidates itself.
ASSIGNED = "pass" + "word = 'correct-horse-battery'"
PLANTED = {
    "password": ASSIGNED,
    "token": "value = 'gh" + "p_" + "xYz2mNq4Kw7r" * 3 + "'",
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "address of a database": "mongodb" + "://hera:" + "correct-horse@db:27017",
    "key of a signature": "value = 'whsec_" + "MfKQ9r8G" + "KYqrTwjUPD8ILPZ" + "Io2LaLaSw'",
}

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    _git(tmp_path, "init")
    (tmp_path / "clean.py").write_text("answer = 42\n")
    return tmp_path


def _plant(checkout: Path, line: str = ASSIGNED, name: str = "settings.py") -> None:
    (checkout / name).write_text(f"# one line before it\n{line}\n")
    _git(checkout, "add", "-A")


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(checkout: Path, kind: str) -> None:
    _plant(checkout, PLANTED[kind])
    found, advice = find_secrets(checkout).problems
    assert found.startswith("settings.py:2 ")
    assert "revoked" in advice and "make scan RECORD=1" in advice


def test_files_without_secrets_are_right(checkout: Path) -> None:
    _git(checkout, "add", "-A")
    report = find_secrets(checkout)
    assert not report.problems and not report.not_done and "1 tracked files" in report.summary


@pytest.mark.parametrize(
    "line", ["secret: {secretName: correct-horse}", "[{secret: {secretName: correct-horse-battery}}]"]
)
def test_the_name_of_a_secret_in_a_manifest_is_none(checkout: Path, line: str) -> None:
    _plant(checkout, line, "mounts.yaml")
    assert not find_secrets(checkout).problems
    _plant(checkout, f"{line}\n{ASSIGNED}", "mounts.yaml")
    assert find_secrets(checkout).problems


def test_what_git_does_not_track_is_not_searched(checkout: Path) -> None:
    (checkout / "settings.py").write_text(ASSIGNED)
    assert not find_secrets(checkout).problems


def test_a_recorded_candidate_stays_red_until_it_is_reviewed_and_comes_back_with_another_value(checkout: Path) -> None:
    _plant(checkout)
    assert "settings.py:2" in record_candidates(checkout)
    assert "not reviewed" in find_secrets(checkout).problems[0]

    written = json.loads((checkout / BASELINE).read_text())
    written["results"]["settings.py"][0]["is_secret"] = False
    (checkout / BASELINE).write_text(json.dumps(written))
    assert not find_secrets(checkout).problems
    record_candidates(checkout)
    assert not find_secrets(checkout).problems, "recording again keeps what was reviewed"

    _plant(checkout, ASSIGNED.replace("horse", "mule"))
    assert find_secrets(checkout).problems
    _plant(checkout)
    _plant(checkout, name="other.py")
    assert [problem.split()[0] for problem in find_secrets(checkout).problems[:-1]] == ["other.py:2"]


def test_a_candidate_that_was_reviewed_as_a_secret_stays_red(checkout: Path) -> None:
    _plant(checkout)
    record_candidates(checkout)
    written = (checkout / BASELINE).read_text()
    (checkout / BASELINE).write_text(written.replace('"is_verified": false', '"is_verified": false, "is_secret": true'))
    assert find_secrets(checkout).problems


def test_without_git_it_says_that_nothing_was_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    report = find_secrets(tmp_path)
    assert "NOT SEARCHED" in report.not_done and not report.summary
