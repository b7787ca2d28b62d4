"""Delivers alarms: a log line, a count, and the command or webhook that `[alarms]` in `waybill.toml` names.

A worker claims an alarm in one transaction, sends it with no transaction open, and records the outcome in another, so
no request waits for it. Each alarm is sent until it is accepted once. After a crash in between it is sent twice, under
the same `id`. A message holds the kind, the time and what to do, never the person: `waybill alarms` lists those.
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit

from masking.config import SETTINGS, read_table
from masking.errors import SettingsError
from masking.runtime import World, moment
from masking.store import alarms
from masking.store.alarms import Alarm
from masking.store.store import Store
from masking.words.alarms import AlarmKind

from .logs import LOG

SECONDS = 10.0
"""Seconds that a command or webhook may take, so that a batch ends within `alarms.CLAIM`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Where alarms are sent: to a command or a webhook, not both, so that each alarm arrives once.

    Attributes:
        command: a program and its arguments. It reads one alarm as JSON from standard input and exits with 0.
        webhook: an https:// address (http:// on this machine) that accepts a POST of the same JSON and answers 2xx.
    """

    command: tuple[str, ...] = ()
    webhook: str = ""


def read_destinations(folder: Path) -> Destinations:
    """The destinations in `[alarms]` of the `waybill.toml` in this folder; none if there is no such table.

    Raises:
        SettingsError: the table is malformed, or the webhook's address is not allowed.
    """
    table = read_table(folder).get("alarms", {})
    if not isinstance(table, dict) or table.keys() - {"command", "webhook"}:
        raise SettingsError(f"{SETTINGS}: [alarms] takes command (a list of strings) and webhook (an https:// address)")
    command, webhook = table.get("command", []), table.get("webhook", "")
    if not isinstance(command, list) or not all(isinstance(part, str) and part for part in command):
        raise SettingsError(f'{SETTINGS}: [alarms] command is a list of strings, such as ["/usr/local/bin/call-me"]')
    if not isinstance(webhook, str) or (webhook and not _may_be_called(webhook)):
        raise SettingsError(f"{SETTINGS}: [alarms] webhook is an https:// address; http:// only on this machine")
    if command and webhook:
        raise SettingsError(f"{SETTINGS}: [alarms] takes a command or a webhook, not both; a command can do both")
    return Destinations(command=tuple(command), webhook=webhook)


def send_alarms(world: World, store: Store, destinations: Destinations) -> list[str]:
    """Log and send the alarms that are due. Several workers may call it at once.

    After a failed attempt the rest of the batch is not tried, so that a batch takes no longer than one failure.

    Returns:
        The kinds of the alarms that were sent for the first time.

    Raises:
        UnavailableError: the store could not answer. Alarms that were already sent may be sent again.
    """
    with store.reading() as tx:  # so that writers don't wait if nothing is due
        if not alarms.has_due(tx, world.now()):
            return []
    with store.transaction() as tx:
        claimed = alarms.claim(tx, world.now())
    new = [each.kind for each in claimed if not each.attempts]
    sent: list[Alarm] = []
    for each in claimed:
        if not each.attempts:
            LOG.warning("alarm", extra={"waybill": {"alarm": each.id.hex(), "kind": each.kind}})
        if len(sent) == claimed.index(each) and _send(each, destinations):
            sent.append(each)
    if claimed:
        with store.transaction() as tx:
            alarms.delivered(tx, sent)
            alarms.failed(tx, claimed[len(sent) :], world.now())
    return new


def message(alarm: Alarm) -> dict[str, Any]:
    """The JSON that is sent for an alarm, without the id of a person or waybill."""
    known = AlarmKind(alarm.kind) if alarm.kind in list(AlarmKind) else None
    said = {"meaning": known.meaning, "remedy": known.remedy} if known else {}
    at = moment(alarm.at).isoformat(timespec="milliseconds")
    return {"id": alarm.id.hex(), "at": at, "kind": alarm.kind, "attempt": alarm.attempts + 1} | said


def _send(alarm: Alarm, destinations: Destinations) -> bool:
    """Whether the destination accepted the alarm. A failure is logged by its type, never with an address or an answer."""
    body = json.dumps(message(alarm), ensure_ascii=False).encode()
    try:
        if destinations.command:
            _run(destinations.command, body)
        elif destinations.webhook:
            _post(destinations.webhook, body)
    except (OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
        failure = {"alarm": alarm.id.hex(), "attempt": alarm.attempts + 1, "error": type(error).__name__}
        LOG.error("alarm not delivered", extra={"waybill": failure})
        return False
    return True


def _run(command: Sequence[str], body: bytes) -> None:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, input=body, timeout=SECONDS, check=True, **quiet)  # noqa: S603  the operator's own setting


def _post(address: str, body: bytes) -> None:
    """Send a POST without following redirects.

    Raises:
        OSError: no answer.
        HTTPException: an answer other than 2xx.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    link: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        link = http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=context)
    else:
        link = http.client.HTTPConnection(host, parts.port, timeout=SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link.request("POST", path, body, {"Content-Type": "application/json"})
        if link.getresponse().status // 100 != 2:
            raise http.client.HTTPException
    finally:
        link.close()


def _may_be_called(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    plain = address.isascii() and address.isprintable() and " " not in address and parts.username is None
    return plain and bool(parts.hostname) and (parts.scheme == "https" or local)
