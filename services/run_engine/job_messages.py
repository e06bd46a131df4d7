"""The messages to automation that come of a command: jobs, and orders about jobs that were sent before."""

from datetime import datetime
from typing import Any

from contracts import events, topics
from contracts.definitions import PlaybookDefinition
from contracts.jobs import AutomationJob, JobsOrder
from services.run_engine.domain.state import RunState
from shared.messages import Message, OutgoingMessage, command_message


def job_message(
    message: Message,
    definition: PlaybookDefinition,
    state: RunState,
    event: events.AutomationRequested,
    now: datetime,
) -> OutgoingMessage:
    """Returns the job that an attempt of a step asks for."""
    step = next(s for s in definition.steps if s.step_id == event.step_id)
    config: dict[str, Any] = step.automation_config or {}
    timeout = config.get("timeout_seconds")
    job = AutomationJob(
        job_id=event.job_id,
        run_id=state.run_id,
        organization_id=state.organization_id,
        step_id=event.step_id,
        step_name=event.step_name,
        attempt_number=event.attempt_number,
        idempotency_key=f"{state.run_id}:{event.step_id}:{state.steps[event.step_id].attempt}",
        api_endpoint=config.get("api_endpoint"),
        timeout_seconds=float(timeout) if isinstance(timeout, int | float) and timeout > 0 else 30.0,
        config=_with_metadata(config, step.metadata),
        data=state.data,
        context=state.context,
        created_at=now,
        encrypted_fields=sorted(definition.encrypted_fields),
    )
    return _to_automation(message, state, job, event.job_id, now)


def order_message(message: Message, state: RunState, order: JobsOrder, now: datetime) -> OutgoingMessage:
    """Returns an order about jobs that are on their way."""
    return _to_automation(message, state, order, f"{state.run_id}:{order.sequence}:{order.order}", now)


def _to_automation(
    message: Message, state: RunState, payload: AutomationJob | JobsOrder, message_id: str, now: datetime
) -> OutgoingMessage:
    envelope = message.envelope
    return command_message(
        topics.AUTOMATION_JOBS.name,
        state.run_id,
        payload,
        message_id=message_id,
        organization_id=state.organization_id,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
        traceparent=envelope.traceparent,
        time=now,
    )


def _with_metadata(config: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """The step's metadata, such as `contract_parameters`, goes to the machine too."""
    return {"metadata": metadata, **config} if metadata else config
