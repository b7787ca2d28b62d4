"""The parts that all steps share around their decisions, in one place so that no step can forget one.

Refused requests cost a caller nothing, and leaves are kept for ever. So a refusal that concerns no parcel adds to a count in
the ledger instead of a leaf of its own (docs/decisions/0003-refused-acts-are-leaves.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar, final

from masking.access.budget import Tally
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.journal.damaged_records import DAMAGED, raise_alarms
from masking.ledger.log import Leaf
from masking.runtime import World
from masking.store.rows import budgets, waybills
from masking.store.store import Store, Transaction
from masking.values.printable import Refusal
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

REPEATED = frozenset({Reason.BEING_RECORDED, Reason.JUST_ASSIGNED, Reason.EVENT_OF_ANOTHER_SCAN})
"""Refusals of a request that met its own repetition. The caller tried nothing new, so the ledger records none of them."""

NO_WAYBILL = bytes(16)
"""The id that no waybill has."""

BY_NUMBER = frozenset({"scan", "assign"})
"""Steps that find parcels by the carrier's numbers, which can be guessed. A refusal about an unused number takes a leaf at once,
as one about a used number does: else the time of the answer would tell them apart. The lock bounds how many there are."""

Outcome = TypeVar("Outcome")
Charge = Callable[[int, Refusal, Tally], None]
"""Counts a refusal towards the actor's lock, or doesn't. It gets the request's position in the batch."""


def charge_unknown(_place: int, refusal: Refusal, tally: Tally) -> None:
    """Count only refusals that someone who tries codes would get. The others are ordinary mistakes."""
    if refusal == UNKNOWN:
        tally.record_refusal()


def charge_all(_place: int, refusal: Refusal, tally: Tally) -> None:
    """Count every refusal except that of a damaged record, which the caller did not cause."""
    if refusal != DAMAGED:
        tally.record_refusal()


@final
class Batch:
    """One step's batch in one transaction.

    Before a decision, a locked actor is refused, and an actor who is not enrolled as they claim gets `unknown`. After it, a
    refusal is charged, gets its leaf or is counted, and raises an alarm if it names a damaged record. All of that is written
    when the block ends without an exception.

    Attributes:
        staff: the enrolled people among those who ask.
        roles: the roles that have business with the step. All of them where a label code is shown: it names a parcel,
            and the lock bounds how many codes one caller can try.
        locked: the actors known to be locked before a parcel is looked for.
    """

    def __init__(
        self,
        world: World,
        store: Store,
        tx: Transaction,
        now: datetime,
        step: str,
        staff: Mapping[str, Actor],
        *,
        roles: Collection[Role] = frozenset(Role),
        locked: Collection[str] = (),
    ) -> None:
        self.staff, self.roles, self.locked = staff, roles, locked
        self._world, self._store, self._tx, self._now, self._step = world, store, tx, now, step
        self._tallies: Mapping[str, Tally] | None = None
        self._refused: list[tuple[str, bytes | None, Reason, str]] = []
        self._at_once: set[str] = set()
        self._is_written = False

    def __enter__(self) -> Self:
        """Begin the batch."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write what was decided, unless an exception rolls the transaction back."""
        if kind is None:
            self.write()

    def may_ask(self, actor: Actor) -> bool:
        """Whether a parcel is looked for at all: the actor is enrolled, not locked, and has a role with business here."""
        return actor.role in self.roles and self.staff.get(actor.id) == actor and actor.id not in self.locked

    def find(self, asked: Sequence[tuple[Actor, bytes | None, str]]) -> list[bytes | None]:
        """The waybill that each (actor, waybill, waybill number) asks about: by its id if given, else by the number.

        None if there is no such waybill, and if the actor may not ask: for them nothing is looked for.
        """
        may = [self.may_ask(actor) for actor, *_ in asked]
        numbers = {text for (_, id_, text), able in zip(asked, may, strict=True) if able and text and not id_}
        found = waybills.by_number(self._tx, self._store.settings.tenant, numbers)
        return [(id_ or found.get(text)) if able else None for (_, id_, text), able in zip(asked, may, strict=True)]

    def to_look_up(self, actors: Sequence[Actor], found: Sequence[bytes | None]) -> set[bytes]:
        """The ids to look up: what `find` found, and one that no waybill has for a number that is unused.

        So an actor who may ask is answered after the same statements either way.
        """
        pairs = zip(actors, found, strict=True)
        return {id_ or NO_WAYBILL for actor, id_ in pairs if id_ or self.may_ask(actor)}

    def decide(
        self,
        asked: Sequence[tuple[Actor, bytes | None]],
        tallies: Mapping[str, Tally],
        decision: Callable[[int, Tally], Outcome],
        charge: Charge = charge_unknown,
    ) -> list[Outcome | Refusal]:
        """Decide each request in order.

        Args:
            asked: each request's actor, and the waybill that it is about, None if there is no such waybill.
            tallies: the counts of all actors, and of others that the step counts for; written with the batch.
            decision: takes a request's place in the batch and its actor's counts. It is called for the requests of enrolled
                actors who are not locked.
            charge: counts a refusal towards the lock.
        """
        self._tallies = tallies
        outcomes: list[Outcome | Refusal] = []
        for place, (actor, waybill) in enumerate(asked):
            tally = tallies[actor.id]
            outcome: Outcome | Refusal | None = tally.locked()
            if outcome is None:
                outcome = decision(place, tally) if self.staff.get(actor.id) == actor else UNKNOWN
                if isinstance(outcome, Refusal):
                    charge(place, outcome, tally)
            if isinstance(outcome, Refusal) and outcome.reason not in REPEATED:
                self.refuse(actor, waybill, outcome)
            outcomes.append(outcome)
        return outcomes

    def tallies(self, actors: Collection[str]) -> Mapping[str, Tally]:
        """The counts of these actors, for a step that does not call `decide`. They are written with the batch."""
        if self._tallies is None:
            self._tallies = budgets.open_tallies(self._tx, actors, self._now)
        return self._tallies

    def refuse(self, actor: Actor, waybill: bytes | None, refusal: Refusal, step: str = "") -> None:
        """Keep a refusal for the ledger. `waybill` is the one that was asked about, None if there is no such waybill."""
        looked_for = refusal.reason != Reason.LOCKED and self.may_ask(actor)
        if looked_for and (step or self._step) in BY_NUMBER:
            self._at_once.add(actor.id)
        self._refused.append((actor.id, waybill if looked_for else None, refusal.reason, step or self._step))

    def write(self, leaves: Sequence[Leaf] = ()) -> None:
        """Write the leaves and counts of this batch once, with other leaves of the step, and raise its alarms."""
        if self._is_written:
            return
        self._is_written = True
        tallies = self._tallies
        if tallies is None:  # a step that counts nothing else of those who ask
            tallies = budgets.open_tallies(self._tx, {actor for actor, *_ in self._refused}, self._now)
        journal.append(self._tx, [*leaves, *self._leaves(tallies)])
        budgets.save_tallies(self._tx, tallies, self._now, self._world)
        damaged = {actor for actor, _, reason, _ in self._refused if reason == DAMAGED.reason}
        raise_alarms(self._world, self._tx, damaged, self._now)

    def _leaves(self, tallies: Mapping[str, Tally]) -> list[Leaf]:
        """The leaves of the refusals. `tallies`, which count them, are to be saved afterwards.

        One leaf for each actor, waybill, step and reason, however often it was asked. Refusals about no waybill, and those
        beyond `masking.access.budget.LISTED`, are counted: one leaf a minute and actor.
        """
        found: list[Leaf] = []
        listed: set[tuple[str, bytes | None, Reason, str]] = set()
        counted: Counter[str] = Counter()
        for each in self._refused:
            actor, waybill, reason, step = each
            if waybill is None or each in listed or not tallies[actor].claim_refusal_leaf():
                counted[actor] += 1
                continue
            listed.add(each)
            found.append(self._store.refusal_leaf(self._world, self._now, actor, waybill, reason, step=step))
        due = {
            actor: tallies[actor].count_without_leaf(many, at_once=actor in self._at_once)
            for actor, many in counted.items()
        }
        return found + [
            count_leaf(self._store, self._world, self._now, actor, many) for actor, many in due.items() if many
        ]


def count_leaf(store: Store, world: World, now: datetime, actor: str, many: int) -> Leaf:
    """The leaf with the number of one actor's refusals since the last such leaf."""
    return store.leaf(world, now, LedgerKind.REFUSAL_COUNT, actor, count=str(many))
