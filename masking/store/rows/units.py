"""Queries about units: which have outlet staff, and which are empty."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor, Role
from masking.database import hot_sql
from masking.database.engine import in_list
from masking.database.schema import person, waybill
from masking.store.rows import credentials

_STAFFED = (
    sa.select(person.c.unit)
    .where(person.c.unit.in_(in_list("units")), person.c.role == Role.OUTLET.value)
    .where(person.c.tenant == sa.bindparam("tenant"), person.c.active.is_(True))
    .distinct()
)
_MERCHANTS = (
    sa.select(person.c.unit)
    .where(person.c.role == Role.MERCHANT.value, person.c.tenant == sa.bindparam("tenant"), person.c.active.is_(True))
    .distinct()
    .limit(2)
)


def has_several_merchants(tx: Connection, tenant: str) -> bool:
    """Whether merchants of more than one unit are enrolled."""
    return len(hot_sql.rows(tx, _MERCHANTS, tenant=tenant)) > 1


def without_numbers(tx: Connection, tenant: str, numbered: Collection[str]) -> list[str]:
    """The merchants' units, of those enrolled, that are not among these."""
    enrolled = person.c.tenant == tenant, person.c.role == Role.MERCHANT.value, person.c.active.is_(True)
    found = tx.execute(sa.select(person.c.unit).where(*enrolled).distinct()).scalars()
    return sorted(set(found) - set(numbered))


def staffed(tx: Connection, tenant: str, units: Collection[str]) -> set[str]:
    """The units among these that have an active person who can scan arrivals."""
    return {unit for (unit,) in hot_sql.rows(tx, _STAFFED, units=sorted(units), tenant=tenant)}


def is_empty_but_for(tx: Connection, newcomer: Actor) -> bool:
    """Whether this person's unit is new, so that enrolling them gives access to nothing that others did there.

    No other person was ever enrolled in the unit, no order was entered for it, and the newcomer has no device and no secret.
    """
    here = (person.c.tenant == newcomer.tenant, person.c.unit == newcomer.unit)
    others = sa.select(person.c.id).where(*here, person.c.id != newcomer.id)
    orders = sa.select(waybill.c.id).where(waybill.c.tenant == newcomer.tenant, waybill.c.merchant == newcomer.unit)
    taken = tx.execute(sa.select(sa.or_(others.exists(), orders.exists()))).scalar_one()
    return not taken and not credentials.is_let_in(tx, newcomer.id)
