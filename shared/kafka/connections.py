"""Mends a connection of aiokafka on uvloop, for every client of the process.

A transport of uvloop that is closed raises RuntimeError when it is written to; asyncio's own only warns. aiokafka
expects OSError, and its task that keeps the metadata current ends at anything else, unnoticed: a consumer whose broker
died at the wrong moment then waits forever for its coordinator.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send_unguarded = AIOKafkaConnection.send


def _send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    """Sends as aiokafka does; raises KafkaConnectionError, and closes the connection, when its transport is closed."""
    try:
        return _send_unguarded(connection, request, expect_response=expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken: {error}") from error


def guard_connections() -> None:
    """Puts the guard in place; calling it again changes nothing."""
    AIOKafkaConnection.send = _send
