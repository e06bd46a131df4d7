"""`python -m services.run_engine.keys [rewrap]`: by which of ENCRYPTION_KEYS the organisations' keys are wrapped."""

import sys
from collections.abc import Sequence

from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings, keyring
from shared.keys_command import KeysCommand
from shared.settings import load_settings


def main(settings: Settings, arguments: Sequence[str] | None = None) -> int:
    return KeysCommand("run_engine", "keys of organizations", KeyStore).main(settings, keyring(settings), arguments)


if __name__ == "__main__":
    sys.exit(main(load_settings(Settings)))
