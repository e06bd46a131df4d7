"""What ends a backup or a restore."""


class BackupError(Exception):
    """A sentence that says what is wrong, what is expected, and what to do."""
