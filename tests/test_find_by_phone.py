"""What other merchants have sent to a person has no part in the answer to a merchant's question, nor in its time."""

from __future__ import annotations

import sqlalchemy as sa

from masking.database import schema
from masking.steps.checkout import Checkout, checkout
from masking.steps.find import Find, find
from masking.store.rows import waybills
from masking.values.plaintext import Plain
from tests.support.people import RIVAL, SHOP, TENANT


def test_find_by_phone_reads_the_merchants_own_rows_only(world, store, order):
    for n in range(3):
        checkout(world, store, [Checkout(merchant=RIVAL, order=order(f"R-{n}"))])
    checkout(world, store, [Checkout(merchant=SHOP, order=order("S-1"))])
    phone = Plain("13800000001")
    [mine], [theirs] = (find(world, store, [Find(merchant=who, phone=phone)]) for who in (SHOP, RIVAL))
    assert [waybill.reference for waybill in mine] == ["S-1"]
    assert {waybill.reference for waybill in theirs} == {"R-0", "R-1", "R-2"}
    with store.transaction() as tx:
        indexes = list(tx.execute(sa.select(schema.waybill.c.recipient_index).distinct()).scalars())
        assert [
            record.reference for record in waybills.by_person(tx, TENANT, SHOP.unit, indexes, after=b"", limit=9)
        ] == ["S-1"]


def test_both_parts_of_the_query_use_an_index_with_the_merchant(world, store):
    if store.data.dialect.name != "sqlite":
        return  # a small table is read as a whole there; the index is the same
    asked = []
    sa.event.listen(store.data, "before_cursor_execute", lambda _c, _k, text, values, *_: asked.append((text, values)))
    with store.transaction() as tx:
        waybills.by_person(tx, TENANT, SHOP.unit, [bytes(16)], after=b"", limit=9)
        for column in ("recipient", "sender"):
            text, values = next(each for each in asked if f"{column}_index = " in each[0])
            plan = " ".join(str(row[-1]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
            assert f"ix_waybill_{column}_index_merchant_id ({column}_index=? AND merchant=? AND id>?)" in plan
            assert "SCAN waybill" not in plan
