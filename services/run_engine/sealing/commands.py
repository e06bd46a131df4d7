"""What the command loop needs of encryption: clear values before it decides, keys destroyed before it answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts import commands
from contracts.definitions import PlaybookDefinition
from contracts.encrypted import encrypted_in
from contracts.replies import Reply
from services.run_engine.domain.clear import Clear, encrypted_of
from services.run_engine.execution import StoredRun
from services.run_engine.sealing.sealer import Sealed, Sealer
from services.run_engine.sealing.store import KeyStore, Owner
from shared.messages import Message


class Sealing:
    def __init__(self, sealer: Sealer, keys: KeyStore) -> None:
        self._sealer = sealer
        self._keys = keys

    async def opened(
        self,
        messages: Sequence[Message],
        runs: Mapping[str, StoredRun],
        definitions: Iterable[PlaybookDefinition | None],
    ) -> dict[str, Clear]:
        """By run id: what the encrypted values of runs and commands hold; `definitions` are of the messages.

        Raises BrokenSeal where one can't be opened. Asks nobody where no playbook has encrypted fields.
        """
        values: dict[Owner, list[Sealed]] = {}
        names: dict[str, frozenset[str]] = {}
        for message, definition in zip(messages, definitions, strict=True):
            run_id = message.envelope.key
            run = runs.get(run_id)
            if run is not None and run.state.organization_id != message.envelope.organization_id:
                continue
            if definition is not None and run_id not in names and (fields := definition.encrypted_fields):
                names[run_id] = fields
                values[_owner(message)] = list(encrypted_of(run.state, fields)) if run is not None else []
        if not names:
            return {}
        for message in messages:
            values.get(_owner(message), []).extend(_carried(message, names.get(message.envelope.key, frozenset())))
        opened = await self._sealer.opened({owner: found for owner, found in values.items() if found})
        return {owner.run_id: clear for owner, clear in opened.items() if owner.run_id is not None}

    async def destroy(self, answers: Iterable[tuple[Message, Reply, Any]]) -> None:
        """The keys that erasures were promised for; whoever has an answer finds nothing that can be read."""
        await self._keys.destroy(
            key_id
            for message, reply, _ in answers
            if isinstance(message.payload, commands.EraseEncryptedData) and reply.result is not None
            for key_id in reply.result["keys_destroyed"]
        )


def _owner(message: Message) -> Owner:
    return Owner(message.envelope.organization_id, message.envelope.key)


def _carried(message: Message, names: frozenset[str]) -> Iterable[Sealed]:
    command = message.payload
    data = command.initial_data if isinstance(command, commands.StartRun) else getattr(command, "data", None)
    return encrypted_in(data, names)
