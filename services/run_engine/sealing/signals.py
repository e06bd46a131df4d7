"""Signals are sealed before they are put on run.commands, where they stay for days."""

from collections.abc import Collection, Iterator
from typing import Any

from contracts.commands import ReceiveEvent, SignalCommand
from contracts.encrypted import encrypted_in, is_encrypted
from contracts.rejections import Code
from contracts.signals import Signal
from services.run_engine.domain.clear import GONE, Clear
from services.run_engine.execution import not_found
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.sealer import Sealed, Sealer
from services.run_engine.sealing.store import KeyStore, Owner
from shared.clear_places import nothing_secret
from shared.errors import Refused, Unavailable


class SealedSignals:
    def __init__(self, sealer: Sealer, fields: EncryptedFields) -> None:
        self._sealer = sealer
        self._fields = fields

    async def prepare(self, owners: Collection[Owner]) -> None:
        """Looks all of them up at once, so that `sealed` need not one by one."""
        await self._fields.of_runs(owners)

    async def sealed(self, owner: Owner, command: SignalCommand) -> SignalCommand:
        """Raises Refused: NOT_FOUND for a run that is not there, whose fields nobody knows; UNAVAILABLE for no keys;
        VALIDATION_ERROR for what must not stand where it is not encrypted."""
        data = command.data if isinstance(command, ReceiveEvent) else {}
        if not data and not command.metadata:
            return command
        names = (await self._fields.of_runs([owner])).get(owner)
        if names is None:
            raise Refused.because(not_found(owner.run_id or ""))
        nothing_secret(names, {"signal.metadata": command.metadata})
        if not names or not data:
            return command
        try:
            data = await self._sealer.sealed(owner, data, names, "signal.data")
        except Unavailable as fault:
            raise Refused(Code.UNAVAILABLE, str(fault)) from None
        return command.model_copy(update={"data": data})

    async def fingerprint(self, owner: Owner, clear: SignalCommand, sealed: SignalCommand, digest: str) -> str | None:
        """By which the signal is told from others under its id: its digest, where nothing of it was encrypted."""
        return digest if sealed == clear else await self._sealer.fingerprint(owner, digest)


class BulkSealing:
    """A bulk signal's data and metadata are encrypted whole, under a key of the operation: what of them its runs have
    encrypted, and refuse beside the data, is not known before they are."""

    def __init__(self, signals: SealedSignals, sealer: Sealer, keys: KeyStore) -> None:
        self.signals = signals
        self._sealer = sealer
        self._keys = keys

    async def opened(self, owner: Owner, signal: Signal) -> Signal:
        """Without what was erased meanwhile. Raises BrokenSeal."""
        values = list(_sealed_in(signal))
        if not values:
            return signal
        clear = (await self._sealer.opened({owner: values}))[owner]
        return signal.model_copy(update={"data": _with(clear, signal.data), "metadata": _with(clear, signal.metadata)})

    async def forget(self, signal: Signal) -> None:
        """Of an operation that is over: what it carried can't be read any more."""
        await self._keys.destroy({value["key_id"] for _, value in _sealed_in(signal)})


def _sealed_in(signal: Signal) -> Iterator[Sealed]:
    for held in (signal.data, signal.metadata):
        yield from encrypted_in(held, held)


def _with(clear: Clear, held: dict[str, Any]) -> dict[str, Any]:
    opened = {name: clear[name, value["ciphertext"]] if is_encrypted(value) else value for name, value in held.items()}
    return {name: value for name, value in opened.items() if value is not GONE}
