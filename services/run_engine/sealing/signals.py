"""Signals are sealed before they are put on run.commands, where they stay for days."""

from collections.abc import Collection, Iterable

from contracts.commands import ReceiveEvent, SignalCommand
from contracts.encrypted import encrypted_in, is_encrypted
from contracts.rejections import Code
from contracts.signals import Signal
from services.run_engine.domain.clear import GONE
from services.run_engine.execution import not_found
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.sealer import Sealer
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
    """A bulk signal's data is encrypted as a whole, under a key of the operation, for its runs are not known yet."""

    def __init__(self, signals: SealedSignals, sealer: Sealer, keys: KeyStore) -> None:
        self.signals = signals
        self._sealer = sealer
        self._keys = keys

    async def opened(self, owner: Owner, signal: Signal) -> Signal:
        """Without what was erased meanwhile. Raises BrokenSeal."""
        values = list(encrypted_in(signal.data, signal.data))
        if not values:
            return signal
        clear = (await self._sealer.opened({owner: values}))[owner]
        data = {n: clear[v["ciphertext"]] if is_encrypted(v) else v for n, v in signal.data.items()}
        return signal.model_copy(update={"data": {name: v for name, v in data.items() if v is not GONE}})

    async def forget(self, signal: Signal) -> None:
        """Of an operation that is over: what it carried can't be read any more."""
        await self._keys.destroy(_key_ids(signal))


def _key_ids(signal: Signal) -> Iterable[str]:
    return {value["key_id"] for _, value in encrypted_in(signal.data, signal.data)}
