"""Orders sealed at their source: each opens once, for whom it was sealed, while its time lasts; and the outbox leaks nothing."""

from __future__ import annotations

import base64
import json
import shutil
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.service.request_models import ORDER
from masking.client import RemoteShop
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.client.sealer import Sealer
from masking.client.state import StateFolder
from masking.crypto import envelope
from masking.crypto.envelope import SealingKey, read_directory
from masking.errors import IntegrityError, UnavailableError
from masking.journal import journal
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.steps.change import Cancel, change
from masking.steps.checkout import Checkout, checkout
from masking.store import sealed_orders
from masking.store.sealed_orders import Opened
from masking.values.printable import Rejected, Waybill
from tests.support.fake_world import FakeWorld
from tests.support.local_servers import unused_port
from tests.support.people import RIVAL, SHOP, TENANT
from tests.support.service_parcels import made

HANDS = FakeWorld()
PRIVATE = bytes(range(32))
KEY = envelope.public_key(PRIVATE, 7, HANDS.time + timedelta(days=7))


def sealed(text=b"{}", **changes):
    values = {"key": KEY, "tenant": TENANT, "merchant": "shop", "id_": bytes(16), "not_after": HANDS.time, "text": text}
    return envelope.seal(**(values | changes))


@given(st.binary(max_size=600).map(lambda text: text.rstrip(b" ")))
def test_envelope_round_trips(text):
    assert envelope.open_envelope(PRIVATE, TENANT, "shop", sealed(text)).rstrip(b" ") == text


@pytest.mark.parametrize("size", [1, 100, 256])
def test_short_orders_have_one_size(size):
    assert len(sealed(b"x" * size)) == len(sealed(b"x"))


@given(st.data())
def test_any_flipped_bit_of_an_envelope_is_refused(data):
    blob = sealed(b'{"reference": "A-1"}')
    bit = data.draw(st.integers(0, 8 * len(blob) - 1))
    changed = (int.from_bytes(blob, "big") ^ 1 << bit).to_bytes(len(blob), "big")
    with pytest.raises(IntegrityError):
        envelope.open_envelope(PRIVATE, TENANT, "shop", changed)


def test_envelope_opens_only_for_its_merchant_and_tenant():
    for private, tenant, merchant in (
        (bytes(32), TENANT, "shop"),
        (PRIVATE, "carrier2", "shop"),
        (PRIVATE, TENANT, "rival"),
        (PRIVATE, TENANT + "shop", ""),
    ):
        with pytest.raises(IntegrityError):
            envelope.open_envelope(private, tenant, merchant, sealed())


@given(st.binary(max_size=200))
def test_random_bytes_are_not_an_envelope(blob):
    found = envelope.head(blob)
    assert found is None or blob[:1] == b"\1"
    with pytest.raises(IntegrityError):
        envelope.open_envelope(PRIVATE, TENANT, "shop", blob)


SIGNER = VerifierKey.of_seed("waybill-masking/carrier", PRIVATE)
NOTE = envelope.sign_directory(SIGNER.name, [KEY], PRIVATE)


def test_directory_round_trips():
    assert read_directory(NOTE, SIGNER) == [KEY]
    assert read_directory(envelope.sign_directory(SIGNER.name, [], PRIVATE), SIGNER) == []


@given(st.integers(0, len(NOTE) - 1), st.sampled_from("0Zz\n ="))
def test_any_changed_character_of_a_directory_is_refused(place, character):
    changed = NOTE[:place] + character + NOTE[place + 1 :]
    assume(changed != NOTE)
    with pytest.raises(IntegrityError):
        read_directory(changed, SIGNER)


def test_substituted_directory_is_refused():
    other = VerifierKey.of_seed(SIGNER.name, bytes(32))
    forged = envelope.sign_directory(SIGNER.name, [SealingKey(8, KEY.public, KEY.until)], bytes(32))
    for note, signer in (
        (forged, SIGNER),
        (NOTE, other),
        (NOTE, VerifierKey("waybill-masking/carrier2", SIGNER.public)),
    ):
        with pytest.raises(IntegrityError, match="not signed by the pinned key"):
            read_directory(note, signer)


# ---- the service's side, on every kind of store


@pytest.fixture
def shop_box(store, world, tmp_path):
    """A merchant's sealer that knows the service's directory."""
    box = Sealer(StateFolder(tmp_path / "shop.json"), world)
    key = journal.log_key(world, store)
    box.learn({"note": sealed_orders.directory(world, store), "merchant": SHOP.unit}, key)
    return box


def blob_of(box, order):
    return base64.b64decode(box.seal([order])[0])


def enter(world, store, blob, merchant=SHOP):
    [opened] = sealed_orders.open_orders(world, store, merchant, [blob])
    if isinstance(opened, Rejected):
        return opened.rule
    [outcome] = checkout(world, store, [Checkout(merchant=merchant, order=opened.order, envelope=opened.envelope)])
    return outcome.rule if isinstance(outcome, Rejected) else outcome


def test_envelope_creates_its_waybill_and_finds_it_again(store, world, order, shop_box):
    blob = blob_of(shop_box, order())
    first, again = enter(world, store, blob), enter(world, store, blob)
    assert isinstance(first, Waybill)
    assert (first.id, first.created, again.created) == (again.id, True, False)


def test_replayed_envelope_restores_nothing_destroyed(store, world, order, shop_box):
    blob = blob_of(shop_box, order())
    waybill = enter(world, store, blob)
    change(world, store, [Cancel(merchant=SHOP, id=waybill.id)])
    assert enter(world, store, blob) == "replayed"
    assert isinstance(enter(world, store, blob_of(shop_box, order())), Waybill)  # the merchant may send it anew


def test_same_envelope_twice_in_one_batch_creates_one_waybill(store, world, order, shop_box):
    opened = sealed_orders.open_orders(world, store, SHOP, [blob_of(shop_box, order())] * 2)
    outcomes = checkout(world, store, [Checkout(merchant=SHOP, order=o.order, envelope=o.envelope) for o in opened])
    assert isinstance(outcomes[0], Waybill)
    assert outcomes[1].rule == "replayed"


def test_envelope_of_another_merchant_is_refused(store, world, order, shop_box):
    assert enter(world, store, blob_of(shop_box, order()), RIVAL) == "not-for-this"


def test_envelope_expires(store, world, order, shop_box, fake_world):
    blob = blob_of(shop_box, order())
    fake_world.advance(days=3, seconds=1)
    assert enter(world, store, blob) == "expired"


def test_envelope_cannot_outlive_its_key(store, world, order, shop_box, fake_world):
    [key] = shop_box._directory.keys
    late = envelope.seal(key, TENANT, SHOP.unit, bytes(16), key.until + timedelta(days=9), b"{}")
    assert envelope.head(late).not_after == key.until
    forged = late[:21] + (2**40).to_bytes(8, "big") + late[29:]
    assert enter(world, store, forged) == "expired"
    fake_world.advance(days=7)
    sealed_orders.end_keys(store, world.now())
    assert store.keys.existing("source", str(key.id)) is None
    assert enter(world, store, late) == "expired"


def test_invalid_order_in_an_envelope_is_refused_by_name(store, world, shop_box):
    [key] = shop_box._directory.keys
    for text in (
        b"{",
        b"[]",
        b'{"reference": 1}',
        b"\xff",
        b'{"reference": "A", "recipient": {}}',
        b"9" * 9000,
        b"[" * 99999,
        json.dumps(ORDER | {"reference": "\ud800"}).encode(),
        json.dumps(ORDER | {"remark": "\udfff"}).encode(),
    ):
        blob = envelope.seal(key, TENANT, SHOP.unit, bytes(16), world.now() + timedelta(days=1), text)
        assert enter(world, store, blob) == "holds-no-order"
    for blob in (b"", b"\1", b"\2" + bytes(200), bytes(200)):
        assert enter(world, store, blob) == "not-an-envelope"


def test_sealing_keys_are_made_daily_and_used_ids_kept_until_they_expire(store, world, order, shop_box, fake_world):
    enter(world, store, blob_of(shop_box, order()))
    assert sealed_orders.directory(world, store).count("\nkey ") == 1
    fake_world.advance(days=1, seconds=1)
    assert sealed_orders.directory(world, store).count("\nkey ") == 2
    with store.transaction() as tx:
        assert sealed_orders.sweep(tx, world.now()) == 0
    fake_world.advance(days=3)
    with store.transaction() as tx:
        assert sealed_orders.sweep(tx, world.now()) == 1


# ---- the whole way over HTTP


@pytest.fixture
def path(service, tmp_path):
    file = tmp_path / "shop.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
    return file


def connected(url, path):
    return RemoteShop(Link(url, Credentials.read(path), sleep=lambda _: None))


def test_orders_wait_sealed_during_an_outage_and_are_entered_once(service, path, tmp_path):
    first, second, third = made(), made(), made()
    with connected(service.url, path) as shop:
        shop.checkout([first])  # learns the ledger's key and the directory
    with connected(f"http://127.0.0.1:{unused_port()}", path) as shop:
        [pending, rejected, also] = shop.checkout([second, made(reference=""), third])
        assert (pending.state, pending.id, pending.number, pending.reference) == ("pending", "", None, second.reference)
        assert pending.masked == shop.checkout([second])[0].masked
        assert isinstance(rejected, Rejected)
        assert also.state == "pending"
        with pytest.raises(UnavailableError):
            shop.flush()
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("shop*") if file.is_file())
    for canary in ("欧阳测试", "13800000001", "世纪大道"):
        assert canary.encode() not in kept
        assert json.dumps(canary)[1:-1].encode() not in kept
    assert (tmp_path / "shop.outbox").stat().st_mode & 0o777 == 0o700
    copy = tmp_path / "copy.outbox"
    shutil.copytree(tmp_path / "shop.outbox", copy)
    with connected(service.url, path) as shop:
        done = shop.flush()
        assert sorted(done) == sorted([second.reference, third.reference])
        assert all(outcome.created for outcome in done.values())
        assert shop.flush() == {}
        shutil.copytree(
            copy, tmp_path / "shop.outbox", dirs_exist_ok=True
        )  # sent again, e.g. after the machine was put back
        again = shop.flush()
        assert {ref: (w.id, w.created) for ref, w in again.items()} == {ref: (w.id, False) for ref, w in done.items()}


def test_answered_checkout_drops_the_pending_order_of_its_reference(service, path, tmp_path):
    order = made()
    with connected(service.url, path) as shop:
        shop.checkout([made()])
    with connected(f"http://127.0.0.1:{unused_port()}", path) as shop:
        shop.checkout([order])
        assert shop.pending().count == 1
    with connected(service.url, path) as shop:
        assert shop.checkout([order])[0].created
        assert shop.pending().count == 0


def test_substituted_kept_directory_stops_the_client(service, path, tmp_path):
    with connected(service.url, path) as shop:
        shop.checkout([made()])
    kept = tmp_path / "shop.sources.json"
    key = envelope.public_key(bytes(range(32)), 1, World().now() + timedelta(days=7))
    forged = envelope.sign_directory(f"waybill-masking/{TENANT}", [key], bytes(32))
    kept.write_text(json.dumps({"note": forged, "merchant": SHOP.unit}), "utf-8")
    with connected(service.url, path) as shop, pytest.raises(IntegrityError, match="not signed by the pinned key"):
        shop.checkout([made()])


def test_opened_order_equals_the_sealed_one(store, world, order, shop_box):
    [opened] = sealed_orders.open_orders(world, store, SHOP, [blob_of(shop_box, order("A-7"))])
    assert isinstance(opened, Opened)
    assert opened.order == order("A-7")
