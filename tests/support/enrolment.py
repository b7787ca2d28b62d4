"""A courier's way into a store: enrolled by a supervisor, confirmed by a dispatcher, admitted with a code."""

from __future__ import annotations

from typing import Any

from api.service.login import holders
from masking.access import credentials as words
from masking.access.people import Actor, Role
from masking.access.proof import Proof
from masking.runtime import World
from masking.steps.enrol import Confirm, Enrol, enrol
from masking.steps.redeem import Issued, Redeem, redeem
from masking.steps.shift import Shift, shift
from masking.store.store import Store
from masking.values.outcomes import Confirmed, ShiftSet
from masking.values.plaintext import Enrolled, Plain
from tests.support.ledger import leaves_of
from tests.support.people import DISPATCHER, TENANT

BOSS = Actor(id="boss", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")
DEPUTY = Actor(id="deputy", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")
REGION = Actor(id="region", tenant=TENANT, role=Role.SUPERVISOR, unit="region-east")
SUPERVISORS = (BOSS, DEPUTY, REGION)
NEW = Actor(id="courier-9", tenant=TENANT, role=Role.COURIER, unit="sh-01")
PHONE = Plain("13900000019")
"""The phone of courier-9."""


def proof_of(world: World, key: bytes) -> Proof:
    return Proof(key=key, use=world.entropy(32), until=2**40, body=None)


def acts_on_people(store: Store) -> list[tuple[str, str, str]]:
    """Kind, actor and person of each leaf that names a person."""
    return [(leaf.kind, leaf.actor, leaf.detail["person"]) for leaf in leaves_of(store) if "person" in leaf.detail]


def new(actor: Actor = BOSS, **changes: Any) -> Enrol:
    """The request to enrol courier-9, with changes."""
    values: dict[str, Any] = {"id": NEW.id, "role": NEW.role, "unit": NEW.unit, "phone": PHONE}
    return Enrol(actor=actor, **(values | changes))


def vouch(store: Store, world: World, by: Actor = DISPATCHER, **changes: Any) -> Any:
    """The outcome when `by` confirms courier-9, or the person that `changes` describes."""
    stated = {"id": NEW.id, "role": NEW.role, "unit": NEW.unit, "phone": None if "id" in changes else PHONE}
    return enrol(world, store, [Confirm(actor=by, **(stated | changes))])[0]


def begun(store: Store, world: World, hours: int = 10, courier: str = NEW.id) -> None:
    """Begin the courier's shift."""
    assert isinstance(shift(world, store, [Shift(actor=DISPATCHER, courier=courier, hours=hours)])[0], ShiftSet)


def shown(store: Store, world: World, code: Plain | None, device: bytes | None = b"d" * 32, **how: Any) -> Any:
    """The outcome for a device that shows a code."""
    asked = Redeem(shown=code, proof=proof_of(world, device) if device else None)
    return redeem(world, store, [asked], **how)[0]


def held(store: Store, world: World, issued: Issued) -> Any:
    """The holder of the token that was issued, or why it is refused."""
    digest = words.digest(words.TOKEN, issued.token.reveal())
    assert digest is not None
    return holders(world, store, [digest])[0]


def let_in(store: Store, world: World, device: bytes = b"d" * 32) -> Issued:
    """courier-9, enrolled, confirmed, at work, with this device."""
    [enrolled] = enrol(world, store, [new()])
    assert isinstance(enrolled, Enrolled)
    assert vouch(store, world) == Confirmed(id=NEW.id)
    begun(store, world)
    issued = shown(store, world, enrolled.code, device)
    assert isinstance(issued, Issued), issued
    return issued
