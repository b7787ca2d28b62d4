"""Logs as JSON lines: times, words and numbers of ours, and nothing that anybody sent.

One line a request: its id, the route's template (never the path, never the query), status, milliseconds, the caller's
role. An unexpected error leaves its type and the places in the code, not its message, which could hold a value.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

LOG = logging.getLogger("waybill")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; `extra={"waybill": {...}}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
        }
        if record.name == LOG.name:
            line["event"] = record.getMessage()
            line |= getattr(record, "waybill", {})
        else:  # the server's own records: some quote what a client sent, so only their template is kept
            line["event"] = str(record.msg).split("\n", 1)[0]
        if record.exc_info and record.exc_info[1]:
            line["error"], line["at"] = where(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def where(error: BaseException) -> tuple[str, list[str]]:
    """The type of an error, and the last places in the code that it came through."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return type(error).__name__, [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]


def configuration() -> dict[str, Any]:
    """The logging configuration of a service: everything as JSON lines on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["err"], "level": "WARNING"},
        "loggers": {
            "waybill": {"handlers": ["err"], "level": "INFO", "propagate": False},
            "uvicorn.error": {"handlers": ["err"], "level": "INFO", "propagate": False},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }
