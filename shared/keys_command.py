"""The command of a service whose database holds what keys of ENCRYPTION_KEYS have wrapped:
`python -m services.<service>.keys [rewrap]`.

Without arguments it counts by which keys; `rewrap` wraps all by the first one, while the service works. Ends with 0
where the first is all that this service needs; with 1 where it is not; with 2 where MongoDB does not answer, or no keys
are configured.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from shared.keyring import Keyring
from shared.mongo import Mongo, StoreFault
from shared.settings import ServiceSettings

ALL, SOME, NOT_TOLD = 0, 1, 2


class Holding(Protocol):
    async def rewrap(self) -> None:
        """Wraps all by the first key; what can't be opened is told in the log, and left."""

    async def wrapped_by(self) -> Mapping[str | None, int]:
        """How much, by the id of the key; None: what was kept in clear before there were keys."""


class KeysCommand:
    """`what` is counted, in the plural."""

    def __init__(self, service: str, what: str, holding: Callable[[Mongo, Keyring], Holding]) -> None:
        self._service = service
        self._what = what
        self._holding = holding

    def main(self, settings: ServiceSettings, keyring: Keyring, arguments: Sequence[str] | None = None) -> int:
        options = self._parser().parse_args(arguments)
        if keyring.current is None:
            sys.stderr.write("ENCRYPTION_KEYS is not set.\n")
            return NOT_TOLD
        try:
            found = asyncio.run(self._asked(settings, keyring, rewrap=options.action == "rewrap"))
        except StoreFault as fault:
            sys.stderr.write(f"MongoDB does not answer: {str(fault)[:200]}\n")
            return NOT_TOLD
        sys.stdout.writelines(f"{line}\n" for line in self._told(found, keyring))
        return ALL if found.keys() <= {keyring.current} else SOME

    async def _asked(self, settings: ServiceSettings, keyring: Keyring, *, rewrap: bool) -> Mapping[str | None, int]:
        mongo = Mongo(settings, self._service)
        try:
            holding = self._holding(mongo, keyring)
            if rewrap:
                await holding.rewrap()
            return await holding.wrapped_by()
        finally:
            await mongo.close()

    def _told(self, found: Mapping[str | None, int], keyring: Keyring) -> list[str]:
        counted = {key_id: count for key_id, count in found.items() if key_id is not None}
        lines = [self._line(key_id, count, keyring) for key_id, count in sorted(counted.items())]
        if None in found:
            lines.append(f"{found[None]} {self._what} are in clear: rewrap encrypts them.")
        others = sorted(counted.keys() - {keyring.current})
        needed = f"still needs {', '.join(others)}" if others else f"needs only {keyring.current}"
        return [*lines, f"Of ENCRYPTION_KEYS the {self._service} {needed}."]

    def _line(self, key_id: str, count: int, keyring: Keyring) -> str:
        known = "" if keyring.holds(key_id) else ", which ENCRYPTION_KEYS does not hold"
        return f"{count} {self._what} are wrapped by {key_id}{known}."

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m services.{self._service}.keys", description=__doc__)
        parser.add_argument("action", nargs="?", choices=["rewrap"], help="without it they are counted only")
        return parser
