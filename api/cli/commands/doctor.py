"""`waybill doctor`: checks a deployment as an experienced operator would, and says what to repair."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from masking.access.network import EVERYTHING, Network
from masking.access.people import Role
from masking.config import databases
from masking.crypto.index import waybill_id_of
from masking.deployment import OFFLINE_KEY
from masking.errors import MaskingError
from masking.journal import journal
from masking.journal.missing_leaves import missing_access_leaves
from masking.keys import lifecycle
from masking.ledger import checkpoint
from masking.runtime import World
from masking.store import alarms
from masking.store.row_macs import wrong_rows
from masking.store.rows import slots, units
from masking.store.store import Store
from masking.upkeep.durability import unsafe_durability_settings
from masking.upkeep.number_pool import LOW_SHARE
from masking.upkeep.unopened import unopened

from ...deployment import add_folder, opening, require_posix
from ...language import say
from ...service.alarm_delivery import Destinations, read_destinations
from ...service.settings import ServiceSettings

RAM_DISK = 20_000
"""More flushes a second than this, and the folder is not on a disk."""

SKEW = timedelta(seconds=5)


class Finding(NamedTuple):
    """The result of one check: "ok", "look" (worth a look) or "WRONG"."""

    verdict: str
    text: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--deep", action="store_true", help="open the key of every active waybill, instead of a sample")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 if anything is wrong."""
    require_posix("waybill doctor")
    wrong = False
    for finding in look(args.folder, World(), deep=args.deep):
        wrong |= finding.verdict == "WRONG"
        print(f"{say(finding.verdict):<6} {say(finding.text)}", flush=True)
    return int(wrong)


def look(folder: Path, world: World, *, deep: bool = False) -> Iterator[Finding]:
    """The findings, most basic ones first. It ends early where later checks depend on a failed one."""
    try:
        settings = ServiceSettings.read(folder, os.environ)
        data = databases(folder)[0]
        with opening(folder, world) as store:
            yield Finding("ok", "settings, root key and both databases open; their schemas are this program's")
            yield from _files(folder, sqlite=data.startswith("sqlite"))
            yield from _inside(store, world)
            yield from _keys(store, world)
            yield _openable(store, None if deep else world)
            yield from _alarms(store, read_destinations(folder))
            yield from _service(settings)
    except MaskingError as error:
        yield Finding("WRONG", str(error))


def _files(folder: Path, *, sqlite: bool) -> Iterator[Finding]:
    if folder.stat().st_mode & 0o077:
        yield Finding("WRONG", "other users can read the folder: chmod 700")
    lasting = [each for each in sorted(folder.iterdir()) if each.suffix in (".key", ".sqlite", ".toml")]
    if strange := [each.name for each in lasting if each.stat().st_uid != folder.stat().st_uid]:
        yield Finding(
            "WRONG", f"{', '.join(strange)}: owned by another user than the folder (was a command run as root?): chown"
        )
    if (folder / OFFLINE_KEY).exists():
        yield Finding(
            "look", f"{OFFLINE_KEY} is still here: move it off this machine, because it opens sealed-away data"
        )
    if sqlite:
        rate = flushes(folder)
        if rate > RAM_DISK:
            yield Finding(
                "WRONG", f"the folder takes {rate:.0f} flushes a second: not a disk, or one that does not flush"
            )
        else:
            yield Finding("ok", f"the disk takes {rate:.0f} flushes a second")


def _inside(store: Store, world: World) -> Iterator[Finding]:
    note = journal.sequence(world, store)
    last = checkpoint.read(note, journal.log_key(world, store))
    if last.at - world.now() > SKEW:
        yield Finding("WRONG", "the ledger's last checkpoint is from the future: this machine's clock is slow, set it")
    yield Finding("ok", f"the ledger has {last.size} leaves, and its key signed the last checkpoint")
    yield from _foreign_writes(store, world)
    for database, setting in unsafe_durability_settings(store):
        yield Finding(
            "WRONG",
            f"the {database} database server has {setting} off: after a power cut committed data is lost. Turn it on",
        )
    waiting = len(store.keys.unfinished())
    if waiting:
        yield Finding(
            "WRONG", f"{waiting} destructions are not finished: start the service or any command to finish them"
        )
    network = store.settings.network
    named = {*network.collects.values(), *network.delivers.values()}
    with store.reading() as tx:
        counts = slots.counts(tx)
        sharing = units.without_numbers(tx, store.settings.tenant, network.numbers_of)
        unstaffed = sorted(named - units.staffed(tx, store.settings.tenant, named))
    if not (network.collects and network.delivers):
        yield Finding(
            "look", "no outlet collects or no outlet delivers: see [collects] and [delivers] in docs/service.md"
        )
    yield from _allotment(network, len(sharing))
    if unstaffed:
        some = ", ".join(unstaffed[:9])
        yield Finding(
            "look", f"{len(unstaffed)} units of [collects] and [delivers] have no enrolled outlet staff: {some}"
        )
    free, total = counts.get("free", 0), sum(counts.values())
    if not total:
        yield Finding("look", "there are no virtual numbers: labels ask to make contact through the app")
    elif free * LOW_SHARE < total:
        yield Finding("look", f"virtual numbers run low: {free} of {total} are free")
    else:
        yield Finding("ok", f"virtual numbers: {free} of {total} are free")


def _foreign_writes(store: Store, world: World) -> Iterator[Finding]:
    """What a writer of the data without the keys has left behind."""
    wrong = sorted(set(wrong_rows(store.data, store.macs)))
    if wrong:
        some = ", ".join(f"{table} of {owner}" for table, owner in wrong[:9])
        yield Finding(
            "WRONG",
            f"{len(wrong)} rows are not as this program wrote them, and are treated as absent: {some}. Another program "
            "changed the data. Restore a backup, or enrol these people under new names",
        )
    unlisted = sorted({each.person for each in missing_access_leaves(store, world.now())})
    if unlisted:
        yield Finding(
            "WRONG",
            f"{len(unlisted)} people were let in by leaves that are not on the ledger: {', '.join(unlisted[:9])}. Find out who "
            "can write the data, and what these people did since",
        )


def _allotment(network: Network, sharing: int) -> Iterator[Finding]:
    """Whether waybill numbers are allotted; `sharing` merchants' units have no line of their own."""
    if not network.numbers_of and sharing > 1:
        yield Finding(
            "WRONG",
            f"waybill numbers are allotted to no unit and {sharing} merchants' units are enrolled, so their numbers are "
            "refused: fill in [numbers_of]",
        )
    elif not network.numbers_of:
        yield Finding(
            "look", "waybill numbers are allotted to no unit: fill in [numbers_of] before a second merchant is enrolled"
        )
    elif EVERYTHING in network.numbers_of and sharing > 1:
        yield Finding(
            "look",
            f"{sharing} merchants' units share the numbers of \"*\" and can take each other's: give each a line in "
            "[numbers_of]",
        )


def _keys(store: Store, world: World) -> Iterator[Finding]:
    store.keys.try_today(world, world.now())
    if unopened := lifecycle.unopened(store.keys):
        yield Finding(
            "WRONG",
            f"{len(unopened)} keys do not open under the root key: {', '.join(unopened[:9])}. Restore an earlier copy of "
            "the key store, and keep this one",
        )
    else:
        yield Finding("ok", "every key that is not destroyed opens under the root key, and today's can be used")


def _alarms(store: Store, destinations: Destinations) -> Iterator[Finding]:
    with store.reading() as tx:
        late, waiting = alarms.undelivered(tx), alarms.count_open(tx)
    if late:
        yield Finding(
            "WRONG", f"{late} alarms were not delivered: check [alarms] in waybill.toml and the service's log"
        )
    if waiting:
        yield Finding("look", f"{waiting} alarms are not acknowledged: waybill alarms list")
    if not (destinations.command or destinations.webhook):
        yield Finding("look", "alarms go only to the log: name a command or webhook under [alarms] in waybill.toml")


def _openable(store: Store, sampled_by: World | None) -> Finding:
    tried, wrong = unopened(store, sampled_by)
    if not wrong:
        return Finding("ok", f"the keys of {tried} active waybills open{' (a sample)' if sampled_by else ''}")
    some = ", ".join(map(waybill_id_of, wrong[:9] if sampled_by else wrong))
    return Finding(
        "WRONG",
        f"{len(wrong)} of {tried} active waybills{' (a sample)' if sampled_by else ''} can't be opened: {some}. If the key "
        "store was restored, it is older than the data: restore a newer copy. Otherwise their merchants must amend or "
        "cancel them",
    )


def _service(settings: ServiceSettings) -> Iterator[Finding]:
    if not settings.address:
        yield Finding("look", "[service] address is not set: behind a proxy every device's proof is refused")
    elif settings.in_clear:
        yield Finding(
            "look", "[service] address is http:// on another machine: personal data and tokens travel in clear"
        )
    if without := sorted(settings.bearer_roles - {Role.SWITCH}):
        yield Finding("look", f"tokens of {', '.join(without)} work without a device: a copied token can be used")
    if settings.exposed_by:
        roles = ", ".join(sorted(settings.bearer_roles)) or "none"
        yield Finding(
            "look",
            f"the service listens on {settings.host} without TLS, and starts only with {settings.exposed_by}; "
            f"roles that need no device there: {roles}",
        )


def flushes(folder: Path) -> float:
    """Small durable writes a second in this folder, measured for a fifth of a second."""
    path = folder / f".flush-{os.getpid()}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < 0.2:
            os.pwrite(handle, b"x" * 4096, 0)
            os.fdatasync(handle)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(handle)
        path.unlink()
