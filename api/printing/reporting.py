"""What the clerk hears of labels: the notes on printed ones, and why others were not printed."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence

from masking.values.printable import Note

from ..language import say, say_reason


def not_printed(position: int, field: str, rule: str, sizes: Sequence[str]) -> str:
    """The line for a label that could not be drawn, with the sizes that have room for it."""
    room = f" (it fits on: --template {' or '.join(sizes)})" if sizes else ""
    return f"label {position}: {field}: {rule}{room}"


def report_notes(notes: Iterable[tuple[int, Note]]) -> None:
    """Print the notes on labels, given with their positions, once each."""
    noted: defaultdict[Note, list[int]] = defaultdict(list)
    for position, note in notes:
        noted[note].append(position)
    for note, positions in noted.items():
        line = say(f"note on label {_listed(positions)}: {note.field}: {say_reason(note.rule)}", values=False)
        sys.stderr.write(f"waybill label: {line}\n")


def _listed(positions: Sequence[int]) -> str:
    """The first ten positions, and the number of further ones."""
    rest = f" and {len(positions) - 10} more" if len(positions) > 10 else ""
    return ", ".join(map(str, positions[:10])) + rest
