"""The key store: every key but the root, in a database of its own that is never in a data backup.

Each waybill's key is wrapped twice, under its day's online key and its day's archive key (FORMAT.md section 3). To seal
away is to delete the online wrap; to destroy is to delete both, and to write the waybill on the destruction list. New
wraps are committed here before the data that needs them, so a crash leaves an orphan here and never a hole there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from masking.crypto import archive
from masking.crypto.keys import DayWrapper, KeySource
from masking.errors import IntegrityError
from masking.vault.engine import insert_new, transaction, truncate_log
from masking.vault.schema import destruction, stored_key, wrap
from masking.world import World, day_of, milliseconds, week_of

LABEL_KEY = 1


class Generation(NamedTuple):
    """A waybill and which of its keys: an amended order takes a new one."""

    waybill: bytes
    number: int


class OnlineWrap(NamedTuple):
    """A waybill's key as wrapped by its day's online key."""

    waybill: bytes
    generation: int
    tenant: str
    day: str
    online: bytes


class Destruction(NamedTuple):
    """One entry of the destruction list: whose keys are gone, by whom, why."""

    waybill: bytes
    actor: str
    reason: str


class KeyStore:
    """Keys by purpose and name, wrapped by the root, and the wraps of waybill keys.

    Not a source of time or chance: both come with each call.
    """

    def __init__(self, engine: Engine, source: KeySource) -> None:
        self.engine = engine
        self._source = source
        self._opened: dict[tuple[str, str], bytes] = {}

    def key(self, purpose: str, name: str, world: World, now: datetime, *, size: int = 32) -> bytes:
        """The key of that name, made on first use and committed before it is given."""
        known = self._opened.get((purpose, name)) or self.existing(purpose, name)
        if known:
            return known
        self.put(purpose, name, world.entropy(size), world, now)
        made = self.existing(purpose, name)  # another worker may have been first
        if made is None:
            raise IntegrityError("a key that was just made can't be opened")
        return made

    def put(self, purpose: str, name: str, key: bytes, world: World, now: datetime) -> None:
        """Store a key under a name that is not taken; an archive key also sealed to the offline public key."""
        archived = None
        if purpose == "archive":
            archived = archive.seal_day_key(self.offline_public(), name, key)
        row = {
            "purpose": purpose,
            "name": name,
            "wrapped": self._source.wrap(f"{purpose}/{name}", key, world.entropy),
            "archived": archived,
            "created": milliseconds(now),
        }
        with transaction(self.engine) as connection:
            insert_new(connection, stored_key, [row])

    def existing(self, purpose: str, name: str) -> bytes | None:
        """The key of that name, or None if there is none or its usable copy has died."""
        known = self._opened.get((purpose, name))
        if known:
            return known
        query = sa.select(stored_key.c.wrapped).where(stored_key.c.purpose == purpose, stored_key.c.name == name)
        with transaction(self.engine) as connection:
            wrapped = connection.execute(query).scalar()
        if wrapped is None:
            return None
        key = self._source.unwrap(f"{purpose}/{name}", wrapped)
        self._opened[purpose, name] = key
        return key

    def names(self, purpose: str) -> list[str]:
        """The names under which usable keys of a purpose are kept, newest first."""
        query = sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose, stored_key.c.wrapped.is_not(None))
        with transaction(self.engine) as connection:
            return sorted(connection.execute(query).scalars(), reverse=True)

    def offline_public(self) -> bytes:
        """The public half of the offline archive key, authenticated by the root."""
        public = self.existing("offline", "public")
        if public is None:
            raise IntegrityError("the key store names no offline archive key")
        return public

    def label_keys(self, world: World, now: datetime) -> dict[int, bytes]:
        """The keys that open label codes, by key id (FORMAT.md section 4)."""
        return {LABEL_KEY: self.key("label", str(LABEL_KEY), world, now, size=64)}

    def person_keys(self) -> dict[str, bytes]:
        """The live days' keys of the person index, by day."""
        keys = {day: self.existing("person", day) for day in self.names("person")}
        return {day: key for day, key in keys.items() if key}

    def merge_key(self, tenant: str, merchant: str, world: World, now: datetime) -> bytes:
        """The key of this merchant's merge references in this week."""
        return self.key("merge", f"{tenant}:{merchant}:{week_of(now)}", world, now)

    def add_wraps(self, tenant: str, generations: Sequence[Generation], world: World, now: datetime) -> list[bytes]:
        """A fresh key for each generation, both wraps committed before this returns. Same order as asked."""
        day = day_of(now)
        online = DayWrapper("online", day, self.key("online", day, world, now))
        archived = DayWrapper("archive", day, self.key("archive", day, world, now))
        made = [world.entropy(32) for _ in generations]
        rows = [
            {
                "waybill": record,
                "generation": number,
                "tenant": tenant,
                "day": day,
                "online": online.wrap(tenant, record, number, key, world.entropy),
                "archive": archived.wrap(tenant, record, number, key, world.entropy),
            }
            for (record, number), key in zip(generations, made, strict=True)
        ]
        if rows:
            with transaction(self.engine) as connection:
                connection.execute(wrap.insert(), rows)
        return made

    def online_wraps(self, wanted: Iterable[Generation]) -> dict[bytes, OnlineWrap]:
        """The online wraps that are there; sealed away and destroyed waybills are not in the answer. Opens nothing."""
        generations = dict(wanted)
        if not generations:
            return {}
        columns = (wrap.c.waybill, wrap.c.generation, wrap.c.tenant, wrap.c.day, wrap.c.online)
        query = sa.select(*columns).where(wrap.c.waybill.in_(generations), wrap.c.online.is_not(None))
        with transaction(self.engine) as connection:
            found = [OnlineWrap(*row) for row in connection.execute(query)]
        return {each.waybill: each for each in found if each.generation == generations[each.waybill]}

    def unwrap(self, wrapped: OnlineWrap) -> bytes:
        """The waybill key inside an online wrap.

        Raises:
            IntegrityError: the wrap is not what was written, or its day's key has died before it.
        """
        day_key = self.existing("online", wrapped.day)
        if day_key is None:
            raise IntegrityError("a wrap has outlived its day's key")
        wrapper = DayWrapper("online", wrapped.day, day_key)
        return wrapper.unwrap(wrapped.tenant, wrapped.waybill, wrapped.generation, wrapped.online)

    def drop_other_generations(self, kept: Iterable[Generation]) -> None:
        """Delete the wraps of earlier keys, once the data no longer needs them."""
        with transaction(self.engine) as connection:
            for record, number in kept:
                connection.execute(wrap.delete().where(wrap.c.waybill == record, wrap.c.generation != number))

    def seal_away(self, records: Sequence[bytes]) -> None:
        """Delete the online wraps: from here on only the offline key opens these waybills."""
        with transaction(self.engine) as connection:
            connection.execute(wrap.update().where(wrap.c.waybill.in_(records)).values(online=None))
        truncate_log(self.engine)

    def destroy(self, records: Sequence[bytes], actor: str, reason: str, now: datetime) -> None:
        """Delete both wraps and write the waybills on the destruction list, in one transaction."""
        rows = [
            {"waybill": record, "at": milliseconds(now), "actor": actor, "reason": reason, "finished": None}
            for record in records
        ]
        with transaction(self.engine) as connection:
            insert_new(connection, destruction, rows)
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
        truncate_log(self.engine)

    def unfinished(self) -> list[Destruction]:
        """Destructions whose rows in the data are not known to be gone, oldest first: a crash came between."""
        columns = (destruction.c.waybill, destruction.c.actor, destruction.c.reason)
        query = sa.select(*columns).where(destruction.c.finished.is_(None)).order_by(destruction.c.at)
        with transaction(self.engine) as connection:
            return [Destruction(*row) for row in connection.execute(query)]

    def finish(self, records: Sequence[bytes], now: datetime) -> None:
        """Note that the rows of these destroyed waybills are gone from the data, too."""
        if records:
            with transaction(self.engine) as connection:
                connection.execute(
                    destruction.update().where(destruction.c.waybill.in_(records)).values(finished=milliseconds(now))
                )

    def close_days(self, now: datetime) -> list[str]:
        """Let the usable copies of past days' archive keys die; the days whose keys died."""
        today = day_of(now - timedelta(hours=1))  # a batch begun before midnight may still be on its way
        past = [day for day in self.names("archive") if day < today]
        with transaction(self.engine) as connection:
            connection.execute(
                stored_key.update()
                .where(stored_key.c.purpose == "archive", stored_key.c.name.in_(past))
                .values(wrapped=None)
            )
        for day in past:
            self._opened.pop(("archive", day), None)
        truncate_log(self.engine)
        return past

    def wrapped_records(self, *, made_before: bytes) -> list[bytes]:
        """The waybills with wraps whose id is below `made_before`: candidates for the sweep of orphans."""
        with transaction(self.engine) as connection:
            query = sa.select(wrap.c.waybill).where(wrap.c.waybill < made_before).distinct()
            return list(connection.execute(query).scalars())

    def delete_wraps(self, records: Sequence[bytes]) -> None:
        """Delete the wraps of waybills that never reached the data."""
        with transaction(self.engine) as connection:
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
