"""Checks of the carrier's waybill numbers: which merchant may use one, and which waybill has it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from masking.database.schema import waybill
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.rows import units
from masking.store.store import Store, Transaction
from masking.values.printable import Rejected
from masking.words.alarms import AlarmKind
from masking.words.rules import Rule


def is_any_allowed(store: Store, tx: Transaction) -> bool:
    """Whether a merchant may use every waybill number: the only one, in a deployment without the table `[numbers_of]`."""
    settings = store.settings
    return not settings.network.numbers_of and not units.has_several_merchants(tx, settings.tenant)


def not_allotted(
    world: World, store: Store, tx: Transaction, unit: str, number: str, reference: str | None, now: datetime
) -> Rejected | None:
    """Why a merchant's unit may not ship under this number: the same answer whether it is in use or not.

    Without the table nothing is allotted, and an alarm says so once a day.
    """
    network = store.settings.network
    if network.is_allotted(unit, number):
        return None
    if not network.numbers_of:
        raise_alarm(tx, AlarmKind.NUMBERS_NOT_ALLOTTED, unit, now, world, at_most_every=timedelta(days=1))
    return Rejected(reference=reference, field="waybill_number", rule=Rule.NUMBER_NOT_ALLOTTED)


def already_used(
    world: World, store: Store, tx: Transaction, unit: str, number: str | None, reference: str | None, now: datetime
) -> Rejected:
    """The rejection of a number that another waybill has. If that waybill is another unit's, an alarm names both units."""
    query = sa.select(waybill.c.merchant).where(
        waybill.c.tenant == store.settings.tenant, waybill.c.waybill_number == number
    )
    holder = tx.execute(query).scalar()
    if holder and holder != unit:
        raise_alarm(tx, AlarmKind.NUMBER_CLASH, unit, now, world, partner=holder, at_most_every=timedelta(hours=1))
    return Rejected(reference=reference, field="waybill_number", rule=Rule.ALREADY_USED)
