"""The ledger against the least that could be called one: a chain in which each hash covers the one before.

`ledger_append_over_chain`: from leaf bytes to every hash that is kept, in memory; a tree makes two hashes a leaf and the
chain one, so below 2 is not to be had. `ledger_stored_over_chain`: the same acts with their rows, in SQLite, where the
ledger also places and signs them. `ledger_verified_per_second`: recomputing a whole ledger, rows, hashes, signatures.
"""

from __future__ import annotations

import tempfile
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from benchmarks.measure import rate, ratio
from masking.crypto.keys import FileKeySource
from masking.journal import journal
from masking.ledger.log import Leaf, encode
from masking.ledger.tree import Tree, stored
from masking.runtime import World
from masking.store.store import Settings, Store, create_keys

LEAVES = 500
WORLD = World()
START = sha256(b"").digest()


def leaves() -> list[Leaf]:
    """Grants, as resolve writes them."""
    now = WORLD.now()
    return [
        Leaf(
            id=WORLD.record_id(now),
            at=now,
            kind="grant",
            actor="sh-01-courier-7",
            subject=WORLD.entropy(16),
            detail={"purpose": "deliver"},
        )
        for _ in range(LEAVES)
    ]


def chained(bodies: list[bytes]) -> list[bytes]:
    """The chain: a hash a leaf."""
    hashes, above = [], START
    for body in bodies:
        above = sha256(above + body).digest()
        hashes.append(above)
    return hashes


def in_memory() -> None:
    """The hashes alone."""
    bodies = [encode(leaf) for leaf in leaves()]
    if len(Tree().append(bodies)) != stored(LEAVES):
        raise SystemExit("the tree keeps another number of hashes than it should")
    ratio("ledger_append_over_chain", lambda: Tree().append(bodies), lambda: chained(bodies), rounds=200)


def in_sqlite(folder: Path) -> None:
    """The rows too; both sides encode their leaves and commit once for all of them."""
    source = FileKeySource.create(folder / "root.key", WORLD.entropy)
    store = Store.open(f"sqlite:///{folder}/data", f"sqlite:///{folder}/keys", source, Settings())
    create_keys(store, WORLD)
    chain = sa.Table(
        "chain",
        sa.MetaData(),
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("subject", sa.LargeBinary(16), index=True),
        sa.Column("body", sa.LargeBinary),
        sa.Column("hash", sa.LargeBinary(32)),
    )
    chain.create(store.data)

    def ledger() -> None:
        with store.transaction() as tx:
            journal.append(tx, leaves())
        journal.sequence(WORLD, store)

    def plain() -> None:
        made = leaves()
        bodies = [encode(leaf) for leaf in made]
        rows = [
            {"id": leaf.id, "subject": leaf.subject, "body": body, "hash": above}
            for leaf, body, above in zip(made, bodies, chained(bodies), strict=True)
        ]
        with store.transaction() as tx:
            tx.execute(chain.insert(), rows)

    ratio("ledger_stored_over_chain", ledger, plain, rounds=30)
    report = journal.verify(store)
    if report.fault or report.waiting or report.size < 10 * LEAVES:
        raise SystemExit("the ledger that was measured does not verify")
    rate("ledger_verified_per_second", lambda: journal.verify(store), report.size, "leaves/s", rounds=5)
    store.close()


if __name__ == "__main__":
    in_memory()
    with tempfile.TemporaryDirectory() as place:
        in_sqlite(Path(place))
