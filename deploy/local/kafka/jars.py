"""The jars of Apache Kafka's broker: pinned with their checksums in `jars.lock`, fetched once for each checkout.

`python -m deploy.local.kafka.jars` (part of `make lock`) resolves them and rewrites the lock.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.errors import StackError
from deploy.local.folder import partial_folder

VERSION = "4.1.2"
ROOTS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
"""The broker, and the logger that writes its warnings to the standard error."""
LOCK = Path(__file__).with_name("jars.lock")
MIRROR = "HERA_MAVEN_REPOSITORY"
ANSWER_SECONDS = 30
PARALLEL_DOWNLOADS = 8
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    coordinate: str
    """group:artifact:version"""
    sha256: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def read_lock() -> list[Jar]:
    lines = [line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(coordinate, sha256) for coordinate, sha256 in lines]


def lock_digest() -> str:
    """Returns a short name for this set of jars."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]


def fetch_jars(target: Path, report: Report) -> None:
    """Creates the folder `target` with all jars of the lock, in one step: it is whole, or it is not there.

    Raises:
        StackError: The repository can't be reached, or a file does not have the checksum of the lock.
    """
    jars, started = read_lock(), time.monotonic()
    report(f"  Fetching Apache Kafka {VERSION} ({len(jars)} jars, once) …")
    with partial_folder(target.parent) as partial:
        (partial / "jars").mkdir()
        _fetch_all(jars, partial)
        size = sum(path.stat().st_size for path in (partial / "jars").iterdir())
        (partial / "jars").rename(target)
    report(f"  Fetched Apache Kafka {VERSION} ({size / 1e6:.0f} MB) in {time.monotonic() - started:.1f} s.")


def _fetch_all(jars: list[Jar], folder: Path) -> None:
    from rich.progress import track

    context = _maven_context(folder / "repository")
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        downloads: list[Future[None]] = [pool.submit(_fetch_one, context, jar, folder / "jars") for jar in jars]
        try:
            progress = track(
                as_completed(downloads), "  Jars", len(jars), transient=True, disable=not sys.stdout.isatty()
            )
            for download in progress:
                download.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch_one(context: Any, jar: Jar, folder: Path) -> None:
    downloaded = _download(context, jar)
    digest = hashlib.sha256(downloaded.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise StackError(
            f"{jar.file_name} has the SHA-256 {digest}, but {LOCK.name} expects {jar.sha256}: the download was damaged "
            "or altered, and nothing of it is kept. Run the command again; if the difference stays, check the "
            "repository."
        )
    downloaded.rename(folder / jar.file_name)


def _download(context: Any, jar: Jar) -> Path:
    import requests

    try:
        return Path(context.create_dependency(jar.coordinate).artifact.resolve())
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise StackError(
            f"{jar.file_name} could not be fetched from {_repository_name()} ({_first_line(error)}). Check the "
            f"network, set HTTPS_PROXY, or set {MIRROR} to the address of a mirror; then run the command again."
        ) from error


def _repository_name() -> str:
    return os.environ.get(MIRROR) or "Maven Central"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _maven_context(repository: Path) -> Any:
    """`repository`: where jgo keeps what it downloads. A shared one could hold a half-written file of a killed run."""
    from jgo.maven import MavenContext

    mirror = os.environ.get(MIRROR)
    remote = {"mirror": mirror.rstrip("/")} if mirror else None
    return MavenContext(repo_cache=repository, remote_repos=remote, timeout=ANSWER_SECONDS)


def write_lock() -> None:
    """Resolves the roots with all their dependencies and writes the lock."""
    with tempfile.TemporaryDirectory() as folder:
        context = _maven_context(Path(folder))
        roots = [context.create_dependency(root) for root in ROOTS]
        dependencies = [dependency for found in context.resolver.resolve(roots) for dependency in found]
        lines = [
            f"{d.groupId}:{d.artifactId}:{d.version} {hashlib.sha256(d.artifact.resolve().read_bytes()).hexdigest()}\n"
            for d in dependencies
        ]
    LOCK.write_text("# group:artifact:version SHA-256. Written by `make lock`.\n" + "".join(sorted(lines)))


if __name__ == "__main__":
    write_lock()
