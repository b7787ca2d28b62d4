"""Failure drills: a real service on real servers fails under traffic, and then must still have all that it acknowledged.

    python -m scripts.drills [NAME ...]

Each drill has two workers, PostgreSQL servers of its own, and a webhook to which `waybill.toml` sends alarms. A merchant checks out
orders, a courier opens parcels, an outlet scans, and another courier is refused until that raises an alarm. The drill prints how many
acts were acknowledged, how many of those are lost, and how many of the raised alarms the webhook got. The exit status is 1 if an act
is lost, an alarm is missing, or the ledger does not verify. The servers run without fsync, since no drill cuts the power.
`disk-full` needs root, to mount a small file system; `pooler-restart` needs pgbouncer. A drill whose program is missing is skipped,
and says so.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing

import httpx

from api.cli.main import main as waybill
from masking.journal import journal
from scripts.drill_site import TROUBLE, Site, count_lost, open_site, raised_alarms, start_pooler, wait_for
from tests.support.running_service import ROOT


def worker_kill(site: Site) -> str:
    """A worker is killed."""
    os.kill(site.workers()[0], signal.SIGKILL)
    return ""


def service_kill(site: Site) -> str:
    """Every process of the service is killed, and it is started again."""
    for each in (*site.workers(), site.process.pid):
        os.kill(each, signal.SIGKILL)
    site.process.wait()
    site.start()
    return ""


def server_kill(site: Site) -> str:
    """Every process of the database server is killed, and it is started again."""
    site.first.signal(signal.SIGKILL)
    time.sleep(1)  # the trouble itself: no server
    site.first.start()
    return ""


def disk_full(site: Site) -> str:
    """The file system of the server's data is full for some seconds."""
    ballast = site.first.home / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 20)):
            pass
    failed = site.done.errors
    time.sleep(TROUBLE)  # the trouble itself
    ballast.unlink()
    if site.first.say("SELECT 1") != [(1,)]:
        raise SystemExit("the server has ended")
    return f"{site.done.errors - failed} requests failed"


def server_frozen(site: Site) -> str:
    """The server is stopped by a signal for some seconds; the longest that /healthz took meanwhile is noted."""
    taken = []
    site.first.signal(signal.SIGSTOP)
    until = time.monotonic() + TROUBLE
    while time.monotonic() < until:
        began = time.monotonic()
        httpx.get(f"{site.url}/healthz", timeout=30)
        taken.append(time.monotonic() - began)
    site.first.signal(signal.SIGCONT)
    return f"/healthz: median {sorted(taken)[len(taken) // 2] * 1000:.0f} ms"


def synchronous_failover(site: Site) -> str:
    """The server is killed for good, and its synchronous standby promoted."""
    for name, value in (("synchronous_commit", "on"), ("synchronous_standby_names", "*")):
        site.first.say(f"ALTER SYSTEM SET {name} = '{value}'")
    site.first.say("SELECT pg_reload_conf()")
    wait_for(lambda: site.first.say("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'") != [], "a standby")
    site.more_orders()
    site.first.signal(signal.SIGKILL)
    site.second.run("pg_ctl", "-w", "promote")
    return ""


def root_rotation(site: Site) -> str:
    """The root key is replaced while the service runs."""
    status, said = _command("keys", "rotate", "root", "--folder", site.folder)
    if status:
        raise SystemExit(f"keys rotate root: {said}")
    return ""


def clock_ahead(site: Site) -> str:
    """The nightly run begins on a machine whose clock is a day ahead; it has to refuse."""
    program = (
        "import sys; from datetime import UTC, datetime, timedelta; from masking.runtime import World\n"
        "import api.cli.commands.retire as command; from api.cli.main import main\n"
        "command.World = lambda: World(now=lambda: datetime.now(UTC) + timedelta(days=1))\n"
        "sys.exit(main(['retire', '--folder', sys.argv[1]]))"
    )
    run = [sys.executable, "-c", program, str(site.folder)]
    done = subprocess.run(run, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 2:
        raise SystemExit("retire did not refuse a clock that is a day ahead")
    return "retire refuses"


def restore_old_keys(site: Site) -> str:
    """The keys are dumped before the data, and both restored; every order that then can't be opened has to be named."""
    site.first.ask("pg_dump", "-Fc", "-f", str(site.first.home / "old"), "keys")
    site.more_orders()
    site.alarmed()
    site.stop()
    site.first.say("DROP DATABASE keys")
    site.first.say("CREATE DATABASE keys TEMPLATE template0")
    site.first.ask("pg_restore", "-d", "keys", str(site.first.home / "old"))
    status, said = _command("doctor", "--deep", "--folder", site.folder)
    if status != 1:
        raise SystemExit(f"doctor --deep did not notice: {said}")
    [named] = [line for line in said.splitlines() if "active waybills can't be opened" in line]
    return f"doctor --deep: {named.split(':')[0].removeprefix('WRONG').strip()}"


def pooler_restart(site: Site) -> str:
    """The pooler in front of the server is killed and started again."""
    site.pooler.kill()
    site.pooler.wait()
    time.sleep(1)  # the trouble itself
    site.pooler = start_pooler(site)
    return ""


DRILLS: dict[str, Callable[[Site], str]] = {
    "worker-kill": worker_kill,
    "service-kill": service_kill,
    "server-kill": server_kill,
    "disk-full": disk_full,
    "server-frozen": server_frozen,
    "synchronous-failover": synchronous_failover,
    "root-rotation": root_rotation,
    "clock-ahead": clock_ahead,
    "restore-old-keys": restore_old_keys,
    "pooler-restart": pooler_restart,
}


def main(names: list[str]) -> int:
    """Run the drills of these names, or all of them, and print a line for each."""
    print(
        "| drill | orders / grants / scans acknowledged | requests that failed | lost | alarms raised / sent | note |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    return max([_drill(name, DRILLS[name]) for name in names or DRILLS])


def _drill(name: str, trouble: Callable[[Site], str]) -> int:
    """Run one drill and print its line; 0 if all is well."""
    if why := _missing(name):
        print(f"| {name} | skipped: {why} | | | | |", flush=True)
        return 0
    with open_site(name) as site:
        site.traffic()
        site.more_orders()
        note = trouble(site)
        if not site.stopping.is_set():
            site.more_orders()
            site.ready()
            with closing(site.store()) as store:
                wait_for(
                    lambda: raised_alarms(store) != set() and raised_alarms(store) <= site.webhook.received,
                    "every alarm is sent",
                )
            site.stop()
        with closing(site.store()) as store:
            raised = raised_alarms(store)
            lost, unreadable = count_lost(store, site.done)
            fault = journal.verify(store).fault
        done, sent = site.done, len(raised & site.webhook.received)
        counts = f"{len(done.orders)} / {len(done.grants)} / {len(done.scans)}"
        named = f", {unreadable} can't be opened" if unreadable else ""
        print(f"| {name} | {counts} | {done.errors} | {lost}{named} | {len(raised)} / {sent} | {note} |", flush=True)
        return int(
            bool(lost or fault or sent < len(raised) or not raised or (unreadable and name != "restore-old-keys"))
        )


def _missing(name: str) -> str:
    if name == "disk-full" and os.geteuid() != 0:
        return "only root mounts a file system"
    if name == "pooler-restart" and not shutil.which("pgbouncer"):
        return "pgbouncer is missing"
    return ""


def _command(*words: object) -> tuple[int, str]:
    """A command of `waybill`: its exit status, and what it printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = waybill([str(each) for each in words])
    return status, said.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
