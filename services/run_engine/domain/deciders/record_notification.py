from contracts.commands import RecordNotification
from contracts.events import NotificationFailed, NotificationSent
from services.run_engine.domain.situation import Decision, Situation, unknown_step
from services.run_engine.domain.state import RunState


def record_notification(state: RunState, command: RecordNotification, situation: Situation) -> Decision:
    """Kept for the timeline; recorded after the run's end as well, since messages about the end leave after it."""
    if command.step_id is not None and command.step_id not in state.steps:
        return unknown_step(state, command.step_id)
    about = {
        "at": situation.now,
        "actor": command.caller.actor,
        "recipient": command.recipient,
        "notification_type": command.notification_type,
        "channel": command.channel,
        "step_id": command.step_id,
        "on_behalf_of": command.on_behalf_of,
    }
    if command.failure is not None:
        return [NotificationFailed(**about, reason=command.failure)]
    return [NotificationSent(**about)]
