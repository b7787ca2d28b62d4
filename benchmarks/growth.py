"""What grows with a deployment, and what must not: opening it, a page of `find`, the orphan sweep, and the nightly run.

At 10,000 and 100,000 waybills on a real, durable PostgreSQL (1,000,000 with `LONG=1`). One waybill is made by the product's
own step and copied by SQL: a tenth falls due for destruction, a tenth for sealing away, three tenths are tombstones, and all
have the same sender. Figures of time are of this machine; `..._ratio` is that of a size to a tenth of it, and the bench
fails if a run did not retire exactly what was due. Copies have no scans, assignments, numbers or leaves of their own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.measure import once
from masking.access.people import Actor, Role
from masking.database import schema
from masking.database.key_schema import destruction, wrap
from masking.deployment import OPERATOR, SHOP, create, open_folder
from masking.runtime import World, milliseconds
from masking.steps.checkout import Checkout, checkout
from masking.steps.find import Find, find
from masking.store.store import Settings, Store
from masking.upkeep import orphans
from masking.upkeep.retention_run import nightly
from masking.values.plaintext import Order, Party, Plain
from tests.support import postgresql

SIZES = (10_000, 100_000, 1_000_000) if os.environ.get("LONG") else (10_000, 100_000)
WORLD = World()
SENDER = "13700000002"
_ID = "decode(lpad(to_hex({base} + g), 12, '0') || substr(md5('w' || g), 1, 20), 'hex')"
_INDEX = "decode(md5('a' || g) || md5('b' || g), 'hex')"


def main() -> int:
    """Measure each size and print the figures; 1 if a run retired something else than what was due."""
    before: dict[str, float] = {}
    with postgresql.server(durable=True) as socket, tempfile.TemporaryDirectory(prefix="bench-") as place:
        for size in SIZES:
            folder = Path(place) / str(size)
            addresses = (postgresql.create(socket, f"data{size}"), postgresql.create(socket, f"keys{size}"))
            create(folder, WORLD, Settings(demo=True, lease_at_print=False), addresses=addresses)
            with closing(open_folder(folder, WORLD)) as store:
                _fill(store, size)
                seconds, right = _measured(folder, store, size)
            for figure, value in seconds.items():
                once(f"{figure}_at_{size}", value, "s")
                if figure in before:
                    once(f"{figure}_ratio", value / before[figure], "ratio")
            if not right:
                print(f"at {size} the run did not retire what was due", file=sys.stderr)
                return 1
            before = seconds
    return 0


def _measured(folder: Path, store: Store, size: int) -> tuple[dict[str, float], bool]:
    """Seconds by figure, and whether a tenth was destroyed and a tenth sealed away."""
    merchant = Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP)
    asked = [Find(merchant=merchant, phone=Plain(SENDER))]
    seconds = {
        "open": _best(lambda: open_folder(folder, WORLD, must_exist=True).close()),
        "find": _best(lambda: find(WORLD, store, asked)),
        "sweep": _best(lambda: orphans.sweep(store, WORLD.now()), times=1),
    }
    operator = Actor(id=OPERATOR, tenant=store.settings.tenant, role=Role.OPERATOR, unit=OPERATOR)
    began = time.perf_counter()
    done = {line.what: line.times for line in nightly(WORLD, store, operator)}
    seconds["nightly"] = time.perf_counter() - began
    return seconds, done["waybills destroyed"] == done["waybills sealed away"] == size // 10


def _best(work: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _fill(store: Store, size: int) -> None:
    """Copy one waybill so often, with the wraps and destructions that go with it."""
    merchant = Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP)
    order = Order(
        recipient=Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"),
        sender=Party(name="样例店", phone=SENDER, address="浙江省杭州市西湖区文三路90号5号楼301室"),
        reference="T-1",
    )
    checkout(WORLD, store, [Checkout(merchant=merchant, order=order)])
    now = WORLD.now()
    long_ago, base = milliseconds(now - timedelta(days=400)), milliseconds(now - timedelta(hours=2)) - size
    identity, dead = _ID.format(base=base), "g % 10 IN (2, 3, 4)"
    empty = {name: f"CASE WHEN {dead} THEN NULL ELSE {name} END" for name in ("masked", "content_mac", "sender_index")}
    with store.data.begin() as tx:
        values = empty | {
            "id": identity,
            "reference": f"CASE WHEN {dead} THEN NULL ELSE 'G-' || g END",
            "recipient_index": f"CASE WHEN {dead} THEN NULL ELSE {_INDEX} END",
            "state": f"CASE WHEN g % 10 = 0 THEN 'sealed_away' WHEN {dead} THEN 'destroyed' ELSE state END",
            "delivered": f"CASE WHEN g % 10 < 5 THEN {long_ago}::bigint END",
            "sealed_away": f"CASE WHEN g % 10 = 0 THEN {long_ago}::bigint END",
            "destroyed": f"CASE WHEN {dead} THEN {long_ago}::bigint + g * 20 END",
        }
        _copy(tx, schema.waybill, size, values)
        _copy(tx, schema.sealed, size, {"waybill": identity}, f"NOT {dead}")
    with store.keys.engine.begin() as tx:
        online = "CASE WHEN g % 10 = 0 THEN NULL ELSE online END"
        _copy(tx, wrap, size, {"waybill": identity, "online": online}, f"NOT {dead}")
        row = {"waybill": identity, "at": f"{long_ago}::bigint + g * 20", "actor": "'bench'", "reason": "'retention'"}
        row["finished"] = f"{long_ago}::bigint + g * 20"
        _insert(tx, destruction, row, f"generate_series(1, {size}) AS g WHERE {dead}")
    for engine in (store.data, store.keys.engine):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _copy(tx: sa.Connection, table: sa.Table, size: int, values: dict[str, str], which: str = "TRUE") -> None:
    columns = {each.name: values.get(each.name, f"one.{each.name}") for each in table.columns}
    one = f"(SELECT * FROM {table.name} LIMIT 1) AS one"
    _insert(tx, table, columns, f"{one}, generate_series(1, {size}) AS g WHERE {which}")


def _insert(tx: sa.Connection, table: sa.Table, values: dict[str, Any], source: str) -> None:
    names, expressions = ", ".join(values), ", ".join(values.values())
    tx.execute(sa.text(f"INSERT INTO {table.name} ({names}) SELECT {expressions} FROM {source}".replace(":", r"\:")))


if __name__ == "__main__":
    sys.exit(main())
