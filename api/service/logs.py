"""Logs as JSON lines, which hold times, numbers and this program's own words, and nothing that a client sent.

Each request gets one line: its id, the route's template (never the path or query), status, milliseconds, the caller's
role. An unexpected error is logged with its type and source lines, not its message, which could hold a value.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from masking.errors import StoreFault

from .log_writer import BoundedLines

LOG = logging.getLogger("waybill")


TOGETHER = 0.1
"""Seconds for which lines of requests are collected: writing each by itself costs a tenth of a small request."""


def _kind(value: object) -> str:
    """The substitute for a value that is not JSON, such as bytes: its type, never its content."""
    return type(value).__name__


_json = json.JSONEncoder(ensure_ascii=False, default=_kind).encode


class RequestLines:
    """Collects the lines of requests and writes them together."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, line: dict[str, Any]) -> None:
        """Queue a line. Call it in the event loop only."""
        if not LOG.isEnabledFor(logging.INFO):
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(TOGETHER, self.flush)
        self._waiting.append(_json(_begun(time.time(), "info", LOG.name, "request") | line))

    def flush(self) -> None:
        """Write the queued lines."""
        lines, self._waiting = self._waiting, []
        if lines:
            LOG.info("requests", extra={"lines": "\n".join(lines)})


class JsonLines(logging.Formatter):
    """A formatter that makes one line of JSON. `extra={"waybill": {...}}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        ours = record.name == LOG.name
        event = record.getMessage() if ours else _template(record)
        written: str | None = getattr(record, "lines", None)
        if written is not None:
            return written
        line = _begun(record.created, record.levelname.lower(), record.name, event)
        if ours:
            line |= getattr(record, "waybill", {})
        if record.exc_info and record.exc_info[1]:
            line["error"], line["at"] = where(record.exc_info[1])
        return _json(line)


def _template(record: logging.LogRecord) -> str:
    """The first line of a library's message template. Of its values only small numbers are kept; others could be a client's."""
    if not isinstance(record.msg, str):  # bytes or an exception is not a template
        return _kind(record.msg)
    line = record.msg.split("\n", 1)[0]
    values = record.args if isinstance(record.args, tuple) else ()
    kept = tuple(each if isinstance(each, int) and abs(each) < 2**31 else "..." for each in values)
    try:
        return line % kept if values else line
    except (TypeError, ValueError):
        return line


def _begun(seconds: float, level: str, source: str, event: str) -> dict[str, Any]:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return {"time": moment, "level": level, "from": source, "event": event}


def where(error: BaseException) -> tuple[str, list[str]]:
    """The type of an error, and the last source lines of its traceback."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return type(error).__name__, [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]


def named(fault: StoreFault | None) -> dict[str, str]:
    """The store's fault as members of a log line."""
    return {name: value for name, value in fault._asdict().items() if value} if fault else {}


def configuration() -> dict[str, Any]:
    """The logging configuration of a service: JSON lines on standard error, written without blocking."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"err": {"()": BoundedLines, "formatter": "json"}},
        "root": {"handlers": ["err"], "level": "WARNING"},
        "loggers": {
            "waybill": {"handlers": ["err"], "level": "INFO", "propagate": False},
            "uvicorn.error": {"handlers": ["err"], "level": "INFO", "propagate": False},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }
