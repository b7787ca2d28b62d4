"""The strings that a label may show, by name: fields of the stamped view, the carrier's numbers, facts of the print.

Templates refer to these names. The release gate allows only these strings and a template's constants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from string import ascii_letters
from types import MappingProxyType

from masking.values.printable import STAMP, LabelData, Masked
from print_templates.typeface import printable

CHINA = timezone(timedelta(hours=8))
NO_NUMBER = "请用 App 联系收件人"
"""Printed when no virtual number is leased: contact the recipient through the app."""
PRIVACY_MARK = "隐私面单"
"""Tells that the label is masked. Printed only if the view carries the stamp of the compliance check."""
NAMES = frozenset({
    "carrier", "routing_code", "waybill_number", "waybill_number.grouped", "number", "number.until",
    "recipient.name", "recipient.phone", "recipient.address", "sender.name", "sender.phone", "sender.address",
    "goods", "remark", "privacy_mark", "print_number", "station", "printed", "job",
})  # fmt: skip


@lru_cache(maxsize=2)
def contents(label: LabelData) -> Mapping[str, Masked]:
    """Every string that this label may show, by its name in `NAMES`, in printable form (see `typeface.printable`).

    Cached, because the layout and the gate both call it for the same label.
    """
    number, stamped = label.number, label.view.stamp == STAMP
    facts = {
        "carrier": label.carrier,
        "routing_code": label.routing_code,
        "waybill_number": label.waybill_number,
        "waybill_number.grouped": in_groups_of_four(label.waybill_number),
        "number": str(number) if number else NO_NUMBER * stamped,
        "number.until": f"{_local(number.expires)[5:]} 前有效" if number else "",
        "privacy_mark": PRIVACY_MARK * stamped,
        "print_number": f"第{label.print_number}次打印",
        "station": label.station,
        "printed": _local(label.printed),
        "job": label.job,
    }
    texts = label.view.fields() | {name: Masked(text) for name, text in facts.items()}
    return MappingProxyType({name: printable(value) for name, value in texts.items()})


def in_groups_of_four(number: str) -> str:
    """A waybill number for human readers: a head, then groups of four characters: "YT0 0000 0000 0001"."""
    lead = len(number) - len(number.lstrip(ascii_letters))
    head = lead + (len(number) - lead) % 4
    return " ".join(part for part in (number[:head], *re.findall(r".{4}", number[head:])) if part)


def _local(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(" ")[:16]
