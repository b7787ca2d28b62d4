"""Loads the rows that decisions about scanned labels need, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from masking.access.budget import Counts
from masking.access.chain import Leg
from masking.access.duty import Duty, Facts
from masking.access.people import Actor
from masking.database import hot_sql
from masking.keys.keystore import Generation, OnlineWrap
from masking.runtime import moment
from masking.store.rows import budgets, custody, people, waybills
from masking.store.store import Store, Transaction
from masking.values.states import State

Code = tuple[bytes, int]
"""An authentic label code: the waybill and the print number."""


class Parcels(NamedTuple):
    """Records, open assignments and wrapped keys, by waybill."""

    records: dict[bytes, waybills.Record]
    duties: dict[bytes, custody.Assignment]
    wraps: dict[bytes, OnlineWrap]

    def facts(self, code: Code | None) -> Facts | None:
        """The facts of one scanned label. None if it is no label code, or its waybill does not exist."""
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
        custodian_unit=record.custodian_unit,
        print_number=print_number,
        live_print=record.live_print,
        duty=duty,
    )


def party_at_door(record: waybills.Record, open_: custody.Assignment | None) -> str:
    """The party at whose door the courier is next, and whom calls therefore connect.

    It is the recipient as long as no courier is assigned to collect the parcel.
    """
    fetched = open_ is not None and open_.leg == Leg.COLLECTION
    return "sender" if fetched or record.leg == Leg.RETURN else "recipient"


class Asked(NamedTuple):
    """The loaded rows of one batch: parcels, the active staff who ask about them, and their counts."""

    parcels: Parcels
    staff: dict[str, Actor]
    counts: dict[str, Counts]


def load_scanned(store: Store, tx: Transaction, codes: Collection[Code | None], actors: Collection[str]) -> Asked:
    """Load and lock what a step about scanned labels needs. None of it changes until the transaction ends.

    Every step locks parcels first and budgets second, each in order of their keys, so that workers can't deadlock.
    """
    ids = {code[0] for code in codes if code}
    with hot_sql.pipeline(tx):
        staff = people.active(tx, actors)
        records = waybills.by_id(tx, ids, lock=True)  # a retention run waits for these, or has them locked first
        duties = custody.open_assignments(tx, ids)
        counts = budgets.lock(tx, actors)
    return Asked(_with_wraps(store, ids, records, duties), staff, counts)


def of_ids(store: Store, tx: Transaction, ids: Collection[bytes]) -> Parcels:
    """The rows of these waybills."""
    return of_records(store, tx, ids, waybills.by_id(tx, ids))


def of_records(store: Store, tx: Transaction, ids: Collection[bytes], records: dict[bytes, waybills.Record]) -> Parcels:
    """The rows of these waybills, whose records are loaded already."""
    return _with_wraps(store, ids, records, custody.open_assignments(tx, ids))


def _with_wraps(
    store: Store,
    ids: Collection[bytes],
    records: dict[bytes, waybills.Record],
    duties: dict[bytes, custody.Assignment],
) -> Parcels:
    # a waybill that does not exist costs the same statements, so that the time of an answer does not reveal it
    keys = [records[each].key if each in records else Generation(each, 0) for each in ids]
    return Parcels(records, duties, store.keys.online_wraps(keys))
