"""Asks the user at a terminal what a file's headers leave open. Nothing of the file but its headers is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO, TypeVar, final

from masking.errors import InputError

from ..language import say, say_error
from ..terminal import one_line
from .answers import LISTS, Answers, sender_from
from .headers import FIELDS
from .layout import Layout, named
from .orders import Survey

Answer = TypeVar("Answer")


@final
class Interview:
    """Asks on `say_to` and reads answers from `answers`, a line each."""

    def __init__(self, answers: TextIO, say_to: TextIO) -> None:
        self._answers = answers
        self._say_to = say_to

    def answers(self, layout: Layout, survey: Survey, known: Answers) -> Answers:
        """What is known, with the answers to all open questions.

        Raises:
            EOFError: the user ended the input.
        """
        columns, ignore, sender = dict(known.columns), set(known.ignore), known.sender
        every = ", ".join(f"{at + 1} {one_line(named(layout.headers, at))}" for at in range(len(layout.headers)))
        self._print(say(f"columns: {every}"))
        lacking = layout.missing
        for field in (name for name in lacking if not name.startswith("sender.")):
            columns[field] = self._ask(say(f"which column is {field}? its number: "), self._columns(layout, field))
        for field, doubtful in layout.doubts.items():
            if field not in columns:
                among = ", ".join(str(at + 1) for at in doubtful)
                columns[field] = self._ask(say(f"{field} is one of {among}: "), self._columns(layout, field))
                ignore |= {named(layout.headers, at) for at in doubtful} - {*columns[field]}
        used = {header for headers in columns.values() for header in headers}
        for at in survey.asked:
            header = named(layout.headers, at)
            if header not in used:
                field = self._ask(
                    say(f"what is {one_line(header)}? a field, or Enter if no waybill needs it: "), _field
                )
                if field:
                    understood = [named(layout.headers, n) for n in layout.columns.get(field, ())]
                    columns[field] = [*columns.get(field, understood), header]
                else:
                    ignore.add(header)
        if any(name.startswith("sender.") for name in lacking):
            sender = self._ask(say("the sender of every parcel, as NAME,PHONE,ADDRESS: "), sender_from)
        return Answers(columns=columns, ignore=frozenset(ignore), sender=sender)

    def _columns(self, layout: Layout, field: str) -> Callable[[str], Sequence[str]]:
        def read(text: str) -> Sequence[str]:
            numbers = [part for part in text.replace("，", ",").replace(",", " ").split() if part]
            if not numbers or not all(each.isdecimal() and 1 <= int(each) <= len(layout.headers) for each in numbers):
                raise InputError("column", f"give a number from 1 to {len(layout.headers)}")
            if len(numbers) > 1 and field.rpartition(".")[2] not in LISTS:
                raise InputError("column", "give one number")
            return [f"#{int(each)}" for each in numbers]

        return read

    def _ask(self, question: str, read: Callable[[str], Answer]) -> Answer:
        while True:
            self._say_to.write(question)
            self._say_to.flush()
            line = self._answers.readline()
            if not line:
                raise EOFError
            try:
                return read(line.strip())
            except InputError as error:
                self._print(say_error(error))

    def _print(self, line: str) -> None:
        print(line, file=self._say_to)


def _field(text: str) -> str:
    if text and text not in FIELDS:
        raise InputError("field", f"give one of {', '.join(FIELDS)}")
    return text
