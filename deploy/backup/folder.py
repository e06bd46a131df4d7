"""The folder of a backup: files with their checksums, and a manifest that is written last and makes it whole."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel, ValidationError

from deploy.backup.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
_BLOCK = 1024 * 1024


class File(BaseModel):
    """A file of the backup: its checksum, its length, and how many documents or records it has."""

    sha256: str
    bytes: int
    count: int


class Partition(BaseModel):
    """Where a partition's log began and ended, and how many records of it were kept."""

    start: int
    end: int
    count: int


class Manifest(BaseModel):
    """What the backup holds."""

    format: int = FORMAT
    made_at: datetime
    database_prefix: str
    files: dict[str, File] = {}
    topics: dict[str, dict[int, Partition]] = {}
    """By topic and partition."""
    groups: dict[str, dict[int, int]] = {}
    """Committed offsets, by consumer group and partition. A group reads the one topic that its name ends with."""


@dataclass(frozen=True, slots=True)
class BackupFolder:
    path: Path

    def begin(self) -> None:
        """Makes the folder, which only its owner may read. Raises BackupError where it has something in it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(self.path.iterdir()):
                raise BackupError(f"{self.path} is not empty: give a folder that is new or empty.")
            self.path.chmod(0o700)
        except OSError as error:
            raise BackupError(f"{self.path} can't be written ({error.strerror}): give another folder.") from error

    def writer(self, name: str) -> "DocumentWriter":
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return DocumentWriter(path)

    def documents(self, name: str, raw: bool = False) -> Iterator[Any]:
        """Yields the documents of a file; `raw`: as the bytes they were."""
        options: Any = CodecOptions(document_class=RawBSONDocument) if raw else CodecOptions()
        with gzip.open(self.path / name) as file:
            found: Any = file  # a GzipFile reads as bson wants it, which its types do not say
            yield from bson.decode_file_iter(found, options)

    def write_private(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)

    def finish(self, manifest: Manifest) -> None:
        self.write_private(MANIFEST, manifest.model_dump_json(indent=1).encode())

    def described(self, name: str, count: int = 1) -> File:
        path = self.path / name
        return File(sha256=_digest(path), bytes=path.stat().st_size, count=count)

    def manifest(self) -> Manifest:
        """Reads the manifest. Raises BackupError if this version finds none that it can read."""
        path = self.path / MANIFEST
        if not self.path.is_dir():
            raise BackupError(f"There is no folder {self.path}: give the folder of a backup.")
        if not path.exists():
            raise BackupError(f"{self.path} has no {MANIFEST}: it is no backup, or one that was not finished.")
        try:
            found = Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise BackupError(f"{path} is damaged ({error.error_count()} errors): use another backup.") from error
        if found.format != FORMAT:
            raise BackupError(
                f"The backup in {self.path} has format {found.format}, and this version reads format {FORMAT}: restore "
                "it with the version of the system that made it."
            )
        return found

    def verify(self, manifest: Manifest) -> None:
        """Raises BackupError where a file is missing or not as it was written."""
        for name, file in manifest.files.items():
            path = self.path / name
            if not path.is_file():
                raise BackupError(f"{path} is missing: the backup is incomplete, use another one.")
            if path.stat().st_size != file.bytes or _digest(path) != file.sha256:
                raise BackupError(f"{path} is damaged (its SHA-256 is not {file.sha256}): use another backup.")


class DocumentWriter:
    """Writes BSON documents one behind the other, compressed."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wb", compresslevel=3)  # noqa: SIM115 - closed by `close`
        path.chmod(0o600)
        self.count = 0

    def write(self, document: bytes) -> None:
        self._file.write(document)
        self.count += 1

    def close(self) -> None:
        self._file.close()


def now() -> datetime:
    return datetime.now(UTC)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
