"""`waybill serve`: runs the service, by default for this machine only.

Several workers need PostgreSQL. The service has no TLS: put a proxy on this machine in front of it (examples/) and set
its address in `[service] address`. It listens on a non-loopback address only with `--plain-http`, or with
`--insecure-bearer` where some roles' tokens need no proof of the device (`--bearer-roles`, by default the switch's).
Options are checked in the same way as `waybill.toml` and the environment. `--demo` accepts bearer tokens of all roles,
for curl, on this machine only.
"""

from __future__ import annotations

import argparse
import logging.config
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from masking.access.network import Network
from masking.access.people import Actor, Role
from masking.config import databases
from masking.deployment import create
from masking.errors import SettingsError
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.steps.enrol import new_secret
from masking.steps.shift import LONGEST
from masking.store.rows import people, slots
from masking.store.store import Settings
from masking.values.plaintext import Plain

from ...deployment import add_folder, exclusive_folder, opening, require_posix
from ...service.logs import LOG, configuration
from ...service.serving import listening, run_service
from ...service.settings import ServiceSettings

NETWORK = Network(collects={"*": "sh-01"}, delivers={"*": "sh-01"}, numbers_of={"*": ["YT"]})
"""The demo's carrier has one outlet, which collects and delivers all parcels."""
STAFF = (
    ("shop", Role.MERCHANT, "shop", None),
    ("receiver", Role.OUTLET, "sh-01", None),
    ("dispatcher", Role.OUTLET, "sh-01", None),
    ("courier-7", Role.COURIER, "sh-01", "13900000007"),
    ("switch", Role.SWITCH, "switch", None),
    ("supervisor", Role.SUPERVISOR, "head-office", None),
)
"""The people of the demo's carrier. The phone is invented."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add_folder(parser)
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (default: 8440; 0: any free port)")
    parser.add_argument("--workers", help="number of processes (default: 1; more need PostgreSQL)")
    parser.add_argument(
        "--bearer-roles",
        metavar="ROLE,...",
        help="roles whose tokens need no proof of the device, or none (default: switch)",
    )
    parser.add_argument(
        "--plain-http",
        action="store_true",
        help="listen on a non-loopback address without TLS; traffic can be read on the network",
    )
    parser.add_argument(
        "--insecure-bearer",
        action="store_true",
        help="like --plain-http, and also accept plain bearer tokens, which can be stolen on the network",
    )
    parser.add_argument("--demo", action="store_true", help="serve a temporary deployment, and print its credentials")


def run(args: argparse.Namespace) -> int:
    """Serve until stopped by a signal; the exit status is the server's."""
    require_posix("waybill serve")
    if args.demo:
        with tempfile.TemporaryDirectory(prefix="waybill-demo-") as place:
            folder = Path(place) / "deployment"
            lines = _stage(folder)
            return _serve(replace(_settings(args, folder), workers=1), args, lines)
    return _serve(_settings(args, args.folder), args, [])


def _settings(args: argparse.Namespace, folder: Path) -> ServiceSettings:
    """The settings. An option replaces the environment variable of its name."""
    options = {f"WAYBILL_{name.upper()}": getattr(args, name) for name in ("host", "port", "workers", "bearer_roles")}
    given = {name: said for name, said in options.items() if said is not None}
    return ServiceSettings.read(folder, os.environ | given)


def _serve(settings: ServiceSettings, args: argparse.Namespace, lines: list[str]) -> int:
    if args.demo:
        settings = replace(settings, bearer_roles=frozenset(Role))
    accepted = args.insecure_bearer or (args.plain_http and not settings.bearer_roles)
    if not settings.loopback and (args.demo or not accepted):
        raise SettingsError(_exposed(settings, demo=args.demo))
    store = databases(settings.folder)[0].split(":")[0].split("+")[0]
    if store != "sqlite":
        return _listen(settings, store, lines)
    if settings.workers > 1:
        raise SettingsError("SQLite supports one worker; several need PostgreSQL (waybill init --data ... --keys ...)")
    with exclusive_folder(
        settings.folder, SettingsError("a service is running on this folder, and SQLite supports one: stop it first")
    ):
        return _listen(settings, store, lines)


def _listen(settings: ServiceSettings, store: str, lines: list[str]) -> int:
    """Serve; `lines` are what a demo prints in addition to its address."""
    from print_templates.typeface import require_fonts  # after the modules of the extra `server`, which is named first

    require_fonts()
    with opening(settings.folder, World()):
        pass  # a deployment that can't be opened is reported here, once, not by every worker
    socket = listening(settings.host, settings.port)
    host, port = socket.getsockname()[:2]
    logging.config.dictConfig(configuration())
    event = {"host": host, "port": port, "workers": settings.workers, "store": store}
    event["bearer_roles"] = sorted(settings.bearer_roles)
    place = f"[{host}]" if ":" in host else host
    for line in [f"export URL=http://{place}:{port}", *lines] if lines else []:
        print(line, flush=True)
    LOG.info("serving", extra={"waybill": event})  # after the lines for the shell, which it would break on one terminal
    return run_service(settings, socket)


def _exposed(settings: ServiceSettings, *, demo: bool) -> str:
    """Why the service does not listen there, and what to do."""
    roles = ", ".join(sorted(settings.bearer_roles))
    why = f"{settings.host} is not a loopback address, and the service has no TLS: traffic can be read on the network"
    if roles:
        why += f", and tokens of roles that need no device can be stolen ({roles})"
    why += ". Listen on 127.0.0.1 behind a TLS proxy"
    return why if demo else f"{why}, or give {settings.exposed_by}"


def _stage(folder: Path) -> list[str]:
    """Create a deployment with staff; the lines that let a shell act as each of them."""
    world = World()
    create(folder, world, Settings(tenant="demo", carrier="示例快递 DEMO", demo=True, network=NETWORK))
    now, lines = world.now(), []
    with opening(folder, world) as store, store.transaction() as tx:
        slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
        for id_, role, unit, phone in STAFF:
            actor = Actor(id=id_, tenant="demo", role=role, unit=unit)
            people.enrol(world, store.keys, tx, actor, now, phone=Plain(phone) if phone else None)
            secret = new_secret(world, tx, id_).reveal()
            lines.append(f"export {id_.upper().replace('-', '_')}_SECRET={secret}")
        people.set_shift(tx, "courier-7", now + LONGEST)
    return lines
