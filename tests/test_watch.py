"""What a client that keeps a checkpoint notices: a fork, a shrink, a stranger's signature; and what it lets pass."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from masking.client.state import StateFolder
from masking.client.watch import OLD, Watch, accept_ledger
from masking.errors import IntegrityError, SettingsError
from masking.ledger.note import VerifierKey
from tests.support.watched_ledgers import KEY, ORIGIN, OTHER, ledger


@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_checkpoints_of_one_ledger_pass_in_any_order(sizes):
    true, watch = ledger(40), Watch(None, KEY)
    for minute, size in enumerate(sizes):
        watch.see(true.header(size, minute=minute), true.proof)


@given(at=st.integers(0, 19), first=st.integers(1, 20), second=st.integers(1, 20))
def test_fork_is_noticed_by_a_client_that_saw_the_changed_leaf(at, first, second):
    true, false, watch = ledger(20), ledger(20, fork_at=at), Watch(None, KEY)
    watch.see(true.header(first), true.proof)
    assume(at < min(first, second))  # both checkpoints are about the changed leaf
    with pytest.raises(IntegrityError, match="not what it was"):
        watch.see(false.header(second, minute=1), false.proof)


def test_ledger_that_cannot_prove_what_it_signed_has_shrunk(tmp_path):
    watch = Watch(StateFolder(tmp_path / "shop.json"), KEY)
    watch.see(ledger(9).header(9), ledger(9).proof)
    with pytest.raises(IntegrityError, match="shrunk"):
        watch.see(ledger(5).header(5, minute=1), ledger(5).proof)
    assert (tmp_path / "shop.ledger.fault.json").exists()
    again = Watch(StateFolder(tmp_path / "shop.json"))  # and the next run knows it, too
    with pytest.raises(IntegrityError, match="shrunk"):
        again.see(ledger(5).header(5, minute=2), ledger(5).proof)


def test_foreign_notes_and_other_keys_are_refused(tmp_path):
    true = ledger(3)
    watch = Watch(StateFolder(tmp_path / "shop.json"), KEY)
    watch.see(true.header(3), true.proof)
    for header in (true.header(3, seed=OTHER, minute=1), "", "!", base64.b64encode(b"no note").decode()):
        with pytest.raises(IntegrityError):
            watch.see(header, true.proof)
    with pytest.raises(IntegrityError, match="key"):
        Watch(StateFolder(tmp_path / "shop.json"), VerifierKey.of_seed(ORIGIN, OTHER))
    (tmp_path / "shop.ledger.json").write_text("{}")
    with pytest.raises(SettingsError):
        Watch(StateFolder(tmp_path / "shop.json"), KEY)


def test_processes_sharing_a_file_keep_and_compare_the_latest_checkpoint(tmp_path):
    true, false = ledger(20), ledger(20, fork_at=3)
    one, two = (Watch(StateFolder(tmp_path / "shop.json"), KEY) for _ in range(2))
    one.see(true.header(5), true.proof)
    two.see(true.header(9, minute=2), true.proof)
    one.see(true.header(7, minute=1), true.proof)
    kept = (tmp_path / "shop.ledger.json").read_bytes()
    Watch(StateFolder(tmp_path / "shop.json"), KEY).see(true.header(9, minute=2), true.proof)
    assert (tmp_path / "shop.ledger.json").read_bytes() == kept
    third = Watch(StateFolder(tmp_path / "other.json"), KEY)
    third.see(false.header(12, minute=3), false.proof)
    (tmp_path / "shop.ledger.json").write_bytes((tmp_path / "other.ledger.json").read_bytes())
    with pytest.raises(IntegrityError, match="not what it was"):  # another process was shown another ledger
        one.see(true.header(15, minute=4), true.proof)


def test_old_checkpoint_of_an_answering_service_is_warned_of_once(caplog):
    true, watch = ledger(20), Watch(None, KEY)
    began = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    watch.see(true.header(9), true.proof)
    watch.warn_if_old(began + OLD)
    assert not caplog.records
    for _ in range(3):  # the same note again and again: a frozen view
        watch.see(true.header(9), true.proof)
        watch.warn_if_old(began + OLD + 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    watch.see(true.header(10, minute=10), true.proof)
    watch.warn_if_old(began + OLD + 1)
    watch.warn_if_old(began + 3 * OLD)
    assert len(caplog.records) == 2


def test_accepted_ledger_is_continued_and_both_checkpoints_are_kept(tmp_path):
    files = StateFolder(tmp_path / "shop.json")
    with pytest.raises(SettingsError, match="has refused no checkpoint"):
        accept_ledger(tmp_path / "shop.json")
    watch = Watch(files, KEY)
    watch.see(ledger(9).header(9), ledger(9).proof)
    restored = ledger(12, fork_at=6)
    with pytest.raises(IntegrityError, match="announced no loss"):
        watch.see(restored.header(5, minute=1), ledger(5).proof)
    with pytest.raises(SettingsError, match="announced no loss"):
        accept_ledger(tmp_path / "shop.json")
    assert accept_ledger(tmp_path / "shop.json", unannounced=True) == (9, 5)
    [evidence] = tmp_path.glob("shop.ledger.accepted-*.json")
    assert json.loads(evidence.read_text("utf-8")).keys() == {"key", "kept", "shown", "losses", "accepted"}
    after = Watch(files)
    after.see(restored.header(12, minute=2), restored.proof)
    with pytest.raises(IntegrityError, match="not what it was"):  # what was given up is not taken back
        after.see(ledger(12).header(12, minute=3), ledger(12).proof)


def test_report_not_signed_by_the_ledger_is_not_accepted(tmp_path):
    watch = Watch(StateFolder(tmp_path / "shop.json"), KEY)
    watch.see(ledger(9).header(9), ledger(9).proof)
    with pytest.raises(IntegrityError):
        watch.see(ledger(5).header(5, minute=1), ledger(5).proof)
    report = tmp_path / "shop.ledger.fault.json"
    other = base64.b64decode(ledger(5).header(5, seed=OTHER)).decode()
    report.write_text(json.dumps(json.loads(report.read_text("utf-8")) | {"shown": other}), "utf-8")
    with pytest.raises(SettingsError, match="two checkpoints that the ledger has signed"):
        accept_ledger(tmp_path / "shop.json")
