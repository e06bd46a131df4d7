"""The locks pin one set of versions, by hashes, for any registry; and they are those of pyproject.toml."""

from pathlib import Path

import pytest

from deploy.scan.locks import check_locks

HASH = "--hash=sha256:" + "0" * 64
PROJECT = """
[project]
dependencies = ["Some.Package[extra]>=1,<2"]
[project.optional-dependencies]
dev = ["tool>=3"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _write(tmp_path, PROJECT, f"some-package==1.5 {HASH}\n", f"some-package==1.5 {HASH}\ntool==3.1 \\\n    {HASH}\n")
    return tmp_path


def _write(root: Path, project: str, runtime: str, everything: str) -> None:
    (root / "pyproject.toml").write_text(project)
    (root / "requirements.lock").write_text(runtime)
    (root / "requirements-dev.lock").write_text(everything)


def test_the_locks_of_this_project_hold() -> None:
    assert not check_locks().problems


def test_good_locks_are_right(root: Path) -> None:
    assert not check_locks(root).problems


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("requirements-dev.lock", "tool==3.1", "tool>=3.1", "tool must be pinned"),
        ("requirements-dev.lock", "tool==3.1", "tool==3.*", "tool must be pinned"),
        ("requirements.lock", HASH, "", "some-package has no SHA-256"),
        ("requirements.lock", HASH, "--hash=md5:" + "0" * 32, "some-package has no SHA-256"),
        (
            "requirements.lock",
            "some",
            "--index-" + "url https://r.example/simple\nsome",  # in two parts: this file names no registry
            "requirements.lock:1 has",
        ),
        ("requirements.lock", "==1.5", " @ https://registry.example/some.whl", "requirements.lock:1 has an address"),
        ("requirements-dev.lock", "tool", "# from https://registry.example\ntool", "requirements-dev.lock:2 has"),
        ("requirements-dev.lock", "tool", "??\ntool", "requirements-dev.lock:2 can't be read"),
        ("requirements.lock", "1.5", "1.4", "some-package is 1.4 in requirements.lock, but 1.5 in requirements-dev"),
        ("requirements-dev.lock", "some-package", "another", "but missing in requirements-dev.lock"),
        ("pyproject.toml", "<2", "<1.5", "pyproject.toml wants Some.Package[extra]<1.5,>=1, but requirements.lock has"),
        ("pyproject.toml", "tool", "new-tool", "wants new-tool>=3, but requirements-dev.lock has none"),
    ],
)
def test_what_does_not_hold_is_named(root: Path, file: str, old: str, new: str, said: str) -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))
    assert said in "\n".join(check_locks(root).problems)
