"""`python -m deploy.backup FOLDER`: MongoDB, Kafka's log and the keys of an installation, into a new folder.

The settings are those of a service: MONGODB_URI, DATABASE_PREFIX, KAFKA_…, SERVICE_TOKEN, and ENCRYPTION_KEYS and
JWT_SECRET to be kept. All services but the gateway must be stopped. Ends with 0, or with 1 and a sentence.
"""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path

from deploy.backup import kafka, keys, mongodb
from deploy.backup.command import run_command
from deploy.backup.folder import BackupFolder, Manifest, now
from shared.settings import ServiceSettings, load_settings


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    settings = load_settings(ServiceSettings)
    return run_command(lambda: asyncio.run(back_up(settings, BackupFolder(options.folder), not options.without_keys)))


async def back_up(settings: ServiceSettings, folder: BackupFolder, with_keys: bool = True) -> Manifest:
    """Makes the backup. Raises BackupError; the folder is empty again then."""
    folder.begin()
    try:
        return await _back_up(settings, folder, with_keys)
    except BaseException:
        for path in folder.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


async def _back_up(settings: ServiceSettings, folder: BackupFolder, with_keys: bool) -> Manifest:
    manifest = Manifest(made_at=now(), database_prefix=settings.database_prefix)
    topics = kafka.kept_topics(os.environ)
    if with_keys:
        manifest.files |= keys.dump(os.environ, folder)
    await kafka.require_quiet(settings, topics)
    manifest.files |= await mongodb.dump(settings, folder)
    files, manifest.topics, manifest.groups = await kafka.dump(settings, topics, folder)
    manifest.files |= files
    await kafka.require_quiet(settings, topics)  # nobody has begun to read meanwhile
    folder.finish(manifest)
    documents = sum(f.count for n, f in manifest.files.items() if n.startswith("mongodb/") and n.endswith(".bson.gz"))
    records = sum(file.count for file in files.values())
    print(f"{folder.path} holds {documents} documents, {records} records{' and the keys' * with_keys}.")
    if with_keys:
        print(keys.WARNING)
    return manifest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that is new or empty")
    parser.add_argument("--without-keys", action="store_true", help="the keys are kept elsewhere")
    return parser


if __name__ == "__main__":
    sys.exit(main())
