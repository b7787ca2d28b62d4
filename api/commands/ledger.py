"""`waybill ledger verify`: recomputes the whole ledger and names the first leaf that is not what was signed."""

from __future__ import annotations

import argparse

from masking.vault import journal
from masking.world import World

from ..deployment import add_folder, opening


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["verify"])
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the verdict and the last checkpoint; 1 if anything is wrong."""
    with opening(args.folder, World()) as store:
        report = journal.verify(store)  # signs nothing: what is in doubt is not to be signed over
    if report.fault:
        print(f"NOT WHAT WAS SIGNED: leaf {report.fault.position}: {report.fault.rule}")
        return 1
    print(f"{report.size} leaves, all as signed; {report.waiting} wait for their place. The last checkpoint:")
    print(f"\n{report.note}")
    return 0
