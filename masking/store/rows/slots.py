"""Rows of virtual numbers. Every change of a slot's stage is built from the table in `masking.numbers.pool`.

A lease is drawn at a random key of the nearest area (`masking.numbers.pool.reaches`). So a leased number does not say how
many are in use, and a lease costs the same in a pool of any size: writers start at different keys, skip the slots that others
have locked, and read no long run of slots that are in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Role
from masking.database import hot_sql
from masking.database.engine import columns_of, in_list, insert_new
from masking.database.schema import line, person, slot, waybill
from masking.numbers.pool import HELD, LEASE, RANDOM_BITS, REST, Line, Slot, SlotAct, Stage, area_of, reaches, ways
from masking.runtime import World, milliseconds, moment
from masking.store.alarms import raise_alarm
from masking.values.printable import VirtualNumber
from masking.words.alarms import AlarmKind

TIDY = 2000
"""The most slots that one call of `tidy` moves on, so that no lease has to wait for a whole night's slots."""
_DAY = 86_400_000
_HOUR = timedelta(hours=1)
_KEY = ("main", "extension")
_LINES = sa.select(*columns_of(line, Line._fields)).where(line.c.main.in_(in_list("mains")))
_HOLDERS = sa.select(slot.c.main, slot.c.extension, slot.c.waybill).where(
    slot.c.main.in_(in_list("mains")),
    slot.c.extension.in_(in_list("extensions")),  # SQLite scans for pairs, not for these two
    slot.c.waybill.is_not(None),
    slot.c.until >= sa.bindparam("now"),
)
_MERCHANTS = (
    sa.select(person.c.unit).where(person.c.role == Role.MERCHANT.value, person.c.active.is_(True)).distinct().limit(2)
)
_ENDING = (
    sa.select(slot.c.main, slot.c.extension, line.c.rest, waybill.c.prints)
    .select_from(slot)
    .join(line)
    .outerjoin(waybill, waybill.c.id == slot.c.waybill)
)


def add(tx: Connection, of: Line, slots: Sequence[Slot], world: World) -> int:
    """Add slots of a line to the pool, each with a random key. Returns how many were new."""
    insert_new(tx, line, [of._asdict() | {"rest": int(of.rest.total_seconds() * 1000)}], "main")
    free = {"stage": Stage.FREE.value, "waybill": None, "until": None}
    rows = [free | each._asdict() | {"random_key": _random_key(area_of(of.city, of.rest), world)} for each in slots]
    return len(insert_new(tx, slot, rows, "main", "extension"))


def lines(tx: Connection, mains: Collection[str]) -> dict[str, Line]:
    """The lines with these main numbers."""
    mains = [main for main in mains if main.isascii() and main.isdigit()]
    found = hot_sql.rows(tx, _LINES, mains=mains)
    return {row[0]: Line._make(row)._replace(rest=timedelta(milliseconds=row[-1])) for row in found}


def lease(
    tx: Connection,
    cities: Mapping[bytes, str],
    now: datetime,
    world: World,
    *,
    merchants: Mapping[bytes, str] | None = None,
    share: int = 100,
) -> dict[bytes, VirtualNumber]:
    """Lease each waybill a random free slot near the city that it goes to (`reaches`). Some may get none.

    Three shortages raise an alarm: the pool has no free slot (the alarm names the merchant who holds most); a city has lines,
    but none of their slots is free; a merchant would exceed its share. In the first and last case waybills get no number.

    Args:
        tx: a transaction on the data.
        cities: the city of each waybill, "" if it is unknown.
        now: the present.
        world: the source of randomness.
        merchants: the merchant of each waybill.
        share: the most that a merchant may hold, in percent of the free slots and its own.
    """
    merchants = merchants or {}
    cities = _within_shares(tx, cities, merchants, share, now, world)
    if not cities:
        return {}
    lines_ = tx.execute(sa.select(line.c.city, line.c.rest).distinct())
    areas = sorted({area_of(row.city, timedelta(milliseconds=row.rest)) for row in lines_})
    drawn: dict[bytes, Any] = {}
    _draw(tx, cities, areas, world, drawn)
    if len(drawn) < len(cities) and free_rested(tx, now):
        _draw(tx, cities, areas, world, drawn)
    passed = {cities[each] for each, row in drawn.items() if row.random_key >> RANDOM_BITS != area_of(cities[each])}
    for city in sorted(city for city in passed if area_of(city) and area_of(city) in areas):
        raise_alarm(tx, AlarmKind.NUMBERS_ELSEWHERE, city, now, world, at_most_every=_HOUR)
    until = now + LEASE
    rows = [
        {
            "main": row.main,
            "extension": row.extension,
            "waybill": each,
            "merchant": merchants.get(each),
            "until": milliseconds(until),
            "random_key": _random_key(row.random_key >> RANDOM_BITS, world),
        }
        for each, row in drawn.items()
    ]
    _move_each(tx, SlotAct.LEASE, rows)
    if len(drawn) < len(cities):
        raise_alarm(tx, AlarmKind.NUMBERS_DRY, "pool", now, world, partner=_largest_holder(tx), at_most_every=_HOUR)
    return {
        waybill: VirtualNumber(main=row.main, extension=row.extension, expires=until) for waybill, row in drawn.items()
    }


def leases(tx: Connection, waybills: Collection[bytes]) -> dict[bytes, VirtualNumber]:
    """The numbers that these waybills hold."""
    if not waybills:
        return {}
    query = sa.select(slot).where(slot.c.waybill.in_(waybills))
    return {
        row.waybill: VirtualNumber(main=row.main, extension=row.extension, expires=moment(row.until))
        for row in tx.execute(query)
    }


def renew(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """Extend the leases of parcels that are still on their way. A lease is written at most once a day."""
    until = milliseconds(now + LEASE)
    if waybills:
        tx.execute(_move(SlotAct.RENEW, slot.c.waybill.in_(waybills), slot.c.until < until - _DAY, until=until))


def release(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """End leases. A printed number cools down for the time that its line sets; one that was never printed is free at once."""
    if waybills:
        ended = _ENDING.where(slot.c.waybill.in_(waybills))
        _end(tx, tx.execute(ended.order_by(slot.c.main, slot.c.extension).with_for_update(of=slot)), now)


def free_rested(tx: Connection, now: datetime) -> int:
    """Release expired leases, and free numbers that have cooled down: the oldest first, at most `TIDY` of each.

    Returns how many slots were moved.
    """
    past = slot.c.until < milliseconds(now)
    # skip_locked: another worker is moving these
    overdue = _ENDING.where(slot.c.stage.in_(HELD), past)
    overdue = overdue.order_by(slot.c.stage, slot.c.until).limit(TIDY).with_for_update(of=slot, skip_locked=True)
    ended = _end(tx, tx.execute(overdue), now)
    rested = sa.select(slot.c.main, slot.c.extension).where(slot.c.stage == Stage.COOLING, past)
    rows = tx.execute(rested.order_by(slot.c.until).limit(TIDY).with_for_update(skip_locked=True)).all()
    _move_each(tx, SlotAct.REST, [{"main": row.main, "extension": row.extension} for row in rows], "until")
    return ended + len(rows)


def size(tx: Connection) -> int:
    """How many slots are in the pool, without retired ones. Reads the whole pool."""
    in_pool = sa.select(sa.func.count()).select_from(slot).where(slot.c.stage != Stage.RETIRED)
    return tx.execute(in_pool).scalar_one()


def connects_without_asking(tx: Connection) -> bool:
    """Whether a line's provider connects calls without asking the service. Such lines have a longer cool-down."""
    open_line = line.c.rest > int(REST.total_seconds() * 1000)
    return tx.execute(sa.select(line.c.main).where(open_line).limit(1)).first() is not None


def free(tx: Connection, most: int) -> int:
    """How many slots are free. Stops counting at `most`."""
    some = sa.select(slot.c.random_key).where(slot.c.stage == Stage.FREE).limit(most).subquery()
    return tx.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def holders(tx: Connection, numbers: Collection[tuple[str, str]], now: datetime) -> dict[tuple[str, str], bytes]:
    """The waybills that hold these (main number, extension) pairs now."""
    numbers = [pair for pair in numbers if all(part.isascii() and part.isdigit() for part in pair)]
    if not numbers:
        return {}
    mains, extensions = ({pair[part] for pair in numbers} for part in (0, 1))
    rows = hot_sql.rows(tx, _HOLDERS, mains=list(mains), extensions=list(extensions), now=milliseconds(now))
    found = {(main, extension): waybill for main, extension, waybill in rows}
    return {number: found[number] for number in numbers if number in found}


def withdraw(tx: Connection, act: SlotAct, main: str, extensions: Collection[str] | None, now: datetime) -> int:
    """Quarantine, clear or retire slots of one line, all of them if `extensions` is None. Returns how many moved.

    Quarantine ends a lease at once. A retired slot that is leased connects calls until its lease ends.
    """
    of = [slot.c.main == main] if extensions is None else [slot.c.main == main, slot.c.extension.in_(extensions)]
    held = slot.c.stage.in_(HELD) if act is SlotAct.RETIRE else sa.false()
    emptied = ("waybill", "merchant", "until")
    values: dict[str, Any] = {name: sa.case((held, slot.c[name]), else_=sa.null()) for name in emptied}
    if act is SlotAct.CLEAR:
        values["until"] = milliseconds(now) + sa.select(line.c.rest).where(line.c.main == main).scalar_subquery()
    return tx.execute(_move(act, *of, **values)).rowcount


def counts(tx: Connection) -> dict[str, int]:
    """How many slots are in each stage. Reads the whole pool."""
    return {row[0]: row[1] for row in tx.execute(sa.select(slot.c.stage, sa.func.count()).group_by(slot.c.stage))}


def count_by_stage(tx: Connection) -> dict[tuple[str, str, str], int]:
    """How many slots there are, by (provider, city, stage). Reads the whole pool."""
    by = (line.c.provider, line.c.city, slot.c.stage)
    query = sa.select(*by, sa.func.count()).join_from(slot, line).group_by(*by).order_by(*by)
    return {(row[0], row[1], row[2]): row[3] for row in tx.execute(query)}


def _within_shares(
    tx: Connection, cities: Mapping[bytes, str], merchants: Mapping[bytes, str], share: int, now: datetime, world: World
) -> dict[bytes, str]:
    """The waybills that may get a number within their merchants' shares. With one merchant enrolled, all of them."""
    wanted = dict(cities)
    if share >= 100 or not wanted or tx.execute(_MERCHANTS).all()[1:] == []:
        return wanted
    for merchant in sorted(set(merchants.values())):
        own = [each for each in wanted if merchants.get(each) == merchant]
        held = tx.execute(sa.select(sa.func.count()).where(slot.c.merchant == merchant)).scalar_one()
        left = held + free(tx, (held + len(own)) * 100 // share + 1 - held)
        room = max(left * share // 100 - held, 0)
        if len(own) > room:
            raise_alarm(tx, AlarmKind.NUMBERS_SHARE, merchant, now, world, at_most_every=_HOUR)
        for each in own[room:]:
            del wanted[each]
    return wanted


def _largest_holder(tx: Connection) -> str:
    """The merchant who holds most numbers, or "". Reads all numbers that are held."""
    held = sa.select(slot.c.merchant).where(slot.c.merchant.is_not(None)).group_by(slot.c.merchant)
    return tx.execute(held.order_by(sa.func.count().desc(), slot.c.merchant).limit(1)).scalar() or ""


def _draw(
    tx: Connection, cities: Mapping[bytes, str], areas: Sequence[int], world: World, drawn: dict[bytes, Any]
) -> None:
    """Find a free slot for each waybill without one, the nearest reach first. Locks them, and skips those locked by others."""
    plans = {city: reaches(city) for city in set(cities.values())}
    for step in range(len(reaches(""))):
        waiting: dict[range, list[bytes]] = {}
        for each, city in cities.items():
            if each not in drawn:
                waiting.setdefault(plans[city][step].areas, []).append(each)
        for reach, those in waiting.items():
            if there := [area for area in areas if area in reach]:
                start = there[int.from_bytes(world.entropy(4), "big") % len(there)]
                found = _free(tx, reach, _random_key(start, world), len(those), drawn.values())
                drawn |= dict(zip(those, found, strict=False))


def _free(tx: Connection, areas: range, start: int, many: int, but: Collection[Any]) -> list[Any]:
    """Free slots of these areas, from a random key on and wrapping around at the end, without those drawn already."""
    gone = {row for row in but if row.random_key >> RANDOM_BITS in areas}
    found: list[Any] = []
    for first, end in ((start, areas.stop << RANDOM_BITS), (areas.start << RANDOM_BITS, start)):
        if len(found) < many:
            part = (slot.c.stage == Stage.FREE, slot.c.random_key >= first, slot.c.random_key < end)
            query = sa.select(slot.c.main, slot.c.extension, slot.c.random_key).where(*part).order_by(slot.c.random_key)
            rows = tx.execute(query.limit(many - len(found) + len(gone)).with_for_update(skip_locked=True))
            found += [row for row in rows if row not in gone]
    return found[:many]


def _end(tx: Connection, ending: Iterable[Any], now: datetime) -> int:
    """End these leases, which are rows of `_ENDING`. Returns how many."""
    unprinted, printed = [], []
    for row in ending:
        this = {"main": row.main, "extension": row.extension}
        if row.prints:
            printed.append(this | {"until": milliseconds(now) + row.rest})
        else:
            unprinted.append(this)
    _move_each(tx, SlotAct.RETURN_UNPRINTED, unprinted, "waybill", "merchant", "until")
    _move_each(tx, SlotAct.RELEASE, printed, "waybill", "merchant")
    return len(unprinted) + len(printed)


def _move(act: SlotAct, *where: sa.ColumnElement[bool], **values: Any) -> sa.Update:
    """The statement that moves slots as `pool.TRANSITIONS` allows. Slots in other stages stay as they are."""
    led = ways(act)
    stage = sa.case({before.value: after.value for before, after in led.items()}, value=slot.c.stage)
    return (
        slot.update().where(sa.or_(*(slot.c.stage == before for before in led)), *where).values(stage=stage, **values)
    )


def _move_each(tx: Connection, act: SlotAct, rows: Sequence[Mapping[str, Any]], *cleared: str) -> None:
    """Move these slots. Each row holds a slot's key and the columns to set; `cleared` names columns to empty in all of them."""
    if rows:
        of = [{f"of_{name}": value for name, value in row.items()} for row in rows]
        hot_sql.write(tx, _moving(act, tuple(rows[0]), cleared), of)


@cache
def _moving(act: SlotAct, names: tuple[str, ...], cleared: tuple[str, ...]) -> sa.Update:
    given: dict[str, Any] = {name: sa.bindparam(f"of_{name}") for name in names}
    these = sa.and_(*(slot.c[name] == given.pop(name) for name in _KEY))
    return _move(act, these, **given, **dict.fromkeys(cleared))


def _random_key(area: int, world: World) -> int:
    return area << RANDOM_BITS | int.from_bytes(world.entropy(RANDOM_BITS // 8), "big")
