"""Calls that a provider connects: nothing is asked twice, nothing is forgotten, and no main number is lost to a time-out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.numbers.aliyun.client import Account, Aliyun
from masking.numbers.provider import PROVIDER
from masking.steps.call import Call, announce
from masking.steps.dial import SETTLED, dial, end, reconcile
from masking.steps.retire import Destroy, retire
from masking.store.rows import bindings
from masking.values.outcomes import Dial
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from tests.support import aliyun_server
from tests.support.aliyun_server import KEY_ID, MAINS, POOL, SECRET, aliyun
from tests.support.calls import call_alarms
from tests.support.people import COURIER, OPERATOR, OTHER_COURIER, PHONES

pytestmark = pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)


@pytest.fixture
def server(fake_world) -> Iterator[aliyun_server.Aliyun]:
    with aliyun(lambda: fake_world.time) as running:
        yield running


@pytest.fixture
def provider(server, world):
    account = Account(
        endpoint=server.url, key_id=KEY_ID, key_secret=Plain(SECRET), pool_key=POOL, mains=MAINS, seconds=0.3
    )
    return Aliyun(account, world)


def ring(world, store, provider, data, actor=COURIER):
    announced = announce(world, store, [Call(actor=actor, code=data.code)], bind=True)
    return dial(world, store, announced, provider=provider)[0]


def known(store):
    with store.reading() as tx:
        return {row.subscription for main in MAINS for row in bindings.on_main_number(tx, main)}


def bound(server):
    return {name for _, name in server.bound}


def test_courier_gets_a_number_that_connects_this_recipient_only(world, store, provider, server, parcel):
    _, data = parcel
    answer = ring(world, store, provider, data)
    assert isinstance(answer, Dial)
    assert str(answer.number) in MAINS
    [made] = server.bound.values()
    assert (made["A"], made["B"]) == (PHONES[COURIER.id], "13800000001")
    assert known(store) == bound(server)


def test_courier_without_a_duty_causes_no_provider_request(world, store, provider, server, parcel):
    _, data = parcel
    assert ring(world, store, provider, data, OTHER_COURIER) == Refusal(reason="unknown")
    assert server.asked == []


def test_intent_to_bind_is_on_the_ledger_before_the_provider_is_asked(world, store, provider, server, parcel):
    waybill, data = parcel
    server.mood = ["late"]
    ring(world, store, provider, data)
    told = [leaf for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id)) if leaf.kind == "connect"]
    assert [(leaf.actor, leaf.detail["courier"]) for leaf in told] == [("number-provider", COURIER.id)]


@pytest.mark.parametrize(
    ("mood", "answer"),
    [
        ("throttle", Refusal(reason="provider-busy", retry_after=2)),
        ("system", Refusal(reason="provider-no-answer")),
        ("late", Refusal(reason="provider-no-answer")),
        ("partly", Refusal(reason="provider-no-answer")),
    ],
)
def test_provider_and_store_agree_in_the_end_after_any_failure(
    world, store, provider, server, parcel, fake_world, mood, answer
):
    _, data = parcel
    server.mood = [mood]
    assert ring(world, store, provider, data) == answer
    assert reconcile(world, store, provider) == 0  # too early: the answer could still be under way
    fake_world.advance(seconds=SETTLED.total_seconds() + 1)
    leaked = len(server.bound)
    assert leaked == (1 if mood in {"late", "partly"} else 0)
    assert reconcile(world, store, provider) == leaked
    assert server.bound == {}
    assert known(store) == set()


def test_call_after_a_time_out_takes_another_number_and_keeps_it(world, store, provider, server, parcel, fake_world):
    _, data = parcel
    server.mood = ["late"]
    ring(world, store, provider, data)
    fake_world.advance(seconds=SETTLED.total_seconds() - 5)
    again = ring(world, store, provider, data)
    assert isinstance(again, Dial)
    assert len(server.bound) == 2
    fake_world.advance(seconds=10)
    reconcile(world, store, provider)
    assert {main for main, _ in server.bound} == {again.number.main}
    assert known(store) == bound(server)


def test_provider_that_is_down_during_a_check_is_asked_again_later(world, store, provider, server, parcel, fake_world):
    _, data = parcel
    server.mood = ["late"]
    ring(world, store, provider, data)
    fake_world.advance(seconds=60)
    server.mood = ["system"]
    assert reconcile(world, store, provider) == 0
    assert known(store) == {None}
    server.mood = ["", "system"]  # listed, but not unbound
    assert reconcile(world, store, provider) == 0
    assert known(store) == {None}
    assert reconcile(world, store, provider) == 1
    assert known(store) == set()


def test_expired_binding_is_forgotten(world, store, provider, server, parcel, fake_world):
    _, data = parcel
    ring(world, store, provider, data)
    fake_world.advance(seconds=119)
    assert reconcile(world, store, provider) == 0
    assert len(known(store)) == 1
    server.bound.clear()  # the provider ends it
    fake_world.advance(seconds=2)
    assert reconcile(world, store, provider) == 0
    assert known(store) == set()


def destroy(world, store, waybill):
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])


def test_binding_of_a_destroyed_parcel_ends_at_once(world, store, provider, server, parcel):
    waybill, data = parcel
    ring(world, store, provider, data)
    assert len(server.bound) == 1
    assert end(world, store, provider) == 0  # while the parcel is under way it rings
    destroy(world, store, waybill)
    assert end(world, store, provider) == 1
    assert (server.bound, known(store)) == ({}, set())
    assert server.asked == ["BindAxb", "UnbindSubscription"]


@pytest.mark.parametrize("mood", ["throttle", "system", "late"])
def test_unconfirmed_unbinding_is_requested_again(world, store, provider, server, parcel, mood):
    waybill, data = parcel
    ring(world, store, provider, data)
    destroy(world, store, waybill)
    server.mood = [mood]
    assert end(world, store, provider) == 0
    assert len(known(store)) == 1
    assert reconcile(world, store, provider) == 1
    assert (server.bound, known(store)) == ({}, set())


def test_parcel_destroyed_after_a_time_out_leaves_nothing_bound(world, store, provider, server, parcel, fake_world):
    waybill, data = parcel
    server.mood = ["late"]
    ring(world, store, provider, data)
    destroy(world, store, waybill)
    assert known(store) == {None}
    assert reconcile(world, store, provider) == 0  # too early to tell
    fake_world.advance(seconds=SETTLED.total_seconds() + 1)
    assert reconcile(world, store, provider) == 1
    assert (server.bound, known(store)) == ({}, set())


def test_parcel_destroyed_during_the_provider_request_is_not_called(world, store, provider, server, parcel):
    waybill, data = parcel

    class Slow:
        """The provider, which takes so long to answer that the parcel is gone by then."""

        mains, fault, unbind, subscriptions = provider.mains, None, provider.unbind, provider.subscriptions

        def bind(self, *asked):
            destroy(world, store, waybill)
            return provider.bind(*asked)

    assert ring(world, store, Slow(), data) == Refusal(reason="unknown")
    assert (server.bound, known(store)) == ({}, set())


def test_binding_of_a_destroyed_parcel_is_deleted_or_names_no_parcel(
    world, store, provider, server, parcel, fake_world
):
    waybill, data = parcel
    ring(world, store, provider, data)
    fake_world.advance(seconds=121)
    ring(world, store, provider, data)
    assert len(known(store)) == 2
    destroy(world, store, waybill)
    with store.reading() as tx:
        [left] = bindings.without_waybill(tx)
    assert left.waybill is None
    fake_world.advance(seconds=121)  # the binding expired before a call to the provider ended it
    server.asked.clear()
    assert end(world, store, provider) == 0
    assert (server.asked, known(store)) == ([], set())


def test_courier_with_every_number_in_use_gets_an_answer_that_says_so(world, store, provider, parcel):
    _, data = parcel
    assert [isinstance(ring(world, store, provider, data), Dial) for _ in MAINS] == [True] * len(MAINS)
    assert ring(world, store, provider, data) == Refusal(reason="provider-conflict", retry_after=30)
    assert len(known(store)) == len(MAINS)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("isv.OUT_OF_SERVICE", "provider-account"),
        ("InvalidAccessKeyId.NotFound", "provider-key"),
        ("isv.EXPIRE_DATE_ILLEGAL", "provider-clock"),
    ],
)
def test_account_fault_raises_one_alarm_an_hour_by_its_kind(
    world, store, provider, server, parcel, fake_world, code, kind
):
    _, data = parcel
    server.mood = [code, code]
    for _ in range(2):
        assert ring(world, store, provider, data) == Refusal(reason="provider-refused")
    assert (server.bound, known(store)) == ({}, set())  # certain: no number is blocked
    assert call_alarms(store) == [(kind, PROVIDER)]
    fake_world.advance(seconds=3601)
    server.mood = [code]
    reconcile(world, store, provider)
    assert call_alarms(store) == [(kind, PROVIDER)] * 2
    reconcile(world, store, provider)  # looks again; all is well
    assert provider.fault is None
