"""A merchant's questions about its own waybills: their masked views, by waybill id, by its reference, or by exact phone.

A phone is looked up under each live day's key of the person index. There is no search by region, name or goods. An answer
is a page of at most `PAGE` waybills, since a shop's own phone is on all of its orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import person_index, record_of_waybill_id, waybill_id_of
from masking.errors import InputError
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.redact.phones import canonical
from masking.runtime import World
from masking.store.reading import to_waybill
from masking.store.rows import people, slots, waybills
from masking.store.store import Store
from masking.values.arguments import PAGE
from masking.values.plaintext import Plain, reference_problems
from masking.values.printable import Waybill, WaybillId, WaybillState
from masking.values.states import State
from masking.words.request_rules import RequestRule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A merchant's question; exactly one of `id`, `reference`, `phone` is given.

    Attributes:
        limit: the most waybills to return, 1 to `PAGE`.
        after: the last waybill id of the page before; the answer begins after it.

    Raises:
        InputError: `limit` is out of range, or `after` is not a waybill id.
    """

    merchant: Actor
    id: WaybillId | None = None
    reference: str | None = None
    phone: Plain | None = None
    limit: int = PAGE
    after: WaybillId | None = None

    def __post_init__(self) -> None:
        """Check both bounds of the page."""
        if not 1 <= self.limit <= PAGE:
            raise InputError("limit", RequestRule.OUT_OF_RANGE, detail=f"give 1 to {PAGE}")
        if self.after is not None and record_of_waybill_id(self.after) is None:
            raise InputError("after", RequestRule.NOT_A_WAYBILL_ID)

    @property
    def begins_after(self) -> bytes:
        """The record after which the page begins, b"" for the first page."""
        return (record_of_waybill_id(self.after) if self.after else None) or b""


def find(world: World, store: Store, requests: Sequence[Find]) -> list[list[Waybill]]:
    """Answer each question with a page of the merchant's own waybills, oldest first.

    The list is empty if nothing is found, or if the caller is not a merchant. A page shorter than `limit` is the last one. A
    waybill whose view can't be read has the state "damaged" and its other members.
    """
    now = world.now()
    answers: list[list[Waybill]] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.merchant.id for request in requests})
        batch = Batch(world, store, tx, now, "find", staff, roles={Role.MERCHANT})
        for request in requests:
            merchant = request.merchant
            records: list[waybills.Record] = []
            if batch.may_ask(merchant):
                record_id = record_of_waybill_id(request.id) if request.id else None
                if record_id:
                    records = list(waybills.by_id(tx, [record_id]).values())
                elif request.reference and not reference_problems(reference := request.reference.strip()):
                    key = (merchant.tenant, merchant.unit, reference)
                    records = list(waybills.by_reference(tx, [key]).values())
                elif request.phone:
                    phone = canonical(request.phone.reveal())
                    keys = store.keys.person_keys().values()
                    indexes = {person_index(key, phone) for key in keys} if phone else set()
                    records = waybills.by_person(
                        tx, merchant.tenant, merchant.unit, indexes, after=request.begins_after, limit=request.limit
                    )
            mine = [r for r in records if (r.tenant, r.merchant) == (merchant.tenant, merchant.unit)]
            if not request.id:
                mine = [r for r in mine if r.state != State.DESTROYED]
            numbers = slots.leases(tx, [r.id for r in mine])
            found = [to_waybill(r, waybill_id_of(r.id), numbers.get(r.id)) for r in mine]
            if request.id and not mine:
                batch.refuse(merchant, records[0].id if records else None, UNKNOWN)
            for record, waybill in zip(mine, found, strict=True):
                if waybill.state is WaybillState.DAMAGED:
                    batch.refuse(merchant, record.id, DAMAGED)
            answers.append(found)
        batch.write()
    return answers
