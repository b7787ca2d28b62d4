"""Keys that are older than the data: it is noticed, refused, and told to the merchant; and what a sample finds."""

from __future__ import annotations

import pytest

from api.cli.commands.doctor import look
from api.cli.main import main
from masking.crypto.index import record_of_waybill_id
from masking.database.engine import transaction
from masking.database.key_schema import wrap
from masking.deployment import create, open_folder
from masking.runtime import World
from masking.steps.change import Amend, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.retire import SealAway, retire
from masking.store.store import Settings
from masking.upkeep import unopened as module
from masking.upkeep.unopened import active_pages, unopened
from masking.values.printable import Waybill
from tests.support.parcels import check_out
from tests.support.people import OPERATOR, SHOP

WORLD = World()


def lose_keys(store, waybills) -> None:
    """As a key store that was made before these waybills."""
    with transaction(store.keys.engine) as tx:
        tx.execute(wrap.delete().where(wrap.c.waybill.in_([record_of_waybill_id(each.id) for each in waybills])))


def test_active_waybill_without_its_key_is_found_and_others_are_not(world, store, order):
    entered = [check_out(world, store, order(f"A-{n}")) for n in range(5)]
    retire(world, store, [SealAway(actor=OPERATOR, id=entered[4].id)])
    assert unopened(store) == unopened(store, world) == (4, [])
    lose_keys(store, entered[:1])
    with transaction(store.keys.engine) as tx:
        damaged = wrap.c.waybill == record_of_waybill_id(entered[1].id)
        tx.execute(wrap.update().where(damaged).values(online=b"\1" + bytes(60)))
    wrong = sorted(record_of_waybill_id(each.id) for each in entered[:2])
    tried, found = unopened(store, world)
    assert (tried, sorted(found)) == unopened(store) == (4, wrong)


def test_pages_and_samples_cover_what_they_claim(world, store, order, fake_world, monkeypatch):
    made = []
    for n in range(12):
        made.append(record_of_waybill_id(check_out(world, store, order(f"A-{n}")).id))
        fake_world.advance(seconds=1)
    monkeypatch.setattr(module, "PAGE", 5)
    pages = [[each.waybill for each in page] for page in active_pages(store.data)]
    assert pages == [made[:5], made[5:10], made[10:]]
    monkeypatch.setattr(module, "NEWEST", 3)
    monkeypatch.setattr(module, "WINDOW", 2)
    monkeypatch.setattr(module, "_NEWEST", module._NEWEST.limit(3))
    [sample] = module._sample(store.data, world)
    found = [each.waybill for each in sample]
    assert found[:3] == made[:-4:-1]
    assert len(found) == len(set(found)) > 3  # with some of the windows at random places, and none twice
    assert set(found) <= set(made)


def test_order_with_a_lost_key_is_reported_and_amending_repairs_it(world, store, order):
    [before] = checkout(world, store, [Checkout(merchant=SHOP, order=order("A-1"))])
    lose_keys(store, [before])
    [again] = checkout(world, store, [Checkout(merchant=SHOP, order=order("A-1"))])
    assert (again.field, again.rule) == ("reference", "damaged")
    [mended] = change(world, store, [Amend(merchant=SHOP, id=before.id, order=order("A-1"))])
    assert isinstance(mended, Waybill)
    [after] = checkout(world, store, [Checkout(merchant=SHOP, order=order("A-1"))])
    assert after.id == before.id
    assert unopened(store) == (1, [])


@pytest.fixture
def folder(tmp_path, order):
    """A deployment with one order whose keys are in the copy `keys.copy`, and three later ones."""
    made = tmp_path / "deployment"
    create(made, WORLD, Settings(tenant=SHOP.tenant))
    enter(made, [order("before")])
    assert main(["backup", "keys", str(tmp_path / "keys.copy"), "--folder", str(made)]) == 0
    enter(made, [order(f"since-{n}") for n in range(3)])
    (made / "keys.sqlite").rename(tmp_path / "lost.sqlite")
    for beside in made.glob("keys.sqlite-*"):
        beside.unlink()
    return made


def enter(folder, orders) -> None:
    from masking import connect

    with connect(folder) as shop:
        assert all(isinstance(each, Waybill) for each in shop.checkout(orders))


def test_restore_refuses_keys_older_than_the_data_unless_confirmed(folder, tmp_path, capsys):
    restore = ["restore", "keys", str(tmp_path / "keys.copy"), "--folder", str(folder)]
    for lose in ([], ["--lose", "2"]):
        assert main([*restore, *lose]) == 2
        assert "lacks the keys of 3 active waybills" in capsys.readouterr().err
        assert not (folder / "keys.sqlite").exists()
    assert main([*restore, "--lose", "3"]) == 0
    for deep in (False, True):
        [found] = [
            each
            for each in look(folder, WORLD, deep=deep)
            if "active waybills" in each.text and "can't be opened" in each.text
        ]
        assert found.verdict == "WRONG"
        assert found.text.startswith(f"3 of 4 active waybills{'' if deep else ' (a sample)'} can't be opened: wb1_")


def test_keys_copied_after_the_data_lose_nothing(folder, tmp_path):
    (tmp_path / "lost.sqlite").rename(folder / "keys.sqlite")
    assert main(["backup", "keys", str(tmp_path / "later.copy"), "--folder", str(folder)]) == 0
    for file in folder.glob("keys.sqlite*"):
        file.unlink()
    assert main(["restore", "keys", str(tmp_path / "later.copy"), "--folder", str(folder)]) == 0
    store = open_folder(folder, WORLD)
    assert unopened(store) == (4, [])
    store.close()
