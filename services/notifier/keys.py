"""`python -m services.notifier.keys [rewrap]`: by which of ENCRYPTION_KEYS secrets of webhooks are encrypted."""

import sys
from collections.abc import Sequence

from services.notifier.settings import NotifierSettings
from services.notifier.webhooks.resealing import Resealing
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from shared.keyring import Keyring
from shared.keys_command import KeysCommand
from shared.mongo import Mongo
from shared.settings import load_settings


def main(settings: NotifierSettings, arguments: Sequence[str] | None = None) -> int:
    command = KeysCommand("notifier", "secrets of webhooks", _holding)
    return command.main(settings, Keyring.of(settings.encryption_keys), arguments)


def _holding(mongo: Mongo, keyring: Keyring) -> Resealing:
    return Resealing(WebhookStore(mongo), Secrets(keyring))


if __name__ == "__main__":
    sys.exit(main(load_settings(NotifierSettings)))
