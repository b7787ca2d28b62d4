"""Aliyun's port, against a server that checks signatures and misbehaves: what is not known to have failed is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from masking.errors import SettingsError
from masking.numbers.aliyun.client import Account, Aliyun, authorization, canonical_query
from masking.numbers.aliyun.codes import CODES, read_code
from masking.numbers.provider import Bound, Failed
from masking.runtime import CHINA
from masking.values.plaintext import Plain
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason
from tests.support import aliyun_server
from tests.support.aliyun_server import KEY_ID, MAINS, POOL, SECRET, aliyun

A, B = Plain("+8613900000007"), Plain("+8613800000001")


@pytest.fixture
def server(fake_world) -> Iterator[aliyun_server.Aliyun]:
    with aliyun(lambda: fake_world.time) as running:
        yield running


def client(server, world, **changes):
    settings = {"endpoint": server.url, "key_id": KEY_ID, "key_secret": Plain(SECRET), "pool_key": POOL, "mains": MAINS}
    return Aliyun(Account(**(settings | {"seconds": 0.5} | changes)), world)


def bind(provider, world, main=MAINS[0], a=A, b=B, seconds=120):
    return provider.bind(main, a, b, world.now() + timedelta(seconds=seconds), "c" * 32)


def test_signature_equals_the_one_in_aliyuns_documentation():
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    image = "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
    query = canonical_query({"RegionId": "cn-shanghai", "ImageId": image})
    signed = authorization("YourAccessKeyId", Plain("YourAccessKeySecret"), query, headers)
    assert signed.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")


def test_binding_is_listed_until_it_is_unbound(server, world):
    provider = client(server, world)
    bound = bind(provider, world)
    assert isinstance(bound, Bound)
    assert server.bound[MAINS[0], bound.subscription] == {
        "A": "13900000007",
        "B": "13800000001",
        "until": "2026-11-24 08:32:00",
        "out": "c" * 32,
    }
    assert provider.subscriptions(MAINS[0]) == {bound.subscription}
    assert provider.unbind(*bound_of(bound))
    assert provider.subscriptions(MAINS[0]) == set()
    assert provider.unbind(*bound_of(bound))  # gone is gone


def bound_of(bound):
    return bound.main, bound.subscription


def test_wrong_secret_is_refused_and_named(server, world):
    provider = client(server, world, key_secret=Plain("guessed"))
    assert bind(provider, world) == Failed(Reason.PROVIDER_REFUSED)
    assert provider.fault is AlarmKind.PROVIDER_KEY
    assert server.bound == {}


@pytest.mark.parametrize("apart", [timedelta(hours=1), timedelta(hours=-1), timedelta(seconds=90)])
def test_expiry_is_counted_on_the_providers_clock(server, world, fake_world, apart):
    provider = client(server, world)
    server.now = lambda: fake_world.time + apart
    assert isinstance(bind(provider, world), Bound)  # refused at first, for its time
    [made] = server.bound.values()
    until = datetime.strptime(made["until"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    assert until == server.now() + timedelta(seconds=120)
    assert provider.fault is AlarmKind.PROVIDER_CLOCK
    assert isinstance(bind(provider, world, MAINS[1]), Bound)
    assert server.asked == ["BindAxb"] * 3
    server.now = lambda: fake_world.time
    assert provider.subscriptions(MAINS[0])
    assert provider.fault is None


@pytest.mark.parametrize(("code", "meaning"), CODES.items())
def test_error_code_is_definite_or_in_doubt_as_listed(server, world, code, meaning):
    server.mood = [code]
    provider = client(server, world)
    assert bind(provider, world) == meaning.failed
    assert server.asked == ["BindAxb"]
    assert provider.fault == meaning.fault
    provider.subscriptions(MAINS[0])
    assert provider.fault is None


@pytest.mark.parametrize(
    ("status", "code", "known"),
    [
        (200, "isv.UNLISTED", True),
        (400, "Unlisted", True),
        (200, "isp.UNLISTED", False),
        (400, "isp.UNLISTED", False),
        (200, "Unlisted", False),
        (500, "isv.BIND_CONFLICT", False),
        (503, "isp.RAM_PERMISSION_DENY", False),
    ],
)
def test_unknown_code_or_failing_server_is_definite_only_if_it_refuses(status, code, known):
    assert read_code(status, code).failed.known is known


@pytest.mark.parametrize(
    ("phone", "written"),
    [("+8657180000002", "057180000002"), ("+8613800000001", "13800000001"), ("+864001000001", "4001000001")],
)
def test_phones_are_written_in_aliyuns_form(server, world, phone, written):
    assert isinstance(bind(client(server, world), world, b=Plain(phone)), Bound)
    [made] = server.bound.values()
    assert made["B"] == written


@pytest.mark.parametrize("phone", ["+12125550100", "+8657180000002;ext=301", ""])
def test_phone_that_aliyun_cannot_call_is_named_before_a_request(server, world, phone):
    assert bind(client(server, world), world, b=Plain(phone)) == Failed(Reason.PROVIDER_NOT_BINDABLE)
    assert server.asked == []


@pytest.mark.parametrize(
    ("mood", "failed"),
    [
        ("throttle", Failed(Reason.PROVIDER_BUSY, retry_after=2)),
        ("flow", Failed(Reason.PROVIDER_BUSY, retry_after=2)),
        ("system", Failed(Reason.PROVIDER_NO_ANSWER, known=False)),
        ("partly", Failed(Reason.PROVIDER_NO_ANSWER, known=False)),
        ("garbage", Failed(Reason.PROVIDER_NO_ANSWER, known=False)),
        ("late", Failed(Reason.PROVIDER_NO_ANSWER, known=False)),
    ],
)
def test_each_failure_has_its_name_and_nothing_is_sent_twice(server, world, mood, failed):
    server.mood = [mood]
    provider = client(server, world)
    assert bind(provider, world) == failed
    assert server.asked == ["BindAxb"]
    made = len(server.bound)
    assert made == (1 if mood in {"partly", "garbage", "late"} else 0)
    assert len(provider.subscriptions(MAINS[0])) == made  # so it can be found again


def test_unreachable_server_is_known_to_have_done_nothing(server, world):
    gone = client(server, world, endpoint="http://127.0.0.1:1")
    assert bind(gone, world) == Failed(Reason.PROVIDER_DOWN, retry_after=10)
    assert gone.subscriptions(MAINS[0]) is None
    assert not gone.unbind(MAINS[0], "1")


def test_phone_bound_already_conflicts_on_that_number_only(server, world):
    provider = client(server, world)
    bind(provider, world)
    assert bind(provider, world, b=Plain("+8613800000002")) == Failed(Reason.PROVIDER_CONFLICT)
    assert isinstance(bind(provider, world, MAINS[1], b=Plain("+8613800000002")), Bound)


@pytest.mark.parametrize(
    "changes", [{"endpoint": "http://example.com"}, {"endpoint": "ftp://x"}, {"mains": ()}, {"mains": ("x",)}]
)
def test_account_that_would_send_plain_phones_is_refused(server, world, changes):
    with pytest.raises(SettingsError, match="aliyun"):
        client(server, world, **changes)


def test_neither_phones_nor_secrets_appear_in_repr(server, world):
    provider = client(server, world)
    bound = bind(provider, world)
    for text in (repr(provider._account), repr(bound), str(vars(provider))):
        for secret in (SECRET, "13900000007", "0000-0001", "13800000001"):
            assert secret not in text
