"""Structured logs: one JSON object a line, with the ids that tie lines of several services together.

Of an exception they tell kind and place, not its words, which may quote what a caller sent: see docs/decisions/0068.
"""

import logging
import sys
import traceback

import orjson
import structlog

from shared.cipher import BrokenSeal
from shared.unspoken import Unspoken

Logger = structlog.typing.FilteringBoundLogger
_SPOKEN = (BrokenSeal, Unspoken)
"""Their words are ours, and hold no values."""


def configure_logging(service: str, level: str) -> None:
    """Sets up structlog, and sends the standard library's records the same way."""
    exceptions = structlog.processors.ExceptionRenderer(_without_words)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exceptions,
    ]
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer(serializer=_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*processors[:3], structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                exceptions,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("kafka.consumers").setLevel(logging.ERROR)  # it warns at each start that topics are not created
    for chatty in ("aiokafka", "httpx", "httpcore", "pymongo", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _without_words(exc_info: structlog.typing.ExcInfo) -> str:
    """Each exception of the chain, the last first, with the calls that led to it."""
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        words = f": {error}" if isinstance(error, _SPOKEN) else ""
        told.append(f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__qualname__}{words}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nIt came of:\n".join(told)


def _dumps(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


def logger() -> Logger:
    bound: Logger = structlog.get_logger()
    return bound
