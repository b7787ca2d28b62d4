"""What a batch has refused, as the ledger keeps it (docs/decisions/0003-refused-acts-are-leaves.md).

Refused acts are free, and leaves stay for ever: an act that is about no parcel costs the ledger a count, not a leaf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import final

from sqlalchemy.engine import Connection

from masking.access.budget import Tally
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.ledger.log import Leaf
from masking.runtime import World
from masking.store.rows import budgets, waybills
from masking.store.store import Store
from masking.values.printable import Refusal
from masking.words.reasons import Reason

COUNTED = "refusal-count"
"""The kind of the leaf that says how many refusals of one actor have no leaf of their own."""


@final
class Refusals:
    """The refusals of one batch of a step.

    Attributes:
        staff: who is enrolled, of those who ask.
        roles: who has business with the step. All of them where a label code is shown: it names a parcel, whoever shows
            it, and the lock bounds how many they are.
        locked: whose requests are refused in any case, as far as is known before a parcel is looked for.
    """

    def __init__(
        self,
        world: World,
        store: Store,
        now: datetime,
        staff: Mapping[str, Actor],
        roles: Collection[Role] = frozenset(Role),
        locked: Collection[str] = (),
    ) -> None:
        self.staff, self.roles, self.locked = staff, roles, locked
        self._world, self._store, self._now = world, store, now
        self._kept: list[tuple[str, bytes | None, Reason, str]] = []

    def may_ask(self, actor: Actor) -> bool:
        """Whether a parcel is looked for at all: the actor is enrolled, not locked, of a role that has business here."""
        return actor.role in self.roles and self.staff.get(actor.id) == actor and actor.id not in self.locked

    def sought(self, tx: Connection, asked: Sequence[tuple[Actor, bytes | None, str]]) -> list[bytes | None]:
        """The waybill that each of these asks about: by its id, where that is known, or by the carrier's number.

        None where there is no such waybill, and where the actor may not ask: for them nothing is looked for.
        """
        may = [self.may_ask(actor) for actor, *_ in asked]
        numbers = {text for (_, id_, text), able in zip(asked, may, strict=True) if able and text and not id_}
        found = waybills.by_number(tx, self._store.settings.tenant, numbers)
        return [(id_ or found.get(text)) if able else None for (_, id_, text), able in zip(asked, may, strict=True)]

    def add(self, actor: Actor, waybill: bytes | None, refusal: Refusal, step: str) -> None:
        """Keep a refusal. `waybill` is the one that was asked about, None where there is no such thing."""
        looked = refusal.reason != Reason.LOCKED and self.may_ask(actor)
        self._kept.append((actor.id, waybill if looked else None, refusal.reason, step))

    def leaves(self, tallies: Mapping[str, Tally]) -> list[Leaf]:
        """The leaves of what was kept. `tallies`, which count them, are to be saved afterwards.

        One leaf for each actor, waybill, step and reason, as often as that was asked; of what is about no waybill, and of
        what is beyond `masking.access.budget.LISTED`, one count a minute and actor.
        """
        found: list[Leaf] = []
        listed: set[tuple[str, bytes | None, Reason, str]] = set()
        counted: Counter[str] = Counter()
        for each in self._kept:
            actor, waybill, reason, step = each
            if waybill is None or each in listed or not tallies[actor].list_refusal():
                counted[actor] += 1
                continue
            listed.add(each)
            leaf = self._store.refusal_leaf(self._world, self._now, actor, waybill, reason, step=step)
            found.append(leaf)
        due = {actor: tallies[actor].count_refusals(many) for actor, many in counted.items()}
        return found + [
            count_leaf(self._store, self._world, self._now, actor, many) for actor, many in due.items() if many
        ]

    def write(self, tx: Connection) -> None:
        """Append the leaves of a step that counts nothing else of those who ask."""
        if self._kept:
            tallies = budgets.open_tallies(tx, {actor for actor, *_ in self._kept}, self._now)
            journal.append(tx, self.leaves(tallies))
            budgets.save_tallies(tx, tallies, self._now, self._world)


def count_leaf(store: Store, world: World, now: datetime, actor: str, many: int) -> Leaf:
    """The leaf that says how many refusals of one actor were counted since the last one."""
    return store.leaf(world, now, COUNTED, actor, count=str(many))
