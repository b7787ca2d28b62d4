"""What a decision about scanned labels needs to know, loaded for a whole batch at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from masking.access.chain import Leg
from masking.access.duty import Duty, Facts
from masking.lifecycle import State
from masking.vault import custody, waybills
from masking.vault.keystore import Generation, OnlineWrap
from masking.vault.store import Store, Transaction
from masking.world import moment

Code = tuple[bytes, int]
"""An authentic label code: the waybill and the print number."""


class Parcels(NamedTuple):
    """Records, open assignments and wrapped keys, by waybill."""

    records: dict[bytes, waybills.Record]
    duties: dict[bytes, custody.Assignment]
    wraps: dict[bytes, OnlineWrap]

    def facts(self, code: Code | None) -> Facts | None:
        """The facts of one scanned label; None for no label code, and for a waybill that does not exist."""
        record = self.records.get(code[0]) if code else None
        if record is None or code is None:
            return None
        return facts_of(record, self.duties.get(record.id), code[1], openable=record.id in self.wraps)


def facts_of(
    record: waybills.Record, open_: custody.Assignment | None, print_number: int = 0, *, openable: bool = True
) -> Facts:
    """The facts of one scanned label, from its rows."""
    duty = open_ and Duty(
        courier=open_.courier, given_by=open_.given_by, unit=open_.unit, leg=Leg(open_.leg), at=moment(open_.at)
    )
    return Facts(
        tenant=record.tenant,
        state=State(record.state),
        openable=openable,
        leg=Leg(record.leg),
        custody=record.custody,
        place=record.place,
        print_number=print_number,
        live_print=record.live_print,
        duty=duty,
    )


def party(record: waybills.Record, open_: custody.Assignment | None) -> str:
    """Whose door is next, and whose phone therefore rings; a parcel that nobody fetches yet has its recipient's number."""
    fetched = open_ is not None and open_.leg == Leg.COLLECTION
    return "sender" if fetched or record.leg == Leg.RETURN else "recipient"


def load(store: Store, tx: Transaction, codes: Collection[Code | None], *, lock: bool = False) -> Parcels:
    """What is known of the parcels behind these label codes; with `lock`, it stays so until the transaction ends."""
    return of_ids(store, tx, {code[0] for code in codes if code}, lock=lock)


def of_ids(store: Store, tx: Transaction, ids: Collection[bytes], *, lock: bool = False) -> Parcels:
    """What is known of these waybills; `lock` as in `load`."""
    return of_records(store, tx, ids, waybills.by_id(tx, ids, lock=lock))


def of_records(store: Store, tx: Transaction, ids: Collection[bytes], records: dict[bytes, waybills.Record]) -> Parcels:
    """What is known of these waybills, whose records are loaded already."""
    # the same statements for a waybill that does not exist: an answer's time shall not tell it from others
    duties = custody.open_assignments(tx, ids)
    keys = [records[each].key if each in records else Generation(each, 0) for each in ids]
    return Parcels(records, duties, store.keys.online_wraps(keys))
