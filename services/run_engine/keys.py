"""`python -m services.run_engine.keys`: by which keys of ENCRYPTION_KEYS the organisations' keys are wrapped.

Without arguments it counts them; `rewrap` wraps all by the first of ENCRYPTION_KEYS, while the engines work. Ends with
0 where all are wrapped by the first, so that the others may go; with 1 where some are not; with 2 where MongoDB does
not answer, or no keys are configured.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings, keyring
from shared.mongo import Mongo, StoreFault
from shared.settings import load_settings

ALL, SOME, NOT_TOLD = 0, 1, 2


def main(settings: Settings, arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if keyring(settings).current is None:
        sys.stderr.write("ENCRYPTION_KEYS is not set.\n")
        return NOT_TOLD
    try:
        return asyncio.run(_run(settings, rewrap=options.action == "rewrap"))
    except StoreFault as fault:
        sys.stderr.write(f"MongoDB does not answer: {str(fault)[:200]}\n")
        return NOT_TOLD


async def _run(settings: Settings, *, rewrap: bool) -> int:
    mongo, ring = Mongo(settings, "run_engine"), keyring(settings)
    try:
        keys = KeyStore(mongo, ring)
        if rewrap:
            await keys.rewrap()
        found = await keys.wrapped_by()
    finally:
        await mongo.close()
    for key_id, count in sorted(found.items()):
        known = "" if ring.holds(key_id) else ", which ENCRYPTION_KEYS does not hold"
        sys.stdout.write(f"{count} keys of organizations are wrapped by {key_id}{known}.\n")
    others = found.keys() - {ring.current}
    said = f"{', '.join(sorted(others))} must stay" if others else f"only {ring.current} is needed"
    sys.stdout.write(f"Of ENCRYPTION_KEYS {said}.\n")
    return SOME if others else ALL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.run_engine.keys", description=__doc__)
    parser.add_argument("action", nargs="?", choices=["rewrap"], help="without it they are counted only")
    return parser


if __name__ == "__main__":
    sys.exit(main(load_settings(Settings)))
