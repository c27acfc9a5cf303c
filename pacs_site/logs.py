"""How processes log: one line an event, to standard error; the supervisor adds who said it."""

import logging
from typing import Any

import structlog
from structlog.typing import Processor


class NotHealth(logging.Filter):
    """`/healthz` answers 503 by design while services start; that is no error of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/healthz"


def configuration() -> dict[str, Any]:
    """Return Django's LOGGING dictionary and configure structlog to match."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # Plain: the pretty traceback prints local variables, and those are patients.
                    structlog.dev.ConsoleRenderer(
                        colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
                    ),
                ],
            }
        },
        "filters": {"not-health": {"()": NotHealth}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.request": {"filters": ["not-health"]},
            "pynetdicom": {"level": "CRITICAL", "propagate": False},
            "pydicom": {"level": "CRITICAL", "propagate": False},
            "PIL": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            "django_tasks": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            "axes": {"level": "ERROR"},
        },
    }
