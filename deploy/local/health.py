"""Asks a service of this machine whether it is ready."""

import asyncio
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from deploy.local.ports import HOST

ANSWER_SECONDS = 5


async def is_ready(port: int) -> bool:
    """Whether `/health/ready` answers with 200."""
    return await asyncio.to_thread(_answers_200, port)


def _answers_200(port: int) -> bool:
    return _answers(HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)) or _answers(
        HTTPSConnection(HOST, port, timeout=ANSWER_SECONDS, context=_unverified())
    )


def _unverified() -> ssl.SSLContext:
    """Asks, on this machine, only whether somebody is well: a service's own settings are not known here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _answers(connection: HTTPConnection) -> bool:
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
