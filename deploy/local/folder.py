"""The data folder: everything that the local stack keeps lies in it, and its layout is known here alone."""

import fcntl
import os
import secrets
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

CHECKOUT = Path(__file__).resolve().parents[2]


def default_path() -> Path:
    """HERA_DATA_DIR, or `.data/local` of the checkout."""
    return Path(os.environ.get("HERA_DATA_DIR") or CHECKOUT / ".data" / "local").resolve()


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    @property
    def state(self) -> Path:
        return self.path / "stack.json"

    @property
    def supervisor_config(self) -> Path:
        return self.path / "supervisord.conf"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def processes(self) -> Path:
        return self.path / "processes"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def data(self, program: str) -> Path:
        return self.path / "data" / program

    def prepare(self) -> None:
        """Makes the folder. Raises StackError where it can't be."""
        if "%" in str(self.path):
            raise StackError(f"The data folder {self.path} has a %, which supervisord can't read; set HERA_DATA_DIR.")
        try:
            for folder in (self.logs, self.processes):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"The data folder {self.path} can't be written ({error.strerror}); set HERA_DATA_DIR."
            ) from error

    def jwt_secret(self) -> str:
        return self._secret("jwt.secret", lambda: secrets.token_urlsafe(48))

    def service_token(self) -> str:
        return self._secret("service.token", lambda: secrets.token_urlsafe(48))

    def encryption_keys(self) -> str:
        """As ENCRYPTION_KEYS has them."""
        return self._secret("encryption.keys", lambda: f"local:{b64encode(secrets.token_bytes(32)).decode()}")

    def _secret(self, name: str, made: Callable[[], str]) -> str:
        """Made once; readable by its owner only."""
        path = self.path / name
        if not path.exists():
            self.prepare()
            self.write_private(path, made())
        return path.read_text()

    def write_private(self, path: Path, text: str) -> None:
        """Replaces the file in one step, mode 0600."""
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        partial.replace(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; the lock ends with its holder."""
        self.prepare()
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f"Another `up` or `down` is at work on {self.path}; wait for it to end.") from None
            yield


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Makes a folder for unfinished files, and removes those that killed processes left. The caller holds a lock."""
    for leftover in parent.glob("partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="partial-", dir=parent) as partial:
        yield Path(partial)
