"""Structured logs: one JSON object a line, with the ids that tie lines of several services together."""

import logging
import sys

import orjson
import structlog

Logger = structlog.typing.FilteringBoundLogger


def configure_logging(service: str, level: str) -> None:
    """Sets up structlog, and sends the standard library's records the same way."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
                structlog.processors.format_exc_info,
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


def _dumps(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


def logger() -> Logger:
    bound: Logger = structlog.get_logger()
    return bound
