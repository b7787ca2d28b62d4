"""Parses the reports that Aliyun pushes about calls (SecretReport and similar): a JSON list with one record for each call.

It follows the documentation, except that any of the times may be missing: the kinds of records differ in nothing else. `out_id`
is the call's id, which the binding was made with. Phones are compared and not stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from masking.errors import InputError
from masking.numbers.pushes import ReportedEvent, ReportRecord
from masking.runtime import CHINA
from masking.values.plaintext import Plain
from masking.words.request_rules import RequestRule

BY_A, BY_B = "0", "1"
"""Values of `call_type`: A (the courier) dialled, or B dialled. Other values mean that no one was connected."""

INTERCEPTED = "4"
"""The `call_type` of a call that was blocked."""

NOT_BOUND = "2"
"""The `unconnected_cause` of a call without a binding (help.aliyun.com, document 305595). `control_msg` may say it instead."""

ACKNOWLEDGEMENT = {"code": 0, "msg": "接收成功"}
"""The answer, with status 200, that Aliyun accepts as received. `code` must be a number. After any other answer, Aliyun
repeats the push three times."""


def read(body: bytes, mains: Collection[str]) -> list[ReportRecord]:
    """The records in a body, in order. `mains` are the deployment's main numbers; probes of other numbers are ignored.

    Raises:
        InputError: the body is not a list.
    """
    try:
        records = json.loads(body)
    except (ValueError, RecursionError):
        records = None
    if not isinstance(records, list):
        raise InputError("body", RequestRule.NOT_A_LIST_OF_RECORDS)
    return [_record(record if isinstance(record, dict) else {}, mains) for record in records]


def _record(record: Mapping[str, Any], mains: Collection[str]) -> ReportRecord:
    call, by = record.get("out_id"), str(record.get("call_type", BY_A))
    caller = record.get({BY_A: "phone_no", BY_B: "peer_no"}.get(by, ""))
    return ReportRecord(
        call=call if isinstance(call, str) else "",
        happened=_happened(record, by),
        caller=Plain(caller) if isinstance(caller, str) and caller else None,
        probed=next((main for main in mains if main == record.get("secret_no") and _is_probe(record, by)), ""),
    )


def _is_probe(record: Mapping[str, Any], by: str) -> bool:
    """Whether the dialling phone had no binding. Such a record has no call id."""
    unbound = str(record.get("unconnected_cause")) == NOT_BOUND or record.get("control_msg") == "NO_SUBS_EXIST"
    return not record.get("out_id") and (unbound or by == INTERCEPTED)


def _happened(record: Mapping[str, Any], by: str) -> tuple[ReportedEvent, ...]:
    """The events in a record. A call without a duration was not connected, and counts as missed if the courier made it."""
    rung, begun, over = (_time(record.get(name)) for name in ("ring_time", "start_time", "release_time"))
    if over:
        seconds = int((over - begun).total_seconds()) if begun else 0
        if seconds > 0 and begun:
            return ReportedEvent("answered", begun), ReportedEvent("ended", over, seconds)
        return (ReportedEvent("missed", over),) if by == BY_A else ()
    if begun:
        return (ReportedEvent("answered", begun),)
    return (ReportedEvent("ringing", rung),) if rung else ()


def _time(value: object) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
