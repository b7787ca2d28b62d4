"""The program `waybill`: imports the module of the named command from `api/cli/commands` and runs it.

A command's module has `arguments(parser)`, which adds its options, and `run(args)`, which returns the exit status.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from masking.errors import MaskingError, not_installed

from ..language import say, say_error
from ..terminal import guarded_output, place_of
from .parser import Parser

FAULT = 70
"""The exit status after an error that is a fault of this program (EX_SOFTWARE of sysexits.h)."""

COMMANDS = {
    "init": "create a deployment, and a one-time code for its supervisor",
    "serve": "run the HTTP service on this machine (--demo: with sample staff and credentials)",
    "people": "enrol, confirm and revoke people and start shifts, on a service, with your own device's key",
    "doctor": "check a deployment and say what to repair",
    "demo": "take sample orders from checkout to erased data, and check every printed line",
    "mask": "turn a file of orders (CSV, a workbook) into masked waybills, labels and a list of rejected orders",
    "ship": "give waybills the carrier's numbers, also from a filled masked.csv, and print their labels",
    "find": "find your waybills by order number, or by a phone from standard input",
    "status": "count your waybills by state, and name those without the carrier's numbers",
    "cancel": "destroy the data of orders that will not be sent",
    "label": "print waybills as one job to a file or printer; resume it, or reprint a range",
    "printer": "print a setup page for a label printer: paper edges, single dots, darkness, offset",
    "template": "create, check and preview your own label templates",
    "who-saw": "list everything on the ledger about one waybill",
    "alarms": "list, acknowledge and deliver alarms",
    "watch": "report unusual activity on the ledger; mark a parcel as a canary",
    "erase": "destroy one waybill's data permanently",
    "certificate": "verify a certificate of destruction offline",
    "numbers": "manage the pool of virtual numbers: import, retire, quarantine, clear, stock, plan",
    "ledger": "verify the ledger, or accept one that was cut back",
    "retire": "the nightly run: seal away and destroy data on schedule, and end keys",
    "hold": "keep one waybill from being sealed away or destroyed, or release it",
    "archive": "open one sealed-away waybill with the offline key",
    "keys": "create, list, rotate, revoke, refresh and destroy keys",
    "backup": "copy the data or the keys consistently while they are in use",
    "restore": "replace a lost database by a copy of the data or the keys; destroyed data stays destroyed",
    "check": "for auditors: compare finished labels with the orders they were made from",
    "redact": "mask names, phones, addresses and free text: JSON lines in, JSON lines out",
}


class _Version(argparse.Action):
    """Prints the version of the program and the date of its table of divisions."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print and exit. Both modules are imported only now, since most runs don't need them."""
        metadata = importlib.import_module("importlib.metadata")
        divisions = importlib.import_module("masking.redact.divisions")
        print(f"waybill {metadata.version('waybill-masking')}, {say('divisions of')} {divisions.AS_OF}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run `waybill COMMAND ...`. The exit status is the command's own, 2 for an expected error, `FAULT` for a fault."""
    with guarded_output():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(
        prog="waybill",
        description="Keep the recipient's personal data off the waybill.",
        epilog="\n".join(f"  {name:<12}{say(text)}" for name, text in COMMANDS.items()),
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version and the date of the table of divisions"
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    if not words:
        parser.print_help(sys.stderr)
        return 2
    command = parser.parse_args(words[:1]).command
    own = Parser(prog=f"waybill {command}", description=COMMANDS[command])
    status = 2
    try:
        module = importlib.import_module(f".commands.{command.replace('-', '_')}", __package__)
        module.arguments(own)
        status = int(module.run(own.parse_args(words[1:])))
        sys.stdout.flush()
    except MaskingError as error:
        print(f"waybill {command}: {say_error(error)}", file=sys.stderr)
    except ImportError as error:
        print(f"waybill {command}: {say_error(not_installed(error))}", file=sys.stderr)
    except BrokenPipeError:  # the reader closed the pipe; /dev/null takes what Python flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a file that the user named, or a full disk
        print(f"waybill {command}: {error.filename or say('file')}: {say(error.strerror or '')}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001  a traceback would print the error's message, which may repeat a cell
        said = say(f"a fault of this program: {place_of(error)}. Report this line: it holds nothing of your files")
        print(f"waybill {command}: {said}", file=sys.stderr)
        status = FAULT
    return status
