"""Leaves that are lost in a failover: announced by the operator, accepted by each client that is set to, refused by all others."""

from __future__ import annotations

import base64
import json
import shutil
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from api.cli.main import main
from masking.client import RemoteShop, accept_ledger
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.client.losses import Announced, parse_losses
from masking.client.state import StateFolder
from masking.client.watch import Watch
from masking.database.engine import transaction
from masking.database.key_schema import announced_loss
from masking.deployment import open_folder
from masking.errors import IntegrityError, MaskingError, SettingsError
from masking.journal import journal
from masking.keys import signed_head
from masking.ledger import loss, tree
from masking.ledger.log import Leaf, decode, encode
from masking.ledger.loss import Loss, LossReason
from masking.runtime import World
from masking.words.ledger_kinds import LedgerKind
from tests.support import postgresql
from tests.support.people import SHOP
from tests.support.running_service import make_deployment, run_service
from tests.support.shop_programs import order_of
from tests.support.watched_ledgers import KEY, ORIGIN, OTHER, SEED, Ledger, ledger

WORLD = World()
BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


class Restored(Ledger):
    """A ledger of `size` leaves of which `left` were left of one of `signed` leaves; what it announces."""

    def __init__(self, signed: int, left: int, size: int, *, minute: int = 5, seed: bytes = SEED) -> None:
        before = ledger(signed)
        self.loss = Loss(
            signed_size=signed,
            signed_root=before.roots[signed],
            left_size=left,
            left_root=before.roots[left],
            reason=LossReason.FAILOVER,
            at=BEGAN + timedelta(minutes=minute),
        )
        leaf = Leaf(
            id=bytes(16),
            at=self.loss.at,
            kind=LedgerKind.ACCEPT,
            actor="operator",
            subject=None,
            detail=self.loss.detail,
        )
        self.announced = [Announced(loss.sign(self.loss, ORIGIN, seed), encode(leaf))]
        super().__init__(
            [
                *(n.to_bytes(4, "big") for n in range(left)),
                encode(leaf),
                *(n.to_bytes(4, "big") for n in range(100, 100 + size - left - 1)),
            ]
        )

    @property
    def name(self) -> str:
        return loss.loss_id(self.announced[0].note)

    def losses(self) -> list[Announced]:
        return self.announced

    def consistency(self, earlier: int, later: int) -> list[bytes]:
        return self.proof(earlier, later)

    def inclusion(self, leaf: int, size: int) -> list[bytes]:
        return tree.proof(tree.inclusion(leaf, size), lambda places: {at: self.hashes[at] for at in places})


def shown(watch: Watch, served: Restored, size: int, minute: int) -> None:
    watch.see(served.header(size, minute=minute), served.proof, served)


def watching(folder, *accepted: str, known: int = 9) -> Watch:
    watch = Watch(StateFolder(folder / "shop.json"), KEY, accepted_losses=accepted)
    watch.see(ledger(known).header(known), ledger(known).proof)
    return watch


@pytest.mark.parametrize("known", [7, 9, 10])
@pytest.mark.parametrize("size", [7, 9, 14])
def test_announced_loss_is_followed_by_a_client_that_is_set_to_accept_it(tmp_path, known, size):
    restored = Restored(10, 6, 14)
    watch = watching(tmp_path, restored.name, known=known)
    shown(watch, restored, size, minute=6)
    shown(watch, restored, 14, minute=7)
    [evidence] = tmp_path.glob("shop.ledger.accepted-*.json")
    found = json.loads(evidence.read_text("utf-8"))
    assert found["losses"] == [restored.announced[0].note]
    assert base64.b64encode(found["kept"].encode()).decode() == ledger(known).header(known)
    shown(Watch(StateFolder(tmp_path / "shop.json")), restored, 14, minute=8)  # the next run needs no setting


def test_announced_loss_is_refused_without_the_setting_and_named(tmp_path):
    restored = Restored(10, 6, 14)
    for accepted in ((), ("0" * 32,)):
        with pytest.raises(IntegrityError, match=f"WAYBILL_ACCEPTED_LOSSES={restored.name}"):
            shown(watching(tmp_path, *accepted), restored, 14, minute=6)
    assert accept_ledger(tmp_path / "shop.json") == (9, 14)
    shown(Watch(StateFolder(tmp_path / "shop.json")), restored, 14, minute=7)


def test_loss_without_an_announcement_is_refused_also_by_the_command(tmp_path):
    restored = Restored(10, 6, 14)
    name, restored.announced = restored.name, []
    with pytest.raises(IntegrityError, match="announced no loss"):
        shown(watching(tmp_path, name), restored, 14, minute=6)
    with pytest.raises(SettingsError, match="announced no loss"):
        accept_ledger(tmp_path / "shop.json")
    assert accept_ledger(tmp_path / "shop.json", unannounced=True) == (9, 14)


def by_another_key(restored):
    restored.announced = Restored(10, 6, 14, seed=OTHER).announced


def before_the_checkpoint(restored):
    restored.announced = Restored(10, 6, 14, minute=0).announced


def about_fewer_leaves(restored):
    restored.announced = Restored(8, 6, 14).announced


def about_another_ledger_of_the_same_size(restored):
    changed = replace(restored.loss, signed_size=9, signed_root=b"x" * 32)
    restored.announced = [Announced(loss.sign(changed, ORIGIN, SEED), restored.announced[0].body)]


def with_another_left(restored):
    restored.announced = Restored(10, 5, 14).announced


def with_a_leaf_that_says_otherwise(restored):
    body = restored.announced[0].body
    changed = replace(decode(body), actor="operator-2")  # the same words, but not the leaf that is on the ledger
    restored.announced = [restored.announced[0]._replace(body=encode(changed))]


def with_the_leaf_of_another_act(restored):
    restored.announced = [restored.announced[0]._replace(body=(3).to_bytes(4, "big"))]


@pytest.mark.parametrize(
    "spoilt",
    [
        by_another_key,
        before_the_checkpoint,
        about_fewer_leaves,
        about_another_ledger_of_the_same_size,
        with_another_left,
        with_a_leaf_that_says_otherwise,
        with_the_leaf_of_another_act,
    ],
)
def test_announcement_that_does_not_hold_is_refused_although_it_was_accepted(tmp_path, spoilt):
    restored = Restored(10, 6, 14)
    spoilt(restored)
    with pytest.raises(IntegrityError, match="announced no loss"):
        shown(watching(tmp_path, restored.name), restored, 14, minute=6)


def test_second_failover_is_followed_over_both_announcements_and_each_is_accepted(tmp_path):
    first, second = Restored(10, 6, 8), Restored(10, 6, 8)
    second.loss = replace(
        first.loss,
        signed_size=8,
        signed_root=first.roots[8],
        left_size=4,
        left_root=first.roots[4],
        at=BEGAN + timedelta(hours=1),
    )
    leaf = replace(decode(first.announced[0].body), at=second.loss.at, detail=second.loss.detail)
    note = Announced(loss.sign(second.loss, ORIGIN, SEED), encode(leaf))
    Ledger.__init__(second, [*(n.to_bytes(4, "big") for n in range(4)), encode(leaf), b"more"])
    second.announced = [*first.announced, note]
    with pytest.raises(IntegrityError, match="The operator has announced"):
        shown(watching(tmp_path, first.name), second, 6, minute=61)
    shown(watching(tmp_path, first.name, loss.loss_id(note.note)), second, 6, minute=61)


def test_checkpoint_of_lost_leaves_from_a_slower_worker_is_passed_over(tmp_path):
    restored = Restored(10, 6, 14)
    watch = watching(tmp_path, restored.name)
    shown(watch, restored, 14, minute=6)
    watch.see(ledger(10).header(10, minute=4), restored.proof, restored)
    shown(watch, restored, 14, minute=7)
    with pytest.raises(IntegrityError, match="announced no loss"):  # signed after the announcement: a second ledger
        watch.see(ledger(10).header(10, minute=8), restored.proof, restored)


def test_setting_names_announcements_with_commas_between_them():
    assert parse_losses(" a, b,,") == {"a", "b"}
    assert parse_losses("") == frozenset()


@pytest.fixture
def cut(tmp_path):
    """A deployment on SQLite whose data were put back to an earlier moment."""
    folder = tmp_path / "d"
    make_deployment(folder, WORLD)
    with closing(open_folder(folder, WORLD)) as store:
        write(store, 6)
        shutil.copytree(folder, tmp_path / "copy")
        write(store, 4)
    for file in folder.glob("data.sqlite*"):
        file.unlink()
    for file in (tmp_path / "copy").glob("data.sqlite*"):
        shutil.copy(file, folder)
    return folder


def write(store, many):
    leaves = [store.leaf(WORLD, WORLD.now(), "test", "operator") for _ in range(many)]
    with store.transaction() as tx:
        journal.append(tx, leaves)
    journal.sequence(WORLD, store)


def test_crash_before_the_announcement_is_kept_leads_to_a_second_one(cut):
    with closing(open_folder(cut, WORLD)) as store:
        before = signed_head.last(store.keys)
        journal.accept(WORLD, store, reason=LossReason.FAILOVER, actor="operator")
        with transaction(store.keys.engine) as tx:  # as a crash after the data's commit leaves the keys
            tx.execute(announced_loss.delete())
        signed_head.replace(store.keys, before)
        with pytest.raises(IntegrityError):
            journal.sequence(WORLD, store)
        accepted = journal.accept(WORLD, store, reason=LossReason.FAILOVER, actor="operator")
        assert (accepted.signed, accepted.left) == (10, 7)
        journal.sequence(WORLD, store)
        assert journal.verify(store).fault is None
        [kept] = signed_head.announced_losses(store.keys)
        assert loss.loss_id(kept.note) == accepted.announcement


def test_accept_changes_nothing_where_nothing_is_lost(tmp_path, capsys):
    make_deployment(tmp_path / "d", WORLD)
    with closing(open_folder(tmp_path / "d", WORLD)) as store:
        write(store, 3)
    assert main(["ledger", "accept", "--yes", "--folder", str(tmp_path / "d")]) == 1
    assert "nothing to accept: the ledger's 3 leaves continue" in capsys.readouterr().out


def test_leaf_of_a_loss_takes_sizes_of_nine_digits():
    lost = replace(Restored(10, 6, 14).loss, signed_size=1_234_567_890, left_size=987_654_321)
    leaf = Leaf(id=bytes(16), at=lost.at, kind=LedgerKind.ACCEPT, actor="operator", subject=None, detail=lost.detail)
    assert lost.is_stated_by(decode(encode(leaf)))


def credentials(service, folder, name):
    path = folder / f"{name}.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
    return path


def known_size(path):
    note = json.loads(path.with_suffix(".ledger.json").read_text("utf-8"))["note"]
    return int(note.split("\n")[1])


def until(condition, what):
    """Try again until the service's sequencer has done its next round, which takes about a second."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)  # another process's turn
    pytest.fail(f"this did not come true: {what}")


def refuses(shop):
    try:
        shop.find(reference="after")
    except IntegrityError as error:
        return str(error)
    except MaskingError:  # the failover is under way
        return ""
    return ""


def test_clients_follow_a_real_failover_that_lost_leaves_by_one_setting(tmp_path, capsys, monkeypatch):
    """A real asynchronous standby, cut off, then promoted: the last acknowledged orders and their leaves are gone."""
    with postgresql.pair() as (first, second), postgresql.server() as other:
        postgresql.create(str(first.home), "data")
        data = f"postgresql+psycopg://postgres@/data?host={first.home}:5432&host={second.home}:5432"
        folder = tmp_path / "d"
        make_deployment(folder, WORLD, (f"{data}&target_session_attrs=read-write", postgresql.create(other, "keys")))
        with run_service(folder) as service:
            path = credentials(service, tmp_path, "shop")
            with RemoteShop.connect(service.url, credentials=path) as shop:
                shop.checkout([order_of("before")])
                lsn = first.say("SELECT pg_current_wal_lsn()")[0][0]
                until(
                    lambda: second.say(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")[0][0], "the standby has followed"
                )
                second.say("ALTER SYSTEM SET primary_conninfo = ''")
                second.say("SELECT pg_reload_conf()")
                until(lambda: not first.say("SELECT 1 FROM pg_stat_replication"), "the standby is cut off")
                shop.checkout([order_of("lost")])
                with service.store.reading() as tx:
                    size = tx.execute(sa.text("SELECT count(*) FROM leaf")).scalar()
                until(
                    lambda: shop.find(reference="lost") and known_size(path) >= size, "the client knows the lost leaf"
                )
            first.stop()
            second.run("pg_ctl", "-w", "promote")
            until(lambda: service.http.get("/readyz").status_code == 503, "the sequencer refuses the shorter ledger")
            assert main(["ledger", "accept", "--yes", "--folder", str(folder)]) == 0
            name = capsys.readouterr().out.split("WAYBILL_ACCEPTED_LOSSES=")[1].strip()
            until(lambda: service.http.get("/readyz").status_code == 200, "the ledger is signed on")

            with RemoteShop.connect(service.url, credentials=path) as shop:
                until(lambda: name in refuses(shop), "a client without the setting refuses, and names the announcement")
            kept = path.with_suffix(".ledger.json").read_bytes()
            path.with_suffix(".ledger.fault.json").unlink()

            with transaction(service.store.keys.engine) as tx:
                [row] = tx.execute(sa.select(announced_loss)).mappings()
                tx.execute(announced_loss.delete())
            with RemoteShop.connect(service.url, credentials=path, accepted_losses=[name]) as shop:
                assert "announced no loss" in refuses(shop)  # fail closed: the setting alone accepts nothing
            assert path.with_suffix(".ledger.json").read_bytes() == kept
            with transaction(service.store.keys.engine) as tx:
                tx.execute(announced_loss.insert().values(**row))

            monkeypatch.setenv("WAYBILL_ACCEPTED_LOSSES", name)
            with RemoteShop(Link(service.url, Credentials.read(path))) as shop:
                assert shop.find(reference="lost") == []
                [again] = shop.checkout([order_of("lost")])
                assert again.created
            assert len(list(tmp_path.glob("shop.ledger.accepted-*.json"))) == 1
            assert main(["ledger", "verify", "--folder", str(folder)]) == 0
