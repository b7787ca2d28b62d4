"""The ledger's rows: nothing is passed over, nothing is placed twice, and each checkpoint follows from the one before."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from masking.errors import IntegrityError, UnavailableError
from masking.journal import journal
from masking.keys import signed_head
from masking.ledger import tree
from masking.ledger.checkpoint import Checkpoint, follows, read, sign
from masking.ledger.loss import LossReason
from tests.support.ledger import alarms_of
from tests.support.ledger_rows import LEAF, NODE, POINT, RECORD, body, edit, read_note, write


def interrupted(store, work) -> None:
    with store.transaction() as tx:
        work(tx)
        raise ZeroDivisionError


def rows(store, column):
    with store.transaction() as tx:
        return list(tx.execute(sa.select(column).order_by(column)).scalars())


def test_leaves_get_positions_in_order_and_the_note_signs_them(world, store):
    written = write(world, store, 5)
    note = journal.sequence(world, store)
    signed = read(note, journal.log_key(world, store))
    grown = tree.Tree()
    grown.append([journal.encode(leaf) for leaf in sorted(written, key=lambda leaf: leaf.id)])
    assert (signed.size, signed.root, signed.at) == (5, grown.root(), world.now())
    assert journal.latest(store) == note
    report = journal.verify(store)
    assert (report.size, report.fault, report.note, report.waiting) == (5, None, note, 0)


def test_empty_ledger_is_signed_and_verifies(world, store):
    assert journal.verify(store) == journal.AuditReport(0, None, "", 0)
    assert journal.latest(store) == ""
    assert read(journal.sequence(world, store), journal.log_key(world, store)).root == tree.EMPTY_ROOT
    assert journal.verify(store).fault is None


def test_idle_ledger_is_signed_each_minute_and_not_each_second(world, ledger, fake_world):
    first = journal.latest(ledger)
    assert journal.sequence(world, ledger) == first
    assert journal.sequence(world, ledger, now=world.now() + timedelta(seconds=59)) == first
    second = journal.sequence(world, ledger, now=world.now() + timedelta(seconds=60))
    key = journal.log_key(world, ledger)
    assert second != first
    assert (read(second, key).size, read(second, key).root) == (read(first, key).size, read(first, key).root)
    assert journal.verify(ledger).fault is None


def test_leaf_that_commits_late_is_placed_though_its_id_is_older(world, store, fake_world):
    late = store.leaf(world, world.now(), "grant", "courier-7", RECORD)
    fake_world.advance(minutes=5)
    early = write(world, store, 2)
    journal.sequence(world, store)
    assert late.id < early[0].id
    with store.transaction() as tx:
        journal.append(tx, [late])
    journal.sequence(world, store)
    with store.transaction() as tx:
        assert tx.execute(sa.select(LEAF.c.position).where(LEAF.c.id == late.id)).scalar_one() == 2
    assert journal.verify(store) == journal.AuditReport(3, None, journal.latest(store), 0)


@pytest.mark.parametrize("urls", ["file"], indirect=True)  # no other keeps a text where bytes belong
@pytest.mark.parametrize("kept", ["a text", 7, 1.5])
def test_broken_waiting_leaf_does_not_block_later_ones(world, store, kept):
    broken, *_ = write(world, store, 3)
    edit(store, sa.text("UPDATE leaf SET body = :kept WHERE id = :id").bindparams(kept=kept, id=broken.id))
    journal.sequence(world, store)
    assert sorted(rows(store, LEAF.c.position)) == [0, 1, 2]
    journal.sequence(world, store)
    assert len(rows(store, POINT.c.number)) == 1


def test_act_that_is_rolled_back_leaves_no_leaf(world, store):
    leaf = store.leaf(world, world.now(), "grant", "courier-7", RECORD)
    with pytest.raises(ZeroDivisionError):
        interrupted(store, lambda tx: journal.append(tx, [leaf]))
    assert rows(store, LEAF.c.id) == []


def test_sequencer_that_dies_before_its_commit_changes_nothing(world, store):
    write(world, store, 3)
    seed = store.keys.key("sign", "ledger", world, world.now())
    with pytest.raises(ZeroDivisionError):
        interrupted(
            store, lambda tx: journal._sequence_once(tx, store.settings.origin, seed, None, world.now(), timedelta(0))
        )
    assert rows(store, NODE.c.node_index) == rows(store, POINT.c.number) == []
    journal.sequence(world, store)
    assert journal.verify(store) == journal.AuditReport(3, None, journal.latest(store), 0)


def test_concurrent_sequencers_and_writers_place_every_leaf_once(world, store):
    write(world, store, 1)
    journal.sequence(world, store)
    start, failed = threading.Barrier(4), []

    def run(work):
        start.wait()
        try:
            for _ in range(8):
                work()
        except BaseException as error:
            failed.append(error)

    works = [lambda: write(world, store, 3)] * 2 + [lambda: journal.sequence(world, store)] * 2
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    journal.sequence(world, store)
    assert rows(store, LEAF.c.position) == list(range(49))
    assert rows(store, NODE.c.node_index) == list(range(tree.stored(49)))
    assert rows(store, POINT.c.size)[-1] == 49
    assert journal.verify(store).fault is None


def test_changed_tree_is_not_signed(world, ledger):
    at = tree.node_index(tree.Span(8, 12))
    edit(ledger, NODE.update().where(NODE.c.node_index == at).values(hash=b"x" * 32))
    write(world, ledger, 1)
    with pytest.raises(IntegrityError, match="differs in leaves that were signed"):
        journal.sequence(world, ledger)
    edit(ledger, NODE.delete().where(NODE.c.node_index == at))
    with pytest.raises(IntegrityError, match="missing"):
        journal.sequence(world, ledger)
    assert journal.verify(ledger).waiting == 1


def test_leaves_beyond_one_batch_are_placed_in_one_call(world, store):
    write(world, store, journal._BATCH + 1)
    journal.sequence(world, store)
    assert journal.verify(store) == journal.AuditReport(journal._BATCH + 1, None, journal.latest(store), 0)
    assert rows(store, POINT.c.size) == [journal._BATCH, journal._BATCH + 1]


def test_who_saw_finds_a_waybill_before_and_after_sequencing(world, store, fake_world):
    other = store.leaf(world, world.now(), "grant", "courier-8", RECORD[:6] + b"another...")
    with store.transaction() as tx:
        journal.append(tx, [other])
    first = sorted(write(world, store, 2), key=lambda leaf: leaf.id)
    assert journal.who_saw(world, store, RECORD) == first
    journal.sequence(world, store)
    assert journal.who_saw(world, store, RECORD) == first
    fake_world.advance(days=40)
    later = write(world, store, 1, "destroy")
    assert journal.who_saw(world, store, RECORD) == first + later


def test_who_saw_since_a_time_leaves_out_what_was_signed_before(world, store, fake_world):
    write(world, store, 2)
    journal.sequence(world, store)
    fake_world.advance(hours=2)
    since, later = world.now(), write(world, store, 1)
    journal.sequence(world, store)
    assert journal.who_saw(world, store, RECORD, since=since) == later
    assert journal.who_saw(world, store, RECORD, since=since + timedelta(days=1)) == []


@pytest.mark.parametrize("signed", [True, False])
def test_clock_set_back_hides_no_leaf_from_who_saw_since(world, store, fake_world, signed):
    old = write(world, store, 1)
    journal.sequence(world, store)
    fake_world.advance(hours=2)
    since = world.now()
    journal.sequence(world, store)
    fake_world.advance(hours=-5)
    hidden = write(world, store, 1)
    if signed:
        journal.sequence(world, store)
    fake_world.advance(hours=6)
    later = write(world, store, 1)
    journal.sequence(world, store)
    assert journal.who_saw(world, store, RECORD, since=since) == hidden + later
    assert len(journal.who_saw(world, store, RECORD)) == len(old) + 2


def test_any_two_checkpoints_of_one_ledger_are_consistent(world, ledger):
    key = journal.log_key(world, ledger)
    points = [read(read_note(ledger, number), key) for number in range(3)]
    for early in range(3):
        for late in range(early, 3):
            path = journal.proof(ledger, tree.consistency(points[early].size, points[late].size))
            assert follows(points[early], points[late], path) is None


def test_leaf_is_proven_to_be_in_the_ledger(world, ledger):
    signed = read(journal.latest(ledger), journal.log_key(world, ledger))
    path = journal.proof(ledger, tree.inclusion(6, 12))
    assert tree.verify_inclusion(tree.leaf_hash(body(ledger, 6)), 6, 12, path, signed.root)


def test_sequencer_refused_by_the_store_raises_one_error_and_places_nothing(world, ledger):
    edit(ledger, NODE.insert().values(node_index=tree.stored(12), hash=b"x" * 32))
    write(world, ledger, 1)
    with pytest.raises(UnavailableError):
        journal.sequence(world, ledger)
    assert journal.verify(ledger).waiting == 1


def cut_back(store, size, number):
    """What someone who can write the data does to go back to an earlier checkpoint."""
    edit(
        store,
        LEAF.delete().where(LEAF.c.position >= size),
        NODE.delete().where(NODE.c.node_index >= tree.stored(size)),
        POINT.delete().where(POINT.c.number > number),
    )


def test_truncated_ledger_is_not_signed(world, ledger):
    cut_back(ledger, 9, 1)
    for waiting in range(3):  # also while nothing waits
        with pytest.raises(IntegrityError, match="9 leaves, and 12 were signed"):
            journal.sequence(world, ledger)
        write(world, ledger, 1)
        assert rows(ledger, POINT.c.size) == [5, 9], waiting
    assert alarms_of(ledger) == [("ledger-not-as-signed", "ledger")]
    assert journal.verify(ledger).fault == journal.LedgerFault(9, "tail-cut", 9)


def test_regrown_ledger_is_not_signed(world, ledger):
    head = signed_head.last(ledger.keys)
    cut_back(ledger, 9, 1)
    signed_head.replace(ledger.keys, None)  # another deployment's sequencer, say
    write(world, ledger, 5, "refusal")
    journal.sequence(world, ledger)
    signed_head.replace(ledger.keys, head)
    with pytest.raises(IntegrityError, match="differs in leaves that were signed"):
        journal.sequence(world, ledger)
    assert journal.verify(ledger).fault == journal.LedgerFault(0, "not-what-was-signed", 13)


def test_crash_between_commit_and_memory_leaves_an_extensible_memory(world, ledger):
    behind = signed_head.last(ledger.keys)
    write(world, ledger, 4)
    journal.sequence(world, ledger)
    signed_head.replace(ledger.keys, behind)
    assert journal.verify(ledger).fault is None
    journal.sequence(world, ledger)
    assert signed_head.last(ledger.keys).size == 16


def test_sequencers_memory_never_goes_back(world, ledger):
    head = signed_head.last(ledger.keys)
    signed_head.remember(ledger.keys, signed_head.SignedHead(5, b"x" * 32))
    assert signed_head.last(ledger.keys) == head == (12, head.root)


def accepted(world, store):
    return journal.accept(world, store, reason=LossReason.RESTORE, actor="operator")


def test_accepted_ledger_is_signed_again(world, ledger):
    cut_back(ledger, 9, 1)
    assert accepted(world, ledger)[:2] == (12, 9)
    write(world, ledger, 2)
    journal.sequence(world, ledger)
    assert journal.verify(ledger).fault is None
    assert rows(ledger, POINT.c.size) == [5, 9, 10, 12]  # the announcement is a leaf


def test_empty_ledger_can_be_accepted(world, ledger):
    edit(ledger, LEAF.delete(), NODE.delete(), POINT.delete())
    assert accepted(world, ledger)[:2] == (12, 0)
    journal.sequence(world, ledger)
    assert journal.verify(ledger).fault is None


def test_changed_tree_cannot_be_accepted(world, ledger):
    edit(ledger, NODE.update().where(NODE.c.node_index == tree.node_index(tree.Span(8, 12))).values(hash=b"x" * 32))
    with pytest.raises(IntegrityError):
        accepted(world, ledger)


def signed_for_days(world, store, fake_world, days):
    """A checkpoint of one leaf each half hour."""
    for _ in range(48 * days):
        write(world, store, 1)
        journal.sequence(world, store)
        fake_world.advance(minutes=30)


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_old_checkpoints_are_pruned_to_the_last_of_each_hour(world, store, fake_world):
    signed_for_days(world, store, fake_world, 2)
    assert journal.prune(store) == 24 - 1  # of hours that are over for a day, the first of two
    left = rows(store, POINT.c.number)
    assert left[-48:] == list(range(48, 96))
    assert journal.prune(store) == 0
    assert journal.verify(store) == journal.AuditReport(96, None, journal.latest(store), 0)
    write(world, store, 1)
    journal.sequence(world, store)
    assert journal.verify(store).fault is None


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_missing_checkpoint_of_the_last_day_is_still_named(world, store, fake_world):
    signed_for_days(world, store, fake_world, 2)
    journal.prune(store)
    edit(store, POINT.delete().where(POINT.c.number == 60))
    assert journal.verify(store).fault == journal.LedgerFault(60, "checkpoint-missing", 60)


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_workers_limited_to_one_signature_a_minute_share_it(world, store, fake_world):
    for _ in range(3):
        write(world, store, 1)
        journal.sequence(world, store, at_most_every=timedelta(seconds=1))
    assert (rows(store, POINT.c.number), journal.verify(store).waiting) == ([0], 2)
    fake_world.advance(seconds=1)
    journal.sequence(world, store, at_most_every=timedelta(seconds=1))
    assert (rows(store, POINT.c.number), journal.verify(store).size) == ([0, 1], 3)


def test_verification_continues_after_the_verified_checkpoint(world, store, fake_world):
    write(world, store, 5)
    begun = journal.sequence(world, store)
    write(world, store, 4)
    fake_world.advance(seconds=1)
    journal.sequence(world, store)
    assert journal.verify(store, since=begun) == journal.AuditReport(9, None, journal.latest(store), 0)
    edit(store, LEAF.update().where(LEAF.c.position == 2).values(body=b"invented"))
    assert journal.verify(store, since=begun).fault is None  # it was verified before
    assert journal.verify(store).fault == journal.LedgerFault(2, "leaf-changed", 2)
    edit(store, LEAF.update().where(LEAF.c.position == 7).values(body=b"invented"))
    assert journal.verify(store, since=begun).fault == journal.LedgerFault(7, "leaf-changed", 7)


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_changed_hash_below_the_verified_point_is_noticed(world, store):
    write(world, store, 5)
    begun = journal.sequence(world, store)
    edit(store, NODE.update().where(NODE.c.node_index == tree.node_index(tree.Span(0, 4))).values(hash=bytes(32)))
    assert journal.verify(store, since=begun).fault == journal.LedgerFault(0, "not-what-was-signed", 4)


def test_note_not_signed_by_the_ledger_is_no_starting_point(world, store):
    other = sign(Checkpoint(origin=store.settings.origin, size=0, root=tree.Tree().root(), at=world.now()), bytes(32))
    journal.sequence(world, store)
    with pytest.raises(IntegrityError):
        journal.verify(store, since=other)
