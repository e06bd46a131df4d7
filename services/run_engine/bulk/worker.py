"""Carries operations out: a window of runs at a time, so that they hold up nobody else's."""

import asyncio

from contracts import topics
from contracts.commands import SignalCommand
from contracts.rejections import Rejection
from contracts.replies import Reply
from services.run_engine.bulk.selection import listing_of
from services.run_engine.bulk.store import BulkStore, Operation
from services.run_engine.execution import not_found
from services.run_engine.sealing.signals import BulkSealing
from services.run_engine.sealing.store import Owner
from shared import clock
from shared.errors import Refused
from shared.ids import stable_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message
from shared.signals import signal_command

WINDOW = 200
"""So many runs are signalled before the answers of those before are in."""
_LOOK_AGAIN_SECONDS = 0.05
_SELDOM_SECONDS = 2.0
_PUBLISH_AGAIN_AFTER = 20


class BulkWorker:
    """A command's id follows from operation and run, so that one that is sent again signals nobody twice."""

    def __init__(self, store: BulkStore, publisher: Publisher, sealing: BulkSealing) -> None:
        self._store = store
        self._sealing = sealing
        self._publisher = publisher

    async def carry_out(self, operation: Operation) -> None:
        """From where it was left to its end."""
        position, walked = operation.position, operation.walked
        while True:
            await self._settle_pending(operation)
            if walked:
                break
            command = operation.command
            listing = listing_of(operation.organization_id, command.selection, command.signal.type, position, WINDOW)
            run_ids, position = await self._store.runs_of(listing)
            walked = position is None
            if walked and command.selection.run_ids:
                run_ids = list(
                    dict.fromkeys(command.selection.run_ids)
                )  # those that are not there get their answer too
            await self._store.take_up(operation, run_ids, position)
        await self._store.finish(operation.operation_id)
        await self._sealing.forget(operation.command.signal)

    async def _settle_pending(self, operation: Operation) -> None:
        """Signals the runs that have been taken up, and waits for what they say."""
        published: set[str] = set()
        looks, pause = 0, _LOOK_AGAIN_SECONDS
        while pending := await self._store.pending(operation.operation_id, WINDOW):
            await self._store.keep(operation.operation_id)
            answers = await self._store.answers(operation, pending)
            settled = {run_id: answer for run_id in pending if (answer := _said(run_id, answers)) is not None}
            await self._store.settle(operation.operation_id, settled)
            waiting = [run_id for run_id in pending if run_id not in settled]
            await self._publish(operation, [run_id for run_id in waiting if run_id not in published])
            published = set() if looks % _PUBLISH_AGAIN_AFTER == _PUBLISH_AGAIN_AFTER - 1 else published | set(waiting)
            looks, pause = looks + 1, _LOOK_AGAIN_SECONDS if settled else min(pause * 1.5, _SELDOM_SECONDS)
            if waiting:
                await asyncio.sleep(pause)

    async def _publish(self, operation: Operation, run_ids: list[str]) -> None:
        messages: list[OutgoingMessage] = []
        refused: dict[str, Reply] = {}
        if not run_ids:
            return
        signal = await self._sealing.opened(_owner(operation, operation.operation_id), operation.command.signal)
        if signal.data or signal.metadata:
            await self._sealing.signals.prepare([_owner(operation, run_id) for run_id in run_ids])
        for run_id in run_ids:
            try:
                command = signal_command(
                    signal, stable_id("sig", operation.operation_id, run_id), operation.command.caller
                )
                sealed = await self._sealing.signals.sealed(_owner(operation, run_id), command)
                messages.append(_message(operation, run_id, sealed))
            except Refused as refusal:
                refused[run_id] = Reply(rejection=refusal.rejection)
        await self._publisher.publish(messages)
        await self._store.settle(operation.operation_id, refused)


def _said(run_id: str, answers: dict[str, Reply | None]) -> Reply | None:
    if run_id not in answers:
        return Reply(rejection=_unknown(run_id))
    return answers[run_id]


def _unknown(run_id: str) -> Rejection:
    return not_found(run_id)


def _owner(operation: Operation, run_id: str) -> Owner:
    return Owner(operation.organization_id, run_id)


def _message(operation: Operation, run_id: str, command: SignalCommand) -> OutgoingMessage:
    return command_message(
        topics.RUN_COMMANDS.name,
        run_id,
        command,
        message_id=operation.command_id(run_id),
        organization_id=operation.organization_id,
        correlation_id=operation.correlation_id,
        causation_id=operation.operation_id,
        traceparent=operation.traceparent,
        time=clock.now(),
        # With a fingerprint a refusal is kept in the run's journal until it was looked for.
        fingerprint=operation.operation_id,
    )
