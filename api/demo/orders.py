"""Reads the demo's orders, and draws one without masking for comparison."""

from __future__ import annotations

from pathlib import Path

from masking.values.plaintext import Order
from masking.values.printable import LabelData, Masked, MaskedParty, MaskedView

from ..importing.answers import Answers
from ..importing.layout import understand
from ..importing.orders import Parcel, RowFault, parcels, survey
from ..importing.pasted import SURE
from ..importing.table import readings


def read(path: Path) -> tuple[list[Parcel], list[RowFault]]:
    """The orders of `examples/orders.csv`, and its rows that form none, as `waybill mask` reads any shop's file."""
    layout = understand(readings(path), Answers())
    found = list(parcels(layout, survey(layout).repeated, confidence=SURE))
    return [each for each in found if isinstance(each, Parcel)], [each for each in found if isinstance(each, RowFault)]


def unmasked(data: LabelData, order: Order) -> LabelData:
    """The label as it would look without masking, for a picture that compares both: invented people only."""
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
