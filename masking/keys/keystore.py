"""The key store: every key but the root, in a database of its own that is never in a data backup.

Each waybill's key is wrapped twice, under its day's online key and its day's archive key (FORMAT.md section 3). To seal
away is to delete the online wrap; to destroy is to delete both, and to write the waybill on the destruction list. New
wraps are committed here before the data that needs them, so a crash leaves an orphan here and never a hole there. How
keys are rotated, revoked and die is in `lifecycle`.
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
"""Purpose and name of the key for the MACs of rows and of copies; it lives as long as the deployment."""

DAY_KEYS: tuple[Literal["online", "archive"], ...] = ("online", "archive")
"""The purposes whose keys wrap the keys of new waybills: one a day, and successors of one that is revoked or closed."""

MEMORY = timedelta(seconds=10)
"""How long opened keys are kept in memory: a key that is revoked or dies elsewhere is forgotten here after that."""


_ONLINE = sa.select(wrap.c.waybill, wrap.c.generation, wrap.c.tenant, wrap.c.online_key, wrap.c.online).where(
    wrap.c.waybill.in_(in_list("ids")), wrap.c.online.is_not(None)
)


class Generation(NamedTuple):
    """A waybill and which of its keys: an amended order takes a new one."""

    waybill: bytes
    number: int


class OnlineWrap(NamedTuple):
    """A waybill's key as wrapped by an online key, and that key's name."""

    waybill: bytes
    generation: int
    tenant: str
    online_key: str
    online: bytes


class Destruction(NamedTuple):
    """One entry of the destruction list: whose keys are gone, by whom, why."""

    waybill: bytes
    actor: str
    reason: str


class KeyStore:
    """Keys by purpose and name, wrapped by the root, and the wraps of waybill keys.

    Not a source of time or chance: both come with each call. A root that was rotated elsewhere is noticed and followed.

    Attributes:
        source: the root that was the current one when this process last looked.
        other_roots: gives the roots that this process can reach, for when the current one has changed.
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
        """What `masking.keys.ended_access` has read; forgotten with the opened keys."""
        self._since: datetime | None = None

    def forget(self) -> None:
        """Let go of all opened keys; they are read anew when they are needed."""
        self._opened.clear()
        self._wrappers.clear()
        self._names.clear()
        self.ended.clear()

    def key(self, purpose: str, name: str, world: World, now: datetime, *, size: int = 32) -> bytes:
        """The key of that name, made on first use and committed before it is given."""
        self._age(now)
        known = self.existing(purpose, name)
        if known:
            return known
        self.put(purpose, name, world.entropy(size), world, now)
        made = self.existing(purpose, name)  # another worker may have been first
        if made is None:
            raise IntegrityError(f"the {purpose} key of that name has died, and a name is not used twice")
        return made

    def put(self, purpose: str, name: str, key: bytes, world: World, now: datetime) -> None:
        """Store a key under a name that is not taken; an archive key also sealed to the offline public key."""
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
        """The key of that name, or None if there is none or its usable copy has died."""
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
        """Make `source` the current root, which stays that until the transaction ends; `alone` keeps out new keys, too.

        Raises:
            IntegrityError: none of the roots that this process can reach is the current one.
        """
        current = root_record.read(tx, lock="update" if alone else "share")
        if current is None:
            if tx.execute(sa.select(stored_key.c.name).limit(1)).first():
                raise IntegrityError("the key store holds keys, but not which root wraps them; put back a copy of it")
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
        """Open a key with the root now, also if that key is cached.

        Raises:
            RootUnavailableError: the root's keeper does not work.
            IntegrityError: it is not the root that wrapped this key.
        """
        purpose, name = "sign", "ledger"
        self._opened.pop((purpose, name), None)
        self.existing(purpose, name)

    def names(self, purpose: str) -> list[str]:
        """The names of a purpose's usable keys that are not revoked, oldest first."""
        known = self._names.get(purpose)
        if known is not None:
            return known
        usable = (stored_key.c.purpose == purpose, stored_key.c.wrapped.is_not(None), stored_key.c.revoked.is_(None))
        query = sa.select(stored_key.c.name).where(*usable).order_by(stored_key.c.created, stored_key.c.name)
        with reading(self.engine) as connection:
            found = list(connection.execute(query).scalars())
        self._names[purpose] = found  # not read back: another thread may empty the cache at any moment
        return found

    def offline_public(self) -> tuple[str, bytes]:
        """Name and public half of the offline archive key in use, authenticated by the root."""
        name = max(self.names("offline"), key=int, default="")
        public = self.existing("offline", name)
        if public is None:
            raise IntegrityError("the key store names no offline archive key")
        return name, public

    def label_keys(self, world: World, now: datetime) -> dict[int, bytes]:
        """The keys that open label codes, by key id (FORMAT.md section 4); the highest id writes new ones."""
        self._age(now)
        if not self.names("label"):
            self.key("label", self.next_name("label"), world, now, size=64)
        keys = {int(name): self.existing("label", name) for name in self.names("label")}
        return {key_id: key for key_id, key in keys.items() if key}

    def next_name(self, purpose: str, stem: str = "") -> str:
        """The first name that was never used: `1`, `2` and so on; or with a day for a stem, the day, then `day.2`."""
        query = sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose)
        with reading(self.engine) as connection:
            taken = set(connection.execute(query.where(stored_key.c.name.startswith(stem))).scalars())
        numbers = range(1, len(taken) + 2)
        names = [f"{stem}.{n}" if n > 1 else stem for n in numbers] if stem else [str(n) for n in numbers]
        return next(name for name in names if name not in taken)

    def day_name(self, purpose: Literal["online", "archive"], world: World, now: datetime) -> str:
        """The name of the key that wraps new keys today: the day's newest that is usable. A successor is made if none is."""
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
            IntegrityError: a key of today is not what was written, or the root is not the current one.
        """
        for purpose in DAY_KEYS:
            self.key(purpose, self.day_name(purpose, world, now), world, now)

    def person_keys(self) -> dict[str, bytes]:
        """The live days' keys of the person index, by day."""
        keys = {day: self.existing("person", day) for day in self.names("person")}
        return {day: key for day, key in keys.items() if key}

    def merge_key(self, tenant: str, merchant: str, world: World, now: datetime) -> bytes:
        """The key of this merchant's merge references in this week."""
        return self.key("merge", f"{tenant}:{merchant}:{week_of(now)}", world, now)

    def add_wraps(self, tenant: str, generations: Sequence[Generation], world: World, now: datetime) -> list[bytes]:
        """A fresh key for each generation, both wraps committed before this returns. Same order as asked."""
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
            self.forget()  # one was revoked or closed since it was read; the next turn finds its successor

    def online_wraps(self, wanted: Iterable[Generation]) -> dict[bytes, OnlineWrap]:
        """The online wraps that are there; sealed away and destroyed waybills are not in the answer. Opens nothing."""
        generations = dict(wanted)
        if not generations:
            return {}
        with reading(self.engine) as connection:
            found = [OnlineWrap(*row) for row in hot_sql.rows(connection, _ONLINE, ids=list(generations))]
        return {each.waybill: each for each in found if each.generation == generations[each.waybill]}

    def unwrap(self, wrapped: OnlineWrap) -> bytes:
        """The waybill key inside an online wrap.

        Raises:
            IntegrityError: the wrap is not what was written, or the waybill has none any more.
        """
        day_key = self.existing("online", wrapped.online_key)
        if day_key is None:  # since it was read, it was moved to another key, and the old one died
            now_wrapped = self.online_wraps([Generation(wrapped.waybill, wrapped.generation)]).get(wrapped.waybill)
            day_key = self.existing("online", now_wrapped.online_key) if now_wrapped else None
            if now_wrapped is None or day_key is None:
                raise IntegrityError("a wrap has outlived its online key")
            wrapped = now_wrapped
        wrapper = self._wrappers.get(wrapped.online_key)
        if wrapper is None:
            wrapper = self._wrappers[wrapped.online_key] = DayWrapper("online", wrapped.online_key, day_key)
        return wrapper.unwrap(wrapped.tenant, wrapped.waybill, wrapped.generation, wrapped.online)

    def drop_other_generations(self, kept: Iterable[Generation]) -> int:
        """Delete the wraps of earlier keys, once the data no longer needs them; how many."""
        dropped = 0
        with transaction(self.engine) as connection:
            for record, number in kept:
                done = connection.execute(wrap.delete().where(wrap.c.waybill == record, wrap.c.generation != number))
                dropped += done.rowcount
        return dropped

    def seal_away(self, records: Sequence[bytes]) -> None:
        """Delete the online wraps: from here on only the offline key opens these waybills."""
        if not records:
            return
        with transaction(self.engine) as connection:
            connection.execute(wrap.update().where(wrap.c.waybill.in_(records)).values(online=None))
        truncate_log(self.engine)

    def destroy(self, gone: Sequence[Destruction], now: datetime) -> None:
        """Delete both wraps and write the waybills on the destruction list, in one transaction."""
        if not gone:
            return
        rows = [entry._asdict() | {"at": milliseconds(now), "finished": None} for entry in gone]
        with transaction(self.engine) as connection:
            insert_new(connection, destruction, rows)
            connection.execute(wrap.delete().where(wrap.c.waybill.in_([entry.waybill for entry in gone])))
        truncate_log(self.engine)

    def unfinished(self) -> list[Destruction]:
        """Destructions whose rows in the data are not known to be gone, oldest first: a crash came between."""
        columns = (destruction.c.waybill, destruction.c.actor, destruction.c.reason)
        query = sa.select(*columns).where(destruction.c.finished.is_(None)).order_by(destruction.c.at)
        with reading(self.engine) as connection:
            return [Destruction(*row) for row in connection.execute(query)]

    def finish(self, records: Sequence[bytes], now: datetime) -> None:
        """Note that the rows of these destroyed waybills are gone from the data, too."""
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
    """Whether a key may still wrap new keys; it stays so until the transaction ends."""
    usable = (stored_key.c.wrapped.is_not(None), stored_key.c.revoked.is_(None))
    query = sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose, stored_key.c.name == name, *usable)
    return connection.execute(query.with_for_update(read=True)).first() is not None
