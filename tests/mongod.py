"""A mongod of a test's own, which demands authentication, and TLS if it is given certificates."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.local import mongodb
from deploy.local.ports import HOST, free_port
from deploy.replica_set import initiate
from tests.pki import Authority

ROOT, PASSWORD = "root-password-of-the-test", "password-of-the-test"
WAITED_SECONDS = 60.0


class Mongod:
    """One that is started on a folder, with a key of its members or without."""

    def __init__(self, folder: Path, authority: Authority | None = None, options: Sequence[str] = ()) -> None:
        self.port = free_port(set())
        self._folder = folder
        self._key = folder / "replica-set.key"
        self._key.write_text("a" * 64)
        self._key.chmod(0o400)
        self._options = list(options)
        if authority:
            # MongoDB takes whoever has its own O, OU and DC for a member of the replica set, and makes no such user.
            own = authority.issue("mongod", organization="hera databases")
            self._options += ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(own.both)]
            self._options += ["--tlsCAFile", str(authority.file)]

    @contextlib.contextmanager
    def running(self, *, authenticated: bool = True) -> Iterator[None]:
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        command = [str(mongodb.binary()), "--dbpath", str(data), "--port", str(self.port), "--bind_ip", HOST]
        command += ["--replSet", mongodb.REPLICA_SET, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--keyFile", str(self._key)] if authenticated else []
        command += self._options
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    def environment(self, password: str = PASSWORD, root_password: str = ROOT) -> dict[str, str]:
        uri = f"mongodb://hera:{password}@{HOST}:{self.port}/?replicaSet={mongodb.REPLICA_SET}&authSource=admin"
        return {"MONGODB_URI": uri, "MONGODB_PASSWORD": password, "MONGODB_ROOT_PASSWORD": root_password}

    def set_up(self, **passwords: str) -> str:
        return initiate(self.environment(**passwords), WAITED_SECONDS)

    def client(self, user: str | None, password: str | None = None) -> MongoClient[dict[str, Any]]:
        return MongoClient(HOST, self.port, username=user, password=password, directConnection=True)
