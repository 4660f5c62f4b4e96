"""Structured logs: JSON lines in production, readable text on a terminal.

No log holds a code, a token, a document or health data.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog

from recapito_servicekit import lines
from recapito_servicekit.settings import BadSettings, CommonSettings

# by which a line names what a call or an event is about: none of them opens anything
IDS: Final = ("change_id", "case_id", "claim_id", "notice_id", "challenge_id")
LONGEST_ID: Final = 80


def configure(settings: CommonSettings, service: str) -> None:
    """Sets logging and tracing up for the whole process; call it once, first. Raises BadSettings."""
    shared: list[Any] = [
        lines.merge,
        _naming(service),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        # plain tracebacks: richer ones show local variables, and those are secrets
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # what is below the level costs next to nothing: a line of every call is written at DEBUG
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("httpx", "httpcore", "alembic", "kombu", "amqp", "grpc", "asyncio", "PIL", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if settings.otlp_endpoint:
        _send_spans(settings.otlp_endpoint, service)


def _send_spans(endpoint: str, service: str) -> None:
    try:
        from recapito_servicekit import otel  # noqa: PLC0415  # an extra, which most do without
    except ImportError:
        raise BadSettings("RECAPITO_OTLP_ENDPOINT: needs recapito-servicekit[otel], which is not installed") from None
    otel.install(endpoint, service)


def _naming(service: str) -> Any:
    """What puts the service's name into every line, whatever thread or context wrote it."""

    def name(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        return {"service": service, **line}

    return name


def bind(**given: object) -> None:
    """Puts ids (a change's, a claim's) into every line of the work under way; what is no id is left out."""
    lines.bind(ids(given))


def ids(given: Mapping[str, object]) -> dict[str, str]:
    """Those that are ids."""
    return {name: value for name, value in given.items() if isinstance(value, str) and 0 < len(value) <= LONGEST_ID}


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger by its module's name."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
