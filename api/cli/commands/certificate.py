"""`waybill certificate verify FILE --key KEY`: verifies the signature of a certificate of destruction offline.

KEY is the string `name+id+key` that `waybill erase` prints with a certificate. Get it from the carrier through another
channel than the certificate. Without KEY, the deployment in `--folder` supplies its own. FORMAT.md section 10.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.errors import InputError, IntegrityError
from masking.ledger.certificate import key_name, read
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.values.json import time_to_json

from ...deployment import add_folder, opening
from ...language import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["verify"], help="what to do")
    parser.add_argument("file", type=Path, help="the certificate, as `waybill erase --certificate` wrote it")
    parser.add_argument("--key", help="the issuer's public key, name+id+key (default: this deployment's)")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is certified; 1 if this key did not sign it, 2 if there is no certificate or no key."""
    world = World()
    try:
        note = args.file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError("file", "not-a-readable-text") from None
    key = _given(args.key) if args.key else _own(args.folder, world)
    try:
        done = read(note, key)
    except IntegrityError as error:
        print(say(f"NOT CERTIFIED: {error}"), file=sys.stderr)
        return 1
    print(say(f"certified by {key.name}: {done.waybill} destroyed at {time_to_json(done.at)}, reason {done.reason}"))
    over = "since" if done.complete_by <= world.now() else "from"
    print(say(f"no known copy of it can be opened {over} {time_to_json(done.complete_by)}"))
    return 0


def _given(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except IntegrityError:
        raise InputError("--key", "not-a-public-key: name+id+key") from None


def _own(folder: Path, world: World) -> VerifierKey:
    with opening(folder, world) as store:
        seed = store.keys.existing("sign", "certificate")
        if seed is None:
            raise InputError("--key", "missing, and this deployment has certified nothing yet")
        return VerifierKey.of_seed(key_name(store.settings.origin), seed)
