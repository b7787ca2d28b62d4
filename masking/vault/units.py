"""Which units there are: those of this carrier at which somebody is enrolled who takes parcels in."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Role
from masking.vault import direct
from masking.vault.engine import among
from masking.vault.schema import person

_STAFFED = (
    sa.select(person.c.unit)
    .where(person.c.unit.in_(among("units")), person.c.role == Role.OUTLET.value)
    .where(person.c.tenant == sa.bindparam("tenant"), person.c.active.is_(True))
    .distinct()
)


def staffed(tx: Connection, tenant: str, units: Collection[str]) -> set[str]:
    """Those of these units where somebody can scan an arrival."""
    return {unit for (unit,) in direct.rows(tx, _STAFFED, units=sorted(units), tenant=tenant)}
