"""Turns stored records into the waybills that merchants see."""

from __future__ import annotations

from masking.errors import IntegrityError
from masking.store.rows.waybills import Record
from masking.values.json import load_view
from masking.values.printable import MaskedView, VirtualNumber, Waybill, WaybillId, WaybillState
from masking.values.states import State


def view_of(record: Record) -> MaskedView | None:
    """A record's masked view, or None if what is stored is not a valid one."""
    try:
        return load_view(str(record.masked))
    except IntegrityError:
        return None


def to_waybill(
    record: Record, waybill_id: WaybillId, number: VirtualNumber | None, *, created: bool = False
) -> Waybill:
    """A record as its merchant sees it. Its state is "damaged" if its view can't be read."""
    gone = record.state == State.DESTROYED
    view = None if gone else view_of(record)
    return Waybill(
        id=waybill_id,
        reference=record.reference,
        masked=view,
        number=number,
        merge=record.merge_reference,
        state=WaybillState(record.state) if view or gone else WaybillState.DAMAGED,
        waybill_number=record.waybill_number,
        routing_code=record.routing_code,
        created=created,
    )
