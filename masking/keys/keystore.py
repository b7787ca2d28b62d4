"""The key store: all keys except the root, in a database of its own that is never part of a data backup.

Each waybill's key is wrapped twice, by its day's online key and its day's archive key (FORMAT.md section 3). Sealing a waybill
away deletes the online wrap. Destroying it deletes both wraps and adds the waybill to the list of destructions. New wraps are
committed before the data that needs them, so that a crash can leave a wrap without data, but no data without a wrap. The
module `lifecycle` rotates, revokes and deletes keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from masking.crypto import archive
from masking.crypto.keys import DayWrapper, KeySource
from masking.database import hot_sql
from masking.database.engine import in_list, insert_new, reading, transaction, truncate_log
from masking.database.key_schema import destruction, stored_key, wrap
from masking.errors import IntegrityError
from masking.keys import root_record
from masking.runtime import World, day_of, milliseconds, week_of

ROW_KEY = ("row", "1")
"""Purpose and name of the key for the MACs of rows and of copies. It lives as long as the deployment."""

DAY_KEYS: tuple[Literal["online", "archive"], ...] = ("online", "archive")
"""The purposes whose keys wrap new waybill keys. Each has one key a day, and another if that is revoked or closed."""

MEMORY = timedelta(seconds=10)
"""How long opened keys stay in memory. A key that another process revokes or deletes can be used here for that long."""


_ONLINE = sa.select(wrap.c.waybill, wrap.c.generation, wrap.c.tenant, wrap.c.online_key, wrap.c.online).where(
    wrap.c.waybill.in_(in_list("ids")), wrap.c.online.is_not(None)
)


class Generation(NamedTuple):
    """A waybill and the number of its key. An amended order gets a new key."""

    waybill: bytes
    number: int


class OnlineWrap(NamedTuple):
    """A waybill's key wrapped by an online key, and the name of the online key."""

    waybill: bytes
    generation: int
    tenant: str
    online_key: str
    online: bytes


class Destruction(NamedTuple):
    """One entry of the list of destructions: the waybill, who destroyed it, and why."""

    waybill: bytes
    actor: str
    reason: str


class KeyStore:
    """Keys by purpose and name, wrapped by the root, and the wraps of waybill keys.

    Time and randomness come with each call. A root that another process rotated is noticed, and the new one is used.

    Attributes:
        source: the current root, as this process last read it.
        other_roots: returns the roots that this process can open, for the case that the current one has changed.
    """

    def __init__(self, engine: Engine, source: KeySource) -> None:
        self.engine = engine
        self.source = source
        self.other_roots: Callable[[], Iterable[KeySource]] = tuple
        self._root: bytes | None = None
        self._opened: dict[tuple[str, str], bytes] = {}
        self._wrappers: dict[str, DayWrapper] = {}
        self._names: dict[str, list[str]] = {}
        self.ended: dict[str, frozenset[bytes]] = {}
        """The entries that `masking.keys.ended_access` has cached. They are dropped with the opened keys."""
        self._since: datetime | None = None

    def forget(self) -> None:
        """Drop all opened keys from memory. They are read again when they are needed."""
        self._opened.clear()
        self._wrappers.clear()
        self._names.clear()
        self.ended.clear()

    def key(self, purpose: str, name: str, world: World, now: datetime, *, size: int = 32) -> bytes:
        """The key of that name. It is made on first use, and committed before this returns."""
        self._age(now)
        known = self.existing(purpose, name)
        if known:
            return known
        self.put(purpose, name, world.entropy(size), world, now)
        made = self.existing(purpose, name)  # another worker may have been first
        if made is None:
            raise IntegrityError(f"the {purpose} key of that name was deleted, and a name is not used twice")
        return made

    def put(self, purpose: str, name: str, key: bytes, world: World, now: datetime) -> None:
        """Store a key under a new name. An archive key is also sealed to the offline public key."""
        archived = sealed_to = None
        if purpose == "archive":
            sealed_to, public = self.offline_public()
            archived = archive.seal_day_key(public, name, key)
        row = {
            "purpose": purpose,
            "name": name,
            "archived": archived,
            "sealed_to": sealed_to,
            "created": milliseconds(now),
            "revoked": None,
            "died": None,
        }
        with transaction(self.engine) as connection:
            self.lock_root(connection, world)
            row["wrapped"] = self.source.wrap(f"{purpose}/{name}", key, world.entropy)
            insert_new(connection, stored_key, [row])
        self._names.pop(purpose, None)

    def existing(self, purpose: str, name: str) -> bytes | None:
        """The key of that name, or None if it does not exist or its usable copy is deleted."""
        known = self._opened.get((purpose, name))
        if known:
            return known
        before = self._root
        try:
            key = self._read(purpose, name)
        except IntegrityError:
            with reading(self.engine) as connection:
                current = root_record.read(connection)
            if current is None or current.id == before:
                raise
            self._follow(current)
            key = self._read(purpose, name)
        if key is not None:
            self._opened[purpose, name] = key
        return key

    def _read(self, purpose: str, name: str) -> bytes | None:
        query = sa.select(stored_key.c.wrapped).where(stored_key.c.purpose == purpose, stored_key.c.name == name)
        with reading(self.engine) as connection:
            wrapped = connection.execute(query).scalar()
        return None if wrapped is None else self.source.unwrap(f"{purpose}/{name}", wrapped)

    def lock_root(self, tx: Connection, world: World, *, alone: bool = False) -> None:
        """Make `source` the current root and lock that until the transaction ends. `alone` also blocks new keys.

        Raises:
            IntegrityError: this process can open none of the roots, or the record of the root is missing.
        """
        current = root_record.read(tx, lock="update" if alone else "share")
        if current is None:
            if tx.execute(sa.select(stored_key.c.name).limit(1)).first():
                raise IntegrityError(
                    "the key store holds keys, but no record of the root that wraps them. Restore a copy of the key store"
                )
            root_record.record_first(tx, root_record.named(self.source, world))
            current = root_record.read(tx, lock="share")
        if current and current.id != self._root:
            self._follow(current)

    def _follow(self, current: root_record.Root) -> None:
        for source in (self.source, *self.other_roots()):
            if current.is_opened_by(source):
                self.source, self._root = source, current.id
                self.forget()
                return
        raise IntegrityError(
            "the root key was rotated, and no root key of this deployment's folder is the current one. Copy root.key from "
            "the machine where it was rotated"
        )

    def check_root(self) -> None:
        """Open a key with the root, even if that key is cached.

        Raises:
            RootUnavailableError: the token that holds the root does not answer.
            IntegrityError: another root wrapped this key.
        """
        purpose, name = "sign", "ledger"
        self._opened.pop((purpose, name), None)
        self.existing(purpose, name)

    def names(self, purpose: str) -> list[str]:
        """The names of a purpose's usable and unrevoked keys, oldest first."""
        known = self._names.get(purpose)
        if known is not None:
            return known
        usable = (stored_key.c.purpose == purpose, stored_key.c.wrapped.is_not(None), stored_key.c.revoked.is_(None))
        query = sa.select(stored_key.c.name).where(*usable).order_by(stored_key.c.created, stored_key.c.name)
        with reading(self.engine) as connection:
            found = list(connection.execute(query).scalars())
        self._names[purpose] = found  # the cache is not read here: another thread may empty it at any moment
        return found

    def offline_public(self) -> tuple[str, bytes]:
        """The name and public half of the current offline key, authenticated by the root."""
        name = max(self.names("offline"), key=int, default="")
        public = self.existing("offline", name)
        if public is None:
            raise IntegrityError("the key store has no offline key. Restore a copy of the key store")
        return name, public

    def label_keys(self, world: World, now: datetime) -> dict[int, bytes]:
        """The keys that open label codes, by key id (FORMAT.md section 4). The highest id writes new codes."""
        self._age(now)
        if not self.names("label"):
            self.key("label", self.next_name("label"), world, now, size=64)
        keys = {int(name): self.existing("label", name) for name in self.names("label")}
        return {key_id: key for key_id, key in keys.items() if key}

    def next_name(self, purpose: str, stem: str = "") -> str:
        """The first unused name: `1`, `2` and so on, or for a day as `stem` the day itself, `day.2` and so on."""
        query = sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose)
        with reading(self.engine) as connection:
            taken = set(connection.execute(query.where(stored_key.c.name.startswith(stem))).scalars())
        numbers = range(1, len(taken) + 2)
        names = [f"{stem}.{n}" if n > 1 else stem for n in numbers] if stem else [str(n) for n in numbers]
        return next(name for name in names if name not in taken)

    def day_name(self, purpose: Literal["online", "archive"], world: World, now: datetime) -> str:
        """The name of the key that wraps new keys today: the newest usable one of the day. Makes one if it is missing."""
        self._age(now)
        day = day_of(now)
        today = [name for name in self.names(purpose) if name.startswith(day)]
        if not today:
            today = [self.next_name(purpose, day)]
            self.key(purpose, today[0], world, now)
        return max(today, key=lambda name: (len(name), name))

    def try_today(self, world: World, now: datetime) -> None:
        """Check that keys of new waybills can be wrapped today.

        Raises:
            IntegrityError: a key of today does not open, or the root is not the current one.
        """
        for purpose in DAY_KEYS:
            self.key(purpose, self.day_name(purpose, world, now), world, now)

    def person_keys(self) -> dict[str, bytes]:
        """The usable keys of the person index, by day."""
        keys = {day: self.existing("person", day) for day in self.names("person")}
        return {day: key for day, key in keys.items() if key}

    def merge_key(self, tenant: str, merchant: str, world: World, now: datetime) -> bytes:
        """The key of a merchant's merge references in this week."""
        return self.key("merge", f"{tenant}:{merchant}:{week_of(now)}", world, now)

    def add_wraps(self, tenant: str, generations: Sequence[Generation], world: World, now: datetime) -> list[bytes]:
        """Make a key for each generation and return them in order. Both wraps are committed before this returns."""
        if not generations:
            return []
        made = [world.entropy(32) for _ in generations]
        while True:
            name, archive_name = self.day_name("online", world, now), self.day_name("archive", world, now)
            online = DayWrapper("online", name, self.key("online", name, world, now))
            archived = DayWrapper("archive", archive_name, self.key("archive", archive_name, world, now))
            rows = [
                {
                    "waybill": record,
                    "generation": number,
                    "tenant": tenant,
                    "online_key": name,
                    "online": online.wrap(tenant, record, number, key, world.entropy),
                    "archive_key": archive_name,
                    "archive": archived.wrap(tenant, record, number, key, world.entropy),
                }
                for (record, number), key in zip(generations, made, strict=True)
            ]
            with transaction(self.engine) as connection:
                if _in_use(connection, "online", name) and _in_use(connection, "archive", archive_name):
                    connection.execute(wrap.insert(), rows)
                    return made
            self.forget()  # one was revoked or closed since it was read, so that the next attempt uses its successor

    def online_wraps(self, wanted: Iterable[Generation]) -> dict[bytes, OnlineWrap]:
        """The online wraps of these generations, by waybill. Sealed away and destroyed waybills have none. Opens no key."""
        generations = dict(wanted)
        if not generations:
            return {}
        with reading(self.engine) as connection:
            found = [OnlineWrap(*row) for row in hot_sql.rows(connection, _ONLINE, ids=list(generations))]
        return {each.waybill: each for each in found if each.generation == generations[each.waybill]}

    def unwrap(self, wrapped: OnlineWrap) -> bytes:
        """The waybill key inside an online wrap.

        Raises:
            IntegrityError: the wrap does not open, or the waybill has no online wrap any more.
        """
        day_key = self.existing("online", wrapped.online_key)
        if day_key is None:  # the wrap was moved to another key since it was read
            now_wrapped = self.online_wraps([Generation(wrapped.waybill, wrapped.generation)]).get(wrapped.waybill)
            day_key = self.existing("online", now_wrapped.online_key) if now_wrapped else None
            if now_wrapped is None or day_key is None:
                raise IntegrityError("the online key of a wrap is deleted. Restore a copy of the key store that has it")
            wrapped = now_wrapped
        wrapper = self._wrappers.get(wrapped.online_key)
        if wrapper is None:
            wrapper = self._wrappers[wrapped.online_key] = DayWrapper("online", wrapped.online_key, day_key)
        return wrapper.unwrap(wrapped.tenant, wrapped.waybill, wrapped.generation, wrapped.online)

    def drop_other_generations(self, kept: Iterable[Generation]) -> int:
        """Delete the wraps of other generations than these, which the data no longer needs. Returns how many."""
        dropped = 0
        with transaction(self.engine) as connection:
            for record, number in kept:
                done = connection.execute(wrap.delete().where(wrap.c.waybill == record, wrap.c.generation != number))
                dropped += done.rowcount
        return dropped

    def seal_away(self, records: Sequence[bytes]) -> None:
        """Delete the online wraps, so that only the offline key opens these waybills."""
        if not records:
            return
        with transaction(self.engine) as connection:
            connection.execute(wrap.update().where(wrap.c.waybill.in_(records)).values(online=None))
        truncate_log(self.engine)

    def destroy(self, gone: Sequence[Destruction], now: datetime) -> None:
        """Delete both wraps, and add the waybills to the list of destructions, in one transaction."""
        if not gone:
            return
        rows = [entry._asdict() | {"at": milliseconds(now), "finished": None} for entry in gone]
        with transaction(self.engine) as connection:
            insert_new(connection, destruction, rows)
            connection.execute(wrap.delete().where(wrap.c.waybill.in_([entry.waybill for entry in gone])))
        truncate_log(self.engine)

    def unfinished(self) -> list[Destruction]:
        """Destructions whose rows in the data may not be erased because of a crash, oldest first."""
        columns = (destruction.c.waybill, destruction.c.actor, destruction.c.reason)
        query = sa.select(*columns).where(destruction.c.finished.is_(None)).order_by(destruction.c.at)
        with reading(self.engine) as connection:
            return [Destruction(*row) for row in connection.execute(query)]

    def finish(self, records: Sequence[bytes], now: datetime) -> None:
        """Record that the rows of these destroyed waybills are erased from the data, too."""
        if records:
            with transaction(self.engine) as connection:
                connection.execute(
                    destruction.update().where(destruction.c.waybill.in_(records)).values(finished=milliseconds(now))
                )

    def _age(self, now: datetime) -> None:
        if self._since is None or not timedelta(0) <= now - self._since < MEMORY:
            self.forget()
            self._since = now


def _in_use(connection: Connection, purpose: str, name: str) -> bool:
    """Whether a key may still wrap new keys. The answer holds until the transaction ends."""
    usable = (stored_key.c.wrapped.is_not(None), stored_key.c.revoked.is_(None))
    query = sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose, stored_key.c.name == name, *usable)
    return connection.execute(query.with_for_update(read=True)).first() is not None
