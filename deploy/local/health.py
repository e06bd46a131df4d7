"""Asks a service of this machine whether it is ready."""

import asyncio
from http.client import HTTPConnection, HTTPException

from deploy.local.ports import HOST

ANSWER_SECONDS = 5


async def is_ready(port: int) -> bool:
    """Whether `/health/ready` answers with 200."""
    return await asyncio.to_thread(_answers_200, port)


def _answers_200(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
