"""The keys' part of a backup: what can't be made again. Without ENCRYPTION_KEYS, what is encrypted is lost."""

from collections.abc import Mapping
from pathlib import Path

from deploy.backup.errors import BackupError
from deploy.backup.folder import BackupFolder, File, Manifest

FOLDER = "keys"
NAMES = {"encryption.keys": "ENCRYPTION_KEYS", "jwt.secret": "JWT_SECRET", "service.token": "SERVICE_TOKEN"}
"""By file, the setting that it is for."""
WARNING = "They open everything that is encrypted: keep the folder as you keep the keys, or move keys/ elsewhere."


def dump(environment: Mapping[str, str], folder: BackupFolder) -> dict[str, File]:
    """Writes the keys that are set. Raises BackupError where ENCRYPTION_KEYS is not."""
    if not environment.get("ENCRYPTION_KEYS"):
        raise BackupError(
            "ENCRYPTION_KEYS is not set, and without them the backup's encrypted values can't be read: set it as the "
            "run engine has it, or give --without-keys if you keep the keys elsewhere."
        )
    files = {}
    for name, variable in NAMES.items():
        if value := environment.get(variable):
            folder.write_private(f"{FOLDER}/{name}", value.encode())
            files[f"{FOLDER}/{name}"] = folder.described(f"{FOLDER}/{name}")
    return files


def load(folder: BackupFolder, manifest: Manifest, target: Path, *, replace: bool) -> list[str]:
    """Copies the keys to `target` with mode 0600 and returns their names.

    Raises BackupError where other keys are there and `replace` is false.
    """
    names = [name for name in NAMES if f"{FOLDER}/{name}" in manifest.files]
    content = {name: (folder.path / FOLDER / name).read_bytes() for name in names}
    for name in names:
        path = target / name
        if path.exists() and path.read_bytes() != content[name] and not replace:
            raise BackupError(f"{path} holds another key: give another --keys-to, or --replace to overwrite it.")
    for name in names:
        BackupFolder(target).write_private(name, content[name])
    return names


def stored(folder: BackupFolder, manifest: Manifest) -> list[str]:
    """Returns which settings have to be given from the backup's files."""
    return [f"{NAMES[name]} ({folder.path / FOLDER / name})" for name in NAMES if f"{FOLDER}/{name}" in manifest.files]
