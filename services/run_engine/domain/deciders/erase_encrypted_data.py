from contracts.commands import EraseEncryptedData
from contracts.events import EncryptedDataErased
from services.run_engine.domain.clear import encrypted_of
from services.run_engine.domain.situation import Decision, Situation
from services.run_engine.domain.state import RunState


def erase_encrypted_data(state: RunState, command: EraseEncryptedData, situation: Situation) -> Decision:
    """In every status, of runs that are over too. What has no keys, or was erased before, is nothing new."""
    key_ids = [key_id for key_id in command.key_ids if key_id not in state.erased_keys]
    if not key_ids:
        return []
    encrypted = encrypted_of(state, situation.plan.definition.encrypted_fields)
    return [
        EncryptedDataErased(
            at=situation.now,
            actor=command.caller.actor,
            fields=sorted({name for name, value in encrypted if value["key_id"] in key_ids}),
            key_ids=key_ids,
            reason=command.reason,
        )
    ]
