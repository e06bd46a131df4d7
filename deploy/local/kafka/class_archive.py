"""Class-data sharing: the broker's classes, loaded once in a trial start and dumped in the form that the JVM maps."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.folder import partial_folder
from deploy.local.kafka.installation import Installation
from deploy.local.kafka.storage import BrokerFolder
from deploy.local.ports import free_port, is_open

START_SECONDS = 120.0
DUMP_SECONDS = 120
LOOK_SECONDS = 0.05


def create_archive(installation: Installation, archive: Path, report: Callable[[str], None]) -> None:
    """Creates the archive in one step. Where this Java can't, creates an empty file, so that nobody tries again."""
    started = time.monotonic()
    report("  Preparing Apache Kafka's classes for fast starts (once) …")
    with partial_folder(archive.parent) as folder:
        partial = folder / "classes.jsa"
        try:
            _dump(installation, _list_loaded_classes(installation, folder), partial)
            report(f"  Prepared them in {time.monotonic() - started:.1f} s.")
        except (OSError, subprocess.SubprocessError):
            partial.write_bytes(b"")
            report("  This Java can't keep them: the broker starts some seconds slower.")
        _flush(partial)
        partial.replace(archive)


def _flush(file: Path) -> None:
    """Older JVMs crash on an archive that is cut off, as a power failure could leave it."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _list_loaded_classes(installation: Installation, folder: Path) -> Path:
    """Starts a broker of its own, stops it once it serves, and returns the list of classes that it loaded."""
    classes, port = folder / "classes.lst", free_port(set())
    broker = BrokerFolder(folder / "broker")
    broker.write_properties(1, {1: port}, {1: free_port({port})})
    broker.format(installation)
    options = (f"-XX:DumpLoadedClassList={classes}",)
    command = installation.command("kafka.Kafka", str(broker.properties), options=options)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait_for_listener(process, port)
        process.send_signal(signal.SIGTERM)
    return classes


def _wait_for_listener(process: "subprocess.Popen[bytes]", port: int) -> None:
    """A broker opens its port once it serves."""
    deadline = time.monotonic() + START_SECONDS
    while not is_open(port) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


def _dump(installation: Installation, classes: Path, archive: Path) -> None:
    options = ("-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={archive}")
    command = installation.command("kafka.Kafka", options=options)
    subprocess.run(command, capture_output=True, timeout=DUMP_SECONDS, check=True)
    if not archive.exists():
        raise FileNotFoundError(archive)
