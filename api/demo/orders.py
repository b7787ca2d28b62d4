"""Reads the demo's orders, and draws one of them as it was before."""

from __future__ import annotations

import csv
from pathlib import Path

from masking.order import Order, Party
from masking.waybill import LabelData, Masked, MaskedParty, MaskedView


def read(path: Path) -> list[Order]:
    """The orders of `examples/orders.csv`, as typed there."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_order(row) for row in csv.DictReader(file)]


def _order(row: dict[str, str]) -> Order:
    recipient, sender = (
        Party(name=row[f"{who}_name"], phone=row[f"{who}_phone"], address=row[f"{who}_address"])
        for who in ("recipient", "sender")
    )
    return Order(
        reference=row["order_number"],
        recipient=recipient,
        sender=sender,
        goods=row["goods"],
        remark=row["remark"],
        waybill_number=row["waybill_number"],
        routing_code=row["routing_code"],
    )


def unmasked(data: LabelData, order: Order) -> LabelData:
    """The label as it would look without masking, for the picture of before and after: invented people only."""
    recipient, sender = (
        MaskedParty(
            name=Masked(party.name.reveal()),
            phone=Masked(party.phone.reveal()),
            address=Masked(party.address.reveal()),
        )
        for party in (order.recipient, order.sender)
    )
    view = MaskedView(
        recipient=recipient,
        sender=sender,
        goods=Masked(order.goods.reveal()),
        remark=Masked(order.remark.reveal()),
        stamp="",
    )
    return LabelData(
        waybill_number=data.waybill_number,
        routing_code=data.routing_code,
        code=data.code,
        view=view,
        number=None,
        print_number=data.print_number,
        job=data.job,
        station=data.station,
        printed=data.printed,
        carrier=data.carrier,
    )
