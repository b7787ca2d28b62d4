"""Whose a waybill number is: asked by each step that gives a waybill its number."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from masking.database.schema import waybill
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.store import Store, Transaction
from masking.values.printable import Rejected
from masking.words.alarms import AlarmKind
from masking.words.rules import Rule


def not_allotted(store: Store, unit: str, number: str | None, reference: str | None) -> Rejected | None:
    """Why a merchant's unit may not ship under this number: the same answer whether it is in use or not."""
    if number is None or store.settings.network.may_use(unit, number):
        return None
    return Rejected(reference=reference, field="waybill_number", rule=Rule.NUMBER_NOT_ALLOTTED)


def already_used(
    world: World, store: Store, tx: Transaction, unit: str, number: str | None, reference: str | None, now: datetime
) -> Rejected:
    """The answer to a number that another waybill has. If that is another unit's, an alarm names both."""
    query = sa.select(waybill.c.merchant).where(
        waybill.c.tenant == store.settings.tenant, waybill.c.waybill_number == number
    )
    holder = tx.execute(query).scalar()
    if holder and holder != unit:
        raise_alarm(tx, AlarmKind.NUMBER_CLASH, unit, now, world, partner=holder, at_most_every=timedelta(hours=1))
    return Rejected(reference=reference, field="waybill_number", rule=Rule.ALREADY_USED)
