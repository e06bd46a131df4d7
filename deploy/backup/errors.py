"""What ends a backup or a restore."""


class BackupError(Exception):
    """A sentence that says what is wrong, what is expected, and what to do."""


RIGHTS = (
    "set KAFKA_SASL_USERNAME and its password to a user with the rights of the principal that docs/kafka-security.md "
    "has for this command, and apply the rights with python -m deploy.acls."
)
