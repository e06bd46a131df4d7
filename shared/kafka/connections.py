"""Mends two faults of aiokafka's connections, for every client of the process.

A transport of uvloop that is closed raises RuntimeError when it is written to; asyncio's own only warns. aiokafka
expects OSError, and its task that keeps the metadata current ends at anything else, unnoticed: a consumer whose broker
died at the wrong moment then waits forever for its coordinator.

A connection with TLS closes when the broker has said good-bye too, or after the event loop's 30 seconds. A broker that
works on a request of the connection does not read until it has answered: a stop would take longer than it may.
"""

import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

GOODBYE_SECONDS = 2.0
_send_unguarded = AIOKafkaConnection.send
_close_unguarded = AIOKafkaConnection.close


def _send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    """Sends as aiokafka does; raises KafkaConnectionError, and closes the connection, when its transport is closed."""
    try:
        return _send_unguarded(connection, request, expect_response=expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken: {error}") from error


def _close(connection: Any, reason: Any = None, exc: Exception | None = None) -> Any:
    """Closes as aiokafka does, and drops the connection if the broker has not said good-bye within GOODBYE_SECONDS."""
    writer = connection._writer
    closed = _close_unguarded(connection, reason=reason, exc=exc)
    if writer is not None and closed is not None and not closed.done():
        drop = asyncio.get_running_loop().call_later(GOODBYE_SECONDS, writer.transport.abort)
        closed.add_done_callback(lambda _: drop.cancel())
    return closed


def guard_connections() -> None:
    """Puts the guards in place; calling it again changes nothing."""
    AIOKafkaConnection.send = _send
    AIOKafkaConnection.close = _close
