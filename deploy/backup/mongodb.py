"""MongoDB's part of a backup: all collections of the services as of one moment, with their indexes."""

from collections.abc import AsyncIterator
from typing import Any

from bson import json_util
from bson.raw_bson import RawBSONDocument

from deploy.backup.connections import database, mongodb
from deploy.backup.errors import BackupError
from deploy.backup.folder import BackupFolder, File, Manifest
from shared.settings import ServiceSettings

SERVICES = ("analytics", "automation", "gateway", "notifier", "playbook_registry", "run_engine", "timeline")
FOLDER = "mongodb"
_AT_ONCE_BYTES = 8 * 1024 * 1024
_AT_ONCE = 1000


async def dump(settings: ServiceSettings, folder: BackupFolder) -> dict[str, File]:
    """Writes a file for each collection and returns them by name. All are read at one moment (a snapshot session)."""
    files: dict[str, File] = {}
    client = mongodb(settings)
    try:
        async with client.start_session(snapshot=True) as session:
            for service in SERVICES:
                for name in await _collections(database(client, settings, service)):
                    collection = database(client, settings, service)[name]
                    path = f"{FOLDER}/{service}/{name}"
                    writer = folder.writer(f"{path}.bson.gz")
                    async for document in collection.find({}, session=session):
                        writer.write(document.raw)
                    writer.close()
                    files[f"{path}.bson.gz"] = folder.described(f"{path}.bson.gz", writer.count)
                    indexes = await _indexes(database(client, settings, service, raw=False)[name])
                    folder.write_private(f"{path}.indexes.json", json_util.dumps(indexes, indent=1).encode())
                    files[f"{path}.indexes.json"] = folder.described(f"{path}.indexes.json", len(indexes))
    finally:
        await client.close()
    return files


async def require_empty(settings: ServiceSettings) -> None:
    """Raises BackupError where a database of the services holds anything."""
    client = mongodb(settings)
    try:
        for service in SERVICES:
            found = database(client, settings, service)
            for name in await _collections(found):
                if await found[name].find_one({}) is not None:
                    raise BackupError(
                        f"MongoDB is not empty: {settings.database_prefix}_{service}.{name} holds documents. Restore "
                        "to an empty MongoDB, or give --replace, which deletes what is there."
                    )
    finally:
        await client.close()


async def drop(settings: ServiceSettings) -> None:
    """Drops collections, not databases: the services' user may do no more."""
    client = mongodb(settings)
    try:
        for service in SERVICES:
            found = database(client, settings, service)
            for name in await _collections(found):
                await found[name].drop()
    finally:
        await client.close()


async def load(settings: ServiceSettings, folder: BackupFolder, manifest: Manifest) -> int:
    """Writes what `dump` has read, indexes first, and returns how many documents it has written."""
    written = 0
    client = mongodb(settings)
    try:
        for path, file in manifest.files.items():
            if not (path.startswith(f"{FOLDER}/") and path.endswith(".bson.gz")):
                continue
            service, name = path.removesuffix(".bson.gz").split("/", 2)[1:]
            await _create_indexes(database(client, settings, service, raw=False), name, folder, path)
            collection = database(client, settings, service)[name]
            count = 0
            async for documents in _batches(folder, path):
                await collection.insert_many(documents, ordered=False)
                count += len(documents)
            found = await collection.count_documents({})
            if count != file.count or found != file.count:
                raise BackupError(f"{service}.{name} has {found} documents instead of {file.count}: restore again.")
            written += count
    finally:
        await client.close()
    return written


async def _collections(found: Any) -> list[str]:
    names = await found.list_collection_names(filter={"type": "collection"})
    return sorted(name for name in names if not name.startswith("system."))


async def _indexes(collection: Any) -> list[dict[str, Any]]:
    found = [dict(index) async for index in await collection.list_indexes()]
    return [{k: v for k, v in index.items() if k not in ("v", "ns")} for index in found if index["name"] != "_id_"]


async def _create_indexes(found: Any, name: str, folder: BackupFolder, path: str) -> None:
    indexes = json_util.loads((folder.path / path.replace(".bson.gz", ".indexes.json")).read_bytes())
    if indexes:
        await found.command("createIndexes", name, indexes=indexes)


async def _batches(folder: BackupFolder, path: str) -> AsyncIterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    size = 0
    for document in folder.documents(path, raw=True):
        batch.append(document)
        size += len(document.raw)
        if size >= _AT_ONCE_BYTES or len(batch) >= _AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
