"""`waybill keys`: creates, lists, rotates, revokes, refreshes and destroys keys. Each act is recorded before it is done.

`init` is for a folder that already has a `waybill.toml`, for example with a [root] in a PKCS#11 token. For any other
folder use `waybill init`. Irreversible acts ask for `yes` (or take `--yes`), and every act has a `--dry-run`.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from masking.config import SETTINGS, read_table
from masking.deployment import OFFLINE_KEY, ROOT_KEY, create, create_in, operator
from masking.disk import write_secret
from masking.errors import InputError, SettingsError
from masking.journal import journal
from masking.keys import lifecycle
from masking.keys.root import move_root, rotate_root
from masking.runtime import World, moment
from masking.store.store import Settings, Store
from masking.upkeep.retention_run import key_act, record_stuck_wraps
from masking.values.json import time_to_json

from ...deployment import add_folder, exclusive_folder, opening
from ...language import say
from ...terminal import write_over

_ACTS = {
    "init": (),
    "list": (),
    "rotate": ("online", "archive", "label", "offline", "root"),
    "revoke": ("online", "label"),
    "refresh": ("online",),
    "destroy": ("online", "archive", "offline"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=_ACTS, help="what to do")
    parser.add_argument("purpose", nargs="?", default="", help="the kind of key: online, label, archive, offline, root")
    parser.add_argument("name", nargs="*", help="the key's name, as `list` shows it")
    parser.add_argument("--out", type=Path, help="rotate offline: file for the private key; move it off this machine")
    parser.add_argument("--to", type=Path, help="rotate root: settings (TOML) whose [root] names a PKCS#11 token")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument("--yes", action="store_true", help="don't ask for confirmation")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Run the act; 1 if it was not confirmed."""
    world = World()
    if (args.purpose or _ACTS[args.act]) and args.purpose not in _ACTS[args.act]:
        known = f"one of {', '.join(_ACTS[args.act])}" if _ACTS[args.act] else "no purpose"
        raise InputError("purpose", f"{args.act} takes {known}")
    if args.act == "init":
        return _init(args, world)
    with opening(args.folder, world) as store:
        try:
            match args.act:
                case "list":
                    return _list(store)
                case "rotate":
                    return _rotate(args, world, store)
                case "refresh":
                    return _refresh(args, world, store)
                case _:
                    return _end(args, world, store)
        finally:
            journal.sequence(world, store)


def _init(args: argparse.Namespace, world: World) -> int:
    folder: Path = args.folder
    written = (folder / SETTINGS).exists()
    if args.dry_run:
        print(say(f"would create the root key and the key store in {folder}; existing ones are never overwritten"))
        return 0
    if written:
        create_in(folder, world)
    else:
        create(folder, world, Settings())
    print(
        say(
            f"Root key and key store are created. Move {folder / OFFLINE_KEY} off this machine: it opens sealed-away data."
        )
    )
    print(say(f"Next: waybill init {folder}, for the supervisor's one-time code"))
    return 0


def _list(store: Store) -> int:
    for line in lifecycle.listing(store.keys):
        wraps = say(f"{line.wraps} wraps") if line.wraps else ""
        print(
            f"{line.purpose:<8} {line.name:<24} {line.state:<9} {time_to_json(moment(line.created))}  {wraps}".rstrip()
        )
    return 0


def _rotate(args: argparse.Namespace, world: World, store: Store) -> int:
    if args.purpose == "offline" and not args.out:
        raise InputError("out", "missing: give the file for the private key")
    if args.dry_run:
        print(say(f"would create a new {args.purpose} key; the present one still opens what it wrapped"))
        return 0
    key_act(world, store, operator(store), "rotate", args.purpose, args.purpose)
    match args.purpose:
        case "root":
            if args.to:
                table = tomllib.loads(args.to.read_text("utf-8"))
                with exclusive_folder(args.folder, SettingsError("a service is running on this folder; stop it first")):
                    count = move_root(args.folder, table, store.keys, world)
                print(say(f"{count} keys wrapped by a root in the token; now put its [root] into {SETTINGS}"))
            elif "root" in read_table(args.folder):
                raise InputError(
                    "to", "missing: this deployment's root is in a token, so give settings with the next one"
                )
            else:
                count = rotate_root(args.folder / ROOT_KEY, store.keys, world)
                print(say(f"{count} keys wrapped by a new root"))
            print(
                say(
                    "Running services and shops of this folder change to it by themselves. Destroy copies of the old root in 24 "
                    "hours: until then they open earlier copies of the key store."
                )
            )
        case "offline":
            name, private = lifecycle.new_offline(store.keys)
            write_secret(
                args.out, private
            )  # before the store uses the public key, so that no day is sealed to a lost one
            lifecycle.use_offline(store.keys, name, private, world, world.now())
            print(
                say(
                    f"offline key {name}: days that start from now on are sealed to it. Move {args.out} off this machine"
                )
            )
        case purpose:
            print(say(f"{purpose} key {lifecycle.rotate(store.keys, purpose, world, world.now())} is used from now on"))
    return 0


def _refresh(args: argparse.Namespace, world: World, store: Store) -> int:
    now = world.now()
    names = args.name or lifecycle.due_online(store.keys, now)
    total = lifecycle.count_wraps(store.keys, names)
    if args.dry_run:
        print(say(f"would move {total} wraps of {', '.join(names) or 'no key'} to today's key"))
        return 0
    moved = _progress(lifecycle.refresh(store.keys, names, world, now), total)
    print(
        say(
            f"moved {moved} wraps to today's key. Destroy a key that wraps nothing with: waybill keys destroy online NAME"
        )
    )
    stuck = sorted(record_stuck_wraps(world, store, operator(store), names))
    if stuck:
        print(say(f"wraps under {', '.join(stuck)} do not open and stay there; an alarm is raised"), file=sys.stderr)
    return 1 if stuck else 0


def _end(args: argparse.Namespace, world: World, store: Store) -> int:
    if not args.name:
        raise InputError("name", "missing: name the key, as `waybill keys list` shows it")
    what = f"{args.act} {args.purpose} {', '.join(args.name)}"
    if args.dry_run:
        known = {line.name: line for line in lifecycle.listing(store.keys) if line.purpose == args.purpose}
        for name in args.name:
            line = known.get(name)
            print(
                say(
                    f"would {args.act} {args.purpose} {name}: {f'{line.state}, {line.wraps} wraps' if line else 'no such key'}"
                )
            )
        return 0
    if not args.yes and input(say(f"{what}: this can't be undone. Type yes: ")) != "yes":
        print(say("nothing was done"), file=sys.stderr)
        return 1
    for name in args.name:
        key_act(world, store, operator(store), args.act, args.purpose, name)
        if args.act == "revoke":
            lifecycle.revoke(store.keys, args.purpose, name, world.now())
        else:
            lifecycle.destroy(store.keys, args.purpose, name, world.now())
    print(say(f"done: {what}"))
    return 0


def _progress(moves: Iterable[int], total: int) -> int:
    """Show the progress; the number of wraps moved."""
    done = 0
    for moved in moves:
        done += moved
        if sys.stderr.isatty():
            filled = 30 * done // max(total, 1)
            write_over(sys.stderr, say(f"[{'#' * filled:<30}] {done} of {total}"))
    if sys.stderr.isatty() and done:
        print(file=sys.stderr)
    return done
