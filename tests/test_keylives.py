"""Keys are rotated, revoked and die on time, and no parcel is lost."""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa

from masking.crypto import archive
from masking.crypto.index import record_of_waybill_id
from masking.crypto.keys import DayWrapper, FileKeySource
from masking.database import key_schema
from masking.database.engine import transaction
from masking.errors import IntegrityError, RefusedError, UnavailableError
from masking.keys import lifecycle
from masking.keys.keystore import Generation, KeyStore
from masking.runtime import day_of
from tests.support.parcels import check_out, damage, open_recipient_name, print_label
from tests.support.people import TENANT


def names(store, purpose):
    return {line.name: line.state for line in lifecycle.listing(store.keys) if line.purpose == purpose}


def run(moves):
    return sum(moves)


def wraps(store):
    with transaction(store.keys.engine) as tx:
        return tx.execute(sa.select(key_schema.wrap).order_by(key_schema.wrap.c.waybill)).all()


@pytest.fixture
def many(store, world, order):
    return [check_out(world, store, order(f"A-{n}")) for n in range(5)]


def test_closed_day_leaves_only_the_offline_key(store, world, fake_world, many):
    assert names(store, "archive") == {"2026-11-24": "live"}
    assert lifecycle.archive_keys_due(store.keys, world.now()) == []
    fake_world.advance(days=1)
    due = lifecycle.archive_keys_due(store.keys, world.now())
    assert due == ["2026-11-24"]
    lifecycle.close_days(store.keys, due, world.now())
    assert names(store, "archive") == {"2026-11-24": "archived"}
    assert store.keys.existing("archive", "2026-11-24") is None
    assert [open_recipient_name(store, each) for each in many] == ["欧阳测试"] * 5  # the online keys are another matter


def test_batch_begun_before_midnight_still_finds_its_day(store, world, fake_world, many):
    fake_world.advance(hours=16)  # half past midnight in China
    assert day_of(world.now()) == "2026-11-25"
    assert lifecycle.archive_keys_due(store.keys, world.now()) == []


def test_old_online_keys_are_destroyed_after_their_wraps_have_moved(store, world, fake_world, many):
    fake_world.advance(days=29)
    assert lifecycle.due_online(store.keys, world.now()) == []
    fake_world.advance(days=2)
    due = lifecycle.due_online(store.keys, world.now())
    assert due == ["2026-11-24"]
    with pytest.raises(RefusedError, match="key-still-needed"):
        lifecycle.destroy(store.keys, "online", *due, world.now())
    assert lifecycle.count_wraps(store.keys, due) == 5
    assert list(lifecycle.refresh(store.keys, due, world, world.now(), batch=2)) == [2, 2, 1]
    lifecycle.destroy(store.keys, "online", *due, world.now())
    assert names(store, "online") == {"2026-11-24": "dead", "2026-12-25": "live"}
    assert [open_recipient_name(store, each) for each in many] == ["欧阳测试"] * 5


def test_interrupted_refresh_is_continued(store, world, fake_world, many):
    fake_world.advance(days=31)
    moves = lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now(), batch=2)
    assert next(moves) == 2
    moves.close()
    assert [open_recipient_name(store, each) for each in many] == ["欧阳测试"] * 5
    assert lifecycle.count_wraps(store.keys, ["2026-11-24"]) == 3
    assert run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now())) == 3
    assert run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now())) == 0


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_unopenable_wrap_stays_and_the_others_move(store, world, fake_world, many, batch):
    damaged = wraps(store)[1].waybill
    damage(store, damaged, "wrap")
    fake_world.advance(days=31)
    assert run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now(), batch=batch)) == 4
    assert lifecycle.remaining_wraps(store.keys, ["2026-11-24"]) == [("2026-11-24", damaged)]
    with pytest.raises(RefusedError, match="key-still-needed"):
        lifecycle.destroy(store.keys, "online", "2026-11-24", world.now())


def test_moved_wrap_keeps_its_binding(store, world, fake_world, many):
    before = {row.waybill: row for row in wraps(store)}
    fake_world.advance(days=31)
    run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now()))
    key = store.keys.existing("online", "2026-12-25")
    old = store.keys.existing("online", "2026-11-24")
    for row in wraps(store):
        was = before[row.waybill]
        assert (row.generation, row.tenant, row.archive_key, row.archive) == (*was[1:3], was.archive_key, was.archive)
        bound = (row.tenant, row.waybill, row.generation)
        mine = DayWrapper("online", "2026-12-25", key).unwrap(*bound, row.online)
        assert mine == DayWrapper("online", "2026-11-24", old).unwrap(*bound, was.online)
        for place in ((TENANT + "x", *bound[1:]), (TENANT, bytes(16), 1), (*bound[:2], 2)):
            with pytest.raises(IntegrityError):
                DayWrapper("online", "2026-12-25", key).unwrap(*place, row.online)


def test_wraps_with_swapped_rows_do_not_open(store, many):
    first, second = wraps(store)[:2]
    with transaction(store.keys.engine) as tx:
        for mine, other in ((first, second), (second, first)):
            tx.execute(
                key_schema.wrap.update().where(key_schema.wrap.c.waybill == mine.waybill).values(online=other.online)
            )
    for wrapped in store.keys.online_wraps([Generation(first.waybill, 1), Generation(second.waybill, 1)]).values():
        with pytest.raises(IntegrityError):
            store.keys.unwrap(wrapped)


def test_revoked_online_key_wraps_nothing_new_and_opens_until_refreshed(store, world, order, many):
    lifecycle.revoke(store.keys, "online", "2026-11-24", world.now())
    late = check_out(world, store, order("A-late"))
    assert names(store, "online") == {"2026-11-24": "revoked", "2026-11-24.2": "live"}
    assert [open_recipient_name(store, each) for each in [*many, late]] == ["欧阳测试"] * 6
    assert lifecycle.due_online(store.keys, world.now()) == ["2026-11-24"]
    assert run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now())) == 5
    lifecycle.destroy(store.keys, "online", "2026-11-24", world.now())
    assert [open_recipient_name(store, each) for each in [*many, late]] == ["欧阳测试"] * 6


def test_revoked_keys_are_a_set_and_not_a_lower_bound(store, world, many):
    second = lifecycle.rotate(store.keys, "online", world, world.now())
    third = lifecycle.rotate(store.keys, "online", world, world.now())
    assert (second, third) == ("2026-11-24.2", "2026-11-24.3")
    lifecycle.revoke(store.keys, "online", second, world.now())
    assert names(store, "online") == {"2026-11-24": "live", second: "revoked", third: "live"}
    assert store.keys.day_name("online", world, world.now()) == third


def test_worker_unaware_of_a_revocation_wraps_nothing_by_that_key(store, world, order, many):
    other = KeyStore(store.keys.engine, store.keys.source)
    stale = other.day_name("online", world, world.now())
    other.key("online", stale, world, world.now())
    lifecycle.revoke(store.keys, "online", stale, world.now())
    other.add_wraps(TENANT, [Generation(bytes(16), 1)], world, world.now())
    assert {row.waybill: row.online_key for row in wraps(store)}[bytes(16)] == "2026-11-24.2"


def test_wrap_moved_after_it_was_read_still_opens(store, world, fake_world, many):
    record = record_of_waybill_id(many[0].id)
    [read_before] = store.keys.online_wraps([Generation(record, 1)]).values()
    fake_world.advance(days=31)
    run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now()))
    lifecycle.destroy(store.keys, "online", "2026-11-24", world.now())
    assert store.keys.unwrap(read_before) == store.keys.unwrap(
        next(iter(store.keys.online_wraps([Generation(record, 1)]).values()))
    )


def test_key_in_use_is_not_refreshed(store, world, many):
    with pytest.raises(RefusedError, match="key-in-use"):
        run(lifecycle.refresh(store.keys, ["2026-11-24"], world, world.now()))


def test_labels_of_an_older_key_are_read_unless_it_is_revoked(store, world, many, fake_world):
    first = print_label(world, store, many[0])
    assert lifecycle.rotate(store.keys, "label", world, world.now()) == "2"
    second = print_label(world, store, many[1])
    assert first.code[3:5] != second.code[3:5]
    assert store.read_codes([first.code], world, world.now()) == [(record_of_waybill_id(many[0].id), 1)]
    lifecycle.revoke(store.keys, "label", "1", world.now())
    assert store.read_codes([first.code], world, world.now()) == [None]
    assert store.read_codes([second.code], world, world.now()) == [(record_of_waybill_id(many[1].id), 1)]
    lifecycle.revoke(store.keys, "label", "2", world.now())
    third = print_label(world, store, many[2])
    assert store.read_codes([third.code], world, world.now()) == [(record_of_waybill_id(many[2].id), 1)]
    assert names(store, "label") == {"1": "dead", "2": "dead", "3": "live"}


def test_another_worker_forgets_a_revoked_label_key_within_ten_seconds(store, world, many, fake_world):
    code = print_label(world, store, many[0]).code
    other = KeyStore(store.keys.engine, store.keys.source)
    assert list(other.label_keys(world, world.now())) == [1]
    lifecycle.revoke(store.keys, "label", "1", world.now())
    fake_world.advance(seconds=11)
    assert 1 not in other.label_keys(world, world.now())
    assert store.read_codes([code], world, world.now()) == [None]


def test_only_existing_keys_of_some_kinds_can_be_revoked(store, world, many):
    for purpose, name in (("sign", "ledger"), ("archive", "2026-11-24"), ("online", "2020-01-01"), ("label", "9")):
        with pytest.raises(RefusedError, match="no-such-key"):
            lifecycle.revoke(store.keys, purpose, name, world.now())


def test_index_keys_are_destroyed_after_their_time(store, world, fake_world, many):
    assert lifecycle.forget_indexes(store.keys, world.now()) == 0
    fake_world.advance(days=8)
    assert lifecycle.forget_indexes(store.keys, world.now()) == 1  # last week's merge key
    fake_world.advance(days=23)
    assert lifecycle.forget_indexes(store.keys, world.now()) == 1
    assert names(store, "person") == names(store, "merge") == {}


def test_new_offline_key_is_used_from_the_next_day_on(store, world, fake_world, order, many):
    name, private = lifecycle.new_offline(store.keys)
    lifecycle.use_offline(store.keys, name, private, world, world.now())
    assert name == "2"
    fake_world.advance(days=1)
    check_out(world, store, order("A-next"))
    with transaction(store.keys.engine) as tx:
        table = key_schema.stored_key
        query = sa.select(table.c.name, table.c.sealed_to, table.c.archived).where(table.c.purpose == "archive")
        rows = {row.name: row for row in tx.execute(query)}
    assert {day: row.sealed_to for day, row in rows.items()} == {"2026-11-24": "1", "2026-11-25": "2"}
    key = archive.open_day_key(private, "2026-11-25", rows["2026-11-25"].archived)
    assert key == store.keys.existing("archive", "2026-11-25")


def test_new_root_opens_everything_after_the_rewrap_and_the_old_one_nothing(store, world, tmp_path, many):
    old, new = store.keys.source, FileKeySource.create(tmp_path / "new.key", os.urandom)
    assert lifecycle.rewrap_root(store.keys, new, world) == len([1 for line in lifecycle.listing(store.keys)])
    assert [open_recipient_name(store, each) for each in many] == ["欧阳测试"] * 5
    with pytest.raises(IntegrityError):
        KeyStore(store.keys.engine, old).existing("online", "2026-11-24")


def test_rewrap_that_meets_a_foreign_key_changes_nothing(store, world, tmp_path, many):
    with transaction(store.keys.engine) as tx:
        table = key_schema.stored_key
        tx.execute(table.update().where(table.c.purpose == "staff").values(wrapped=b"\1" + bytes(60)))
    new = FileKeySource.create(tmp_path / "new.key", os.urandom)
    with pytest.raises((IntegrityError, UnavailableError)):
        lifecycle.rewrap_root(store.keys, new, world)
    store.keys.forget()
    assert [open_recipient_name(store, each) for each in many] == ["欧阳测试"] * 5


class Emptied(dict):
    """A cache that another thread empties right after each entry."""

    def __setitem__(self, key, value):
        pass


def test_key_names_are_answered_while_another_thread_empties_the_cache(store, world, many):
    store.keys._names = Emptied()
    assert store.keys.names("offline") == ["1"]
