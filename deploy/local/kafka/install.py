"""Installs the broker, once for all stacks of the checkout: jars, and an archive of classes for each Java."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.folder import CHECKOUT
from deploy.local.kafka.class_archive import create_archive
from deploy.local.kafka.installation import Installation
from deploy.local.kafka.jars import fetch_jars, lock_digest
from deploy.local.kafka.java import Java, find_java

FOLDER = CHECKOUT / ".data" / "kafka"


def install(report: Callable[[str], None], root: Path = FOLDER) -> Installation:
    """Returns the broker's installation below `root`, and first fetches and prepares what is missing.

    Raises:
        StackError: There is no usable Java, or the jars can't be fetched.
    """
    java = find_java()
    folder = root / lock_digest()
    jars, archive = folder / "jars", folder / _archive_name(java)
    if not (jars.exists() and archive.exists()):
        with _locked(folder):
            if not jars.exists():
                fetch_jars(jars, report)
            if not archive.exists():
                create_archive(Installation(java, tuple(jars.iterdir())), archive, report)
    return Installation(java, tuple(jars.iterdir()), archive if archive.stat().st_size else None)


def _archive_name(java: Java) -> str:
    """An archive is valid for one build of Java only."""
    return f"{hashlib.sha256(f'{java.executable} {java.build}'.encode()).hexdigest()[:12]}.jsa"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time install; the lock ends with its holder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
