"""What Aliyun pushes about calls (SecretReport and its kin): a JSON list of records, each of one call.

Read as its documentation says, with one thing to be lenient about: the kinds of records differ in the times they have, and
nothing else tells them apart. `out_id` is what a binding was given, the name of our call; phones are looked at, not kept.
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

BY_A, BY_B = "0", "1"
"""`call_type`: A, the courier, has dialled; or B has. There are others, which connect nobody."""

INTERCEPTED = "4"
"""`call_type` of a call that was not put through."""

NOT_BOUND = "2"
"""`unconnected_cause` where nothing is bound (help.aliyun.com, document 305595); also said as `control_msg`."""

ACKNOWLEDGEMENT = {"code": 0, "msg": "接收成功"}
"""What Aliyun takes, with a 200, for received: `code` has to be a number. Anything else it pushes three times more."""


def read(body: bytes, mains: Collection[str]) -> list[ReportRecord]:
    """The records in a body, in its order; a record about another account's number says nothing. `mains` are the deployment's main numbers.

    Raises:
        InputError: the body is no list.
    """
    try:
        records = json.loads(body)
    except (ValueError, RecursionError):
        records = None
    if not isinstance(records, list):
        raise InputError("body", "not-a-list-of-records")
    return [_told(record if isinstance(record, dict) else {}, mains) for record in records]


def _told(record: Mapping[str, Any], mains: Collection[str]) -> ReportRecord:
    call, by = record.get("out_id"), str(record.get("call_type", BY_A))
    caller = record.get({BY_A: "phone_no", BY_B: "peer_no"}.get(by, ""))
    return ReportRecord(
        call=call if isinstance(call, str) else "",
        happened=_happened(record, by),
        caller=Plain(caller) if isinstance(caller, str) and caller else None,
        probed=next((main for main in mains if main == record.get("secret_no") and _is_probe(record, by)), ""),
    )


def _is_probe(record: Mapping[str, Any], by: str) -> bool:
    """Whether nothing is bound for the phone that has dialled: then there is no name of a call either."""
    unbound = str(record.get("unconnected_cause")) == NOT_BOUND or record.get("control_msg") == "NO_SUBS_EXIST"
    return not record.get("out_id") and (unbound or by == INTERCEPTED)


def _happened(record: Mapping[str, Any], by: str) -> tuple[ReportedEvent, ...]:
    """The events in a record. Whoever was not connected spoke for no time; then only the courier's own call was missed."""
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
