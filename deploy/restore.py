"""`python -m deploy.restore FOLDER`: what `python -m deploy.backup` has kept, into an empty MongoDB and an empty Kafka.

The settings are those of a service. `--kafka-from FOLDER` takes the log of another, later backup: what MongoDB has not
seen of it is carried out again once the services start. Ends with 0, or with 1 and a sentence.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from contracts.topics import (
    BULK_COMMANDS,
    NOTIFIER_COMMANDS,
    REGISTRY_COMMANDS,
    RUN_COMMANDS,
    SIGNALS,
    TOPICS,
    WORKER_RESULTS,
)
from deploy.backup import kafka, keys, mongodb
from deploy.backup.command import run_command
from deploy.backup.errors import BackupError
from deploy.backup.folder import BackupFolder, Manifest
from deploy.backup.positions import move_positions
from shared.settings import ServiceSettings, load_settings

ASKED_FOR = {
    topic.name for topic in (RUN_COMMANDS, REGISTRY_COMMANDS, BULK_COMMANDS, NOTIFIER_COMMANDS, SIGNALS, WORKER_RESULTS)
}
"""What services are asked to do. All other topics hold what came of it, which is made again."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    settings = load_settings(ServiceSettings)
    return run_command(lambda: asyncio.run(_run(settings, options)))


async def _run(settings: ServiceSettings, options: argparse.Namespace) -> None:
    folder = BackupFolder(options.folder)
    log = BackupFolder(options.kafka_from or options.folder)
    manifest, log_manifest = _checked(folder, settings), _checked(log, settings)
    topics = kafka.kept_topics(os.environ)
    await kafka.require_quiet(settings, topics)
    if options.replace:
        await kafka.delete(settings, topics)
        await mongodb.drop(settings)
    await kafka.require_empty(settings, topics)
    await mongodb.require_empty(settings)
    if options.keys_to:
        names = keys.load(folder, manifest, options.keys_to, replace=options.replace)
        print(f"Keys: {', '.join(names) or 'the backup has none'}, to {options.keys_to}.")
    print(f"MongoDB: {await mongodb.load(settings, folder, manifest)} documents as of {manifest.made_at:%F %T} UTC.")
    ends, committed = log_manifest.topics, log_manifest.groups
    if log_manifest.made_at > manifest.made_at:
        ends, committed = seen_by(manifest, log_manifest), manifest.groups
    written, moved = await kafka.load(settings, os.environ, topics, log, log_manifest, ends, committed)
    await move_positions(settings, moved)
    print(f"Kafka: {written} records as of {log_manifest.made_at:%F %T} UTC.")
    if not options.keys_to and (named := keys.stored(folder, manifest)):
        print(f"Start the services with the keys of the backup: {', '.join(named)}.")


def seen_by(manifest: Manifest, later: Manifest) -> kafka.Ends:
    """Returns where each log of a later backup is cut: what MongoDB has not seen the effects of is made again."""
    known = {topic.name for topic in TOPICS}
    return {
        name: partitions if name in ASKED_FOR or name not in known else manifest.topics[name]
        for name, partitions in later.topics.items()
    }


def _checked(folder: BackupFolder, settings: ServiceSettings) -> Manifest:
    """Returns the manifest of a backup whose files are as they were written. Raises BackupError."""
    manifest = folder.manifest()
    if manifest.database_prefix != settings.database_prefix:
        raise BackupError(
            f"The backup in {folder.path} is of DATABASE_PREFIX={manifest.database_prefix}, and this installation has "
            f"{settings.database_prefix}: set DATABASE_PREFIX to that of the backup."
        )
    folder.verify(manifest)
    return manifest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.restore", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of a backup")
    parser.add_argument("--kafka-from", type=Path, metavar="FOLDER", help="take Kafka's log from this backup instead")
    parser.add_argument("--keys-to", type=Path, metavar="FOLDER", help="write the keys here, with mode 0600")
    parser.add_argument("--replace", action="store_true", help="delete what is in MongoDB and Kafka first")
    return parser


if __name__ == "__main__":
    sys.exit(main())
