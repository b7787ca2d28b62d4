"""Act three: data is destroyed, and the demo proves it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from masking.config import SETTINGS, read_settings
from masking.crypto.index import record_of_waybill_id
from masking.crypto.keys import FileKeySource
from masking.deployment import ROOT_KEY
from masking.errors import MaskingError
from masking.journal import journal
from masking.keys import lifecycle
from masking.ledger.log import Leaf
from masking.steps.retire import Destroy, Retired, SealAway, retire
from masking.store import parcels
from masking.store.rows import waybills
from masking.store.store import Store

from . import sweep
from .before import Plot
from .stage import Stage

PLANTED = "金丝雀试探九八七六"


def retire_and_prove(stage: Stage, plot: Plot, source: Path) -> None:
    """Back up, erase, show that yesterday's backup can't open erased data, list who saw it, verify, and sweep."""
    stage.scene("销毁：昨天的备份也打不开", "Erasure: yesterday's backup opens nothing either")
    home = stage.folder / "deployment"
    backup = stage.folder / "backup-of-yesterday.sqlite"
    _copy(home / "data.sqlite", backup)
    gone, kept, away = plot.waybills[0], plot.waybills[1], plot.waybills[2]
    operator = stage.people["operator"]
    [erased, sealed] = retire(
        stage.world,
        stage.store,
        [
            Destroy(actor=operator, id=gone.id, reason="erasure-request"),
            SealAway(actor=operator, id=away.id),
        ],
    )
    stage.say(
        "一票已销毁，一票已封存",
        "one waybill destroyed, one sealed away",
        true=isinstance(erased, Retired) and isinstance(sealed, Retired),
    )
    tonight = stage.world.now() + timedelta(days=1, hours=2)
    lifecycle.close_days(stage.store.keys, lifecycle.archive_keys_due(stage.store.keys, tonight), tonight)
    old = _beside_todays_keys(backup, home)
    records = [record_of_waybill_id(w.id) or b"" for w in (gone, kept, away)]
    opened = [_opens(old, record) for record in records]
    archive_keys = old.keys.names("archive")
    old.close()
    stage.say(
        "昨天的数据备份配上当晚例行任务之后的密钥：销毁的、封存的都打不开，其余照常",
        "yesterday's backup of the data with the keys after the nightly run: destroyed and sealed-away waybills don't "
        "open, the others do",
        true=opened == [False, True, False] and not archive_keys,
    )
    _ledger(stage, records[0])
    _sweep(stage, plot, backup)
    stage.say(
        f"剩下的泄漏点是明文订单文件：{source}",
        f"one file still holds plaintext, the file of orders: {source}",
        true=source.exists(),
    )


def _copy(source: Path, target: Path) -> None:
    """A consistent copy of a live SQLite database, as a nightly backup makes it."""
    one, two = sqlite3.connect(source), sqlite3.connect(target)
    with two:
        one.backup(two)
    one.close()
    two.close()


def _beside_todays_keys(data: Path, home: Path) -> Store:
    """A store that combines a copy of the data with the deployment's key store."""
    source = FileKeySource.open(home / ROOT_KEY)
    return Store.open(f"sqlite:///{data}", f"sqlite:///{home / 'keys.sqlite'}", source, read_settings(home / SETTINGS))


def _opens(store: Store, record: bytes) -> bool:
    """Whether the remaining online keys open a waybill."""
    with store.transaction() as tx:
        known = parcels.of_ids(store, tx, [record])
        sealed = waybills.sealed_fields(tx, [record], ["recipient.address"])
    if record not in known.wraps or record not in sealed:
        return False
    try:
        store.keys.unwrap(known.wraps[record])
    except MaskingError:
        return False
    return True


def _ledger(stage: Stage, record: bytes) -> None:
    stage.scene("账本：谁看过，改一个字节就露馅", "The ledger: who saw it, and one changed byte shows")
    journal.sequence(stage.world, stage.store)
    views = [leaf for leaf in journal.who_saw(stage.world, stage.store, record) if isinstance(leaf, Leaf)]
    for leaf in views:
        stage.show(f"{leaf.at:%H:%M:%S} {leaf.kind:<10} {leaf.actor}")
    stage.say(
        "销毁之后仍然能说清谁看过它",
        "the ledger still says who saw it after its destruction",
        true=[leaf.kind for leaf in views if leaf.kind in {"grant", "destroy"}] == ["grant", "destroy"],
    )
    report = journal.verify(stage.store)
    stage.say(
        f"账本验证通过：{report.size} 条",
        f"the ledger verifies: {report.size} leaves",
        true=report.fault is None and report.size > 0,
    )
    (stage.folder / "ledger.txt").write_text(report.note, "utf-8")
    home, copy = stage.folder / "deployment", stage.folder / "edited-copy.sqlite"
    _copy(home / "data.sqlite", copy)
    edited = report.size // 2
    with sqlite3.connect(copy) as connection:
        body = bytearray(connection.execute("SELECT body FROM leaf WHERE position = ?", (edited,)).fetchone()[0])
        body[len(body) // 2] ^= 1
        connection.execute("UPDATE leaf SET body = ? WHERE position = ?", (bytes(body), edited))
    connection.close()
    old = _beside_todays_keys(copy, home)
    found = journal.verify(old).fault
    old.close()
    stage.say(
        f"副本里改了一个字节：在第 {edited} 条被发现",
        f"one byte changed in a copy: found at leaf {edited}",
        true=found is not None and found.position == edited,
    )


def _printed_text_is_found(stage: Stage, plot: Plot) -> bool:
    """Whether the search finds text drawn on a label, which is glyph numbers in a compressed stream."""
    first = plot.labels[0]
    printed = [first.routing_code, first.view.recipient.phone.text]
    return len(sweep.hits(sweep.bytes_of(stage.folder / "labels.pdf"), printed)) >= len(printed)


def _sweep(stage: Stage, plot: Plot, backup: Path) -> None:
    stage.scene("扫描：原文一个字都不许留下", "The sweep: no plaintext may be left anywhere")
    for handler in stage.log.handlers:
        handler.flush()
    home = stage.folder / "deployment"
    media = [
        *sorted(path for path in home.iterdir() if path.is_file()),
        backup,
        stage.folder / "demo.log",
        stage.folder / "labels.pdf",
        stage.folder / "masked.csv",
        stage.folder / "rejected.csv",
        stage.folder / "ledger.txt",
    ]
    searchable = [path for path in media if sweep.hits(sweep.plant(path, PLANTED), [PLANTED])]
    stage.say(
        f"{len(media)} 个文件都搜得到故意放进去的一句话",
        f"all {len(media)} files can be searched: a planted string is found in each",
        true=searchable == media and _printed_text_is_found(stage, plot),
    )
    canaries = plot.canaries
    found = {path.name: hit for path in media if (hit := sweep.hits(sweep.bytes_of(path), canaries))}
    for name, hit in found.items():
        stage.show(f"{name}: {len(hit)} x {sorted({form for _, form in hit})}")
    stage.say(
        f"{len(canaries)} 段原文（各种编码）在其中一处也没有",
        f"{len(canaries)} plaintext strings, in every encoding: none of them is found",
        true=not found and len(canaries) >= 60,
    )
