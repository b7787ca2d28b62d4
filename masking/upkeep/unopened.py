"""Finds active waybills that can't be opened, because their wrap is missing or does not open.

After a failover or a restored dump, a key store that is older than the data lacks the keys of later orders. Their rows look
right, so that only opening each wrap reveals it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from masking.database.engine import in_list, reading
from masking.database.schema import waybill
from masking.errors import IntegrityError
from masking.keys.keystore import Generation, KeyStore
from masking.runtime import World
from masking.store.store import PAGE, Store
from masking.values.states import State

NEWEST, WINDOWS, WINDOW = 1000, 10, 100
"""A sample: the newest waybills, which an old key store lacks first, and as many from random times."""

_ID = waybill.c.id
_ACTIVE = sa.select(_ID, waybill.c.generation).where(waybill.c.state == State.ACTIVE.value).order_by(_ID)
_AFTER = _ACTIVE.where(sa.bindparam("after") < _ID).limit(sa.bindparam("limit"))
_THESE = _ACTIVE.where(_ID.in_(in_list("ids")))
_NEWEST = _ACTIVE.order_by(None).order_by(_ID.desc()).limit(NEWEST)


def unopened(store: Store, sampled_by: World | None = None) -> tuple[int, list[bytes]]:
    """Try to open the wraps of all active waybills, or of a sample. Returns how many were tried, and those that failed.

    Raises:
        UnavailableError: a database did not answer.
    """
    tried = 0
    wrong: list[bytes] = []
    for page in _sample(store.data, sampled_by) if sampled_by else active_pages(store.data):
        closed = _closed(store.keys, page)
        if closed:  # the others were amended, sealed away or destroyed since the page was read
            closed = _closed(store.keys, _rows(store.data, _THESE, ids=[each.waybill for each in closed]))
        tried, wrong = tried + len(page), wrong + [each.waybill for each in closed]
    return tried, wrong


def active_pages(data: Engine) -> Iterator[Sequence[Generation]]:
    """Every active waybill with the number of its key, in pages, in order of the ids."""
    last = b""
    while page := _rows(data, _AFTER, after=last, limit=PAGE):
        yield page
        last = page[-1].waybill


def _sample(data: Engine, world: World) -> Iterator[Sequence[Generation]]:
    newest = _rows(data, _NEWEST)
    found = dict.fromkeys(newest)
    if len(newest) == NEWEST:
        first, last = (_milliseconds(each) for each in (_rows(data, _AFTER, after=b"", limit=1)[0], newest[0]))
        for _ in range(WINDOWS):
            place = first + int.from_bytes(world.entropy(8), "big") % (last - first + 1)
            found |= dict.fromkeys(_rows(data, _AFTER, after=place.to_bytes(6, "big"), limit=WINDOW))
    yield list(found)


def _milliseconds(made: Generation) -> int:
    return int.from_bytes(made.waybill[:6], "big")


def _closed(keys: KeyStore, page: Sequence[Generation]) -> list[Generation]:
    """The waybills whose online wrap is missing or does not open."""
    wraps = keys.online_wraps(page)
    closed = []
    for each in page:
        wrapped = wraps.get(each.waybill)
        try:
            opens = wrapped is not None and bool(keys.unwrap(wrapped))
        except IntegrityError:
            opens = False
        if not opens:
            closed.append(each)
    return closed


def _rows(data: Engine, query: sa.Select[Any], **values: object) -> list[Generation]:
    with reading(data) as tx:
        return [Generation(*row) for row in tx.execute(query, values)]
