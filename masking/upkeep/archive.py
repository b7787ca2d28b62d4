"""Opens one sealed-away waybill with the offline key, for a reason, which is in the ledger before a field is shown.

Run it on a machine without a network that holds the data, the key store, the root and, for that time, the offline key.
"""

from __future__ import annotations

import sqlalchemy as sa

from masking.crypto import archive
from masking.crypto.keys import DayWrapper
from masking.crypto.seal import open_fields
from masking.database.engine import reading
from masking.database.key_schema import stored_key, wrap
from masking.errors import InputError, IntegrityError, RefusedError, UnknownWaybillError
from masking.journal import journal
from masking.keys.keystore import Generation, KeyStore
from masking.runtime import World
from masking.store.rows import waybills
from masking.store.store import Store
from masking.values.plaintext import FIELDS, Plain
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule

REASONS = frozenset({"dispute", "inquiry", "claim", "authority-request", "recipient-request"})
"""The reasons for opening a waybill again. The list is closed, so that no personal data gets into the ledger."""


def open_archived(
    world: World, store: Store, private: bytes, waybill: bytes, *, actor: str, reason: str
) -> dict[str, Plain]:
    """All fields of one sealed-away waybill. `private` is the 32-byte private half of the offline key.

    Raises:
        InputError: the reason is not one of `REASONS`.
        UnknownWaybillError: the waybill does not exist, or is destroyed.
        RefusedError: the waybill is not sealed away, so that couriers with a duty open its fields.
        IntegrityError: the day was sealed to another offline key, or a stored value was changed.
    """
    if reason not in REASONS:
        raise InputError("reason", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(sorted(REASONS))}")
    now = world.now()
    with store.transaction() as tx:
        record = waybills.by_id(tx, [waybill]).get(waybill)
        if record is None or record.state == State.DESTROYED:
            raise UnknownWaybillError
        if record.state != State.SEALED_AWAY:
            raise RefusedError(Reason.NOT_SEALED_AWAY, state=record.state)
        key = _archived_key(store.keys, private, record.key)
        sealed = waybills.sealed_fields(tx, [waybill], FIELDS).get(waybill)
        if sealed is None:
            raise IntegrityError(
                "the sealed fields of the waybill are missing. Restore a copy of the data that has them"
            )
        opened = open_fields(key, record.tenant, waybill, sealed)
        journal.append(tx, [store.leaf(world, now, LedgerKind.ARCHIVE_OPEN, actor, waybill, reason=reason)])
    return opened


def _archived_key(keys: KeyStore, private: bytes, generation: Generation) -> bytes:
    day = (stored_key.c.purpose == "archive") & (stored_key.c.name == wrap.c.archive_key)
    columns = (wrap.c.tenant, wrap.c.archive_key, wrap.c.archive, stored_key.c.archived)
    mine = (wrap.c.waybill == generation.waybill, wrap.c.generation == generation.number)
    with reading(keys.engine) as connection:
        row = connection.execute(sa.select(*columns).join(stored_key, day).where(*mine)).first()
    if row is None or row.archived is None:
        raise UnknownWaybillError  # its keys are destroyed, and its rows will be, too
    day_key = archive.open_day_key(private, row.archive_key, row.archived)
    return DayWrapper("archive", row.archive_key, day_key).unwrap(row.tenant, *generation, row.archive)
