"""The command `waybill`: finds the command's module in `api/commands`, imports only that one, and runs it.

A command module has `arguments(parser)` and `run(args) -> exit status`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from masking.errors import MaskingError, not_installed

from ..terminal import guarded_output

COMMANDS = {
    "init": "a new deployment, and its supervisor's one-time code",
    "serve": "the service over HTTP, on this machine (--demo: with staff and credentials to try it)",
    "people": "enrol, confirm, revoke people and begin shifts, on a service, by your own device's key",
    "doctor": "look at a deployment and say what to mend",
    "demo": "one order's way from checkout to erased data, every printed line checked",
    "mask": "a file of orders (CSV, XLSX) becomes masked waybills, labels, and a list of what was rejected",
    "label": "print waybills as one job, into a file or on a printer; go on after a break, or print a range again",
    "printer": "print a page to set a label printer up with: paper edges, single dots, darkness, offset",
    "template": "a merchant's own label templates: new, check, preview",
    "who-saw": "everything on the ledger about one waybill",
    "alarms": "list what was raised, acknowledge it, send what waits",
    "watch": "what stands out on the ledger of the last day; mark a parcel as a canary",
    "erase": "destroy one waybill's data for good",
    "certificate": "verify a certificate of destruction, offline",
    "numbers": "the pool of virtual numbers: import, retire, quarantine, clear, stock, plan",
    "ledger": "verify the ledger",
    "retire": "the nightly run: seal away, destroy and let keys die, as the schedule says",
    "hold": "keep one waybill from being sealed away and destroyed, or release it",
    "archive": "open one sealed-away waybill with the offline key",
    "keys": "make, list, rotate, revoke, refresh, destroy keys",
    "backup": "copy the data or the keys, consistently, while they are in use",
    "restore": "put a copy of the data or the keys in place of a lost database; what was destroyed stays destroyed",
    "check": "the auditor's tool: compare finished labels with the orders they were made from",
    "redact": "mask names, phones, addresses and free text: JSON lines in, JSON lines out",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `waybill COMMAND ...`; the exit status is the command's, 2 for an error that has a name."""
    with guarded_output():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="waybill",
        description="Take the recipient's personal data off the waybill.",
        epilog="\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    command = parser.parse_args(words[:1]).command
    own = argparse.ArgumentParser(prog=f"waybill {command}", description=COMMANDS[command])
    status = 2
    try:
        module = importlib.import_module(f".commands.{command.replace('-', '_')}", __package__)
        module.arguments(own)
        status = int(module.run(own.parse_args(words[1:])))
        sys.stdout.flush()
    except MaskingError as error:
        print(f"waybill {command}: {error}", file=sys.stderr)
    except ImportError as error:
        print(f"waybill {command}: {not_installed(error)}", file=sys.stderr)
    except BrokenPipeError:  # whoever read what we print has seen enough; nothing is left to be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a file that the caller named, or a full disk
        print(f"waybill {command}: {error.filename or 'file'}: {error.strerror}", file=sys.stderr)
    return status
