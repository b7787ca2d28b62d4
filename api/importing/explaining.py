"""Texts about an import: how the file was understood, open questions, and a summary. They never show a cell's content."""

from __future__ import annotations

from collections import Counter

from ..language import reads_chinese, say, say_reason
from ..terminal import one_line
from .job import ImportJob, Result
from .layout import Layout, named
from .orders import Parcel, Survey, parcels
from .rules import meaning
from .statuses import STATES

_ROWS = 20
_SENDER = 'Give the sender with --sender "NAME,PHONE,ADDRESS", or for all files as [sender] in the deployment\'s waybill.toml.'


def open_questions(layout: Layout, survey: Survey) -> str:
    """The questions to answer before the file can be imported; empty without questions."""
    asked = [say(each) for each in layout.questions]
    asked += [say(f"what is {_column(layout, at)}?") for at in survey.asked]
    if not asked:
        return ""
    return "\n".join(
        [say("This file is not understood for sure, and nothing was entered:"), *(f"  {each}" for each in asked)]
    )


def questions(layout: Layout, survey: Survey) -> str:
    """The open questions with a draft of the answers; empty without questions."""
    asked = open_questions(layout, survey)
    if not asked:
        return ""
    of_sender = [name for name in layout.missing if name.startswith("sender.")]
    if of_sender and len(of_sender) == len(layout.questions) and not survey.asked:
        return "\n".join([say("The file does not say who sends the parcels, and nothing was entered."), say(_SENDER)])
    lines = [asked, say("Write the answers to a file and give it with --columns:")]
    if of_sender:
        lines.append(say(_SENDER))
    return "\n".join([*lines, "", layout.answer_sheet(survey.asked)])


def explain(layout: Layout, survey: Survey, confidence: float) -> str:
    """How the file is read, the meaning of each column, and the rows that would be rejected by their form."""
    lines = [say(f"read as {layout.reading}; headers in row {layout.header_row}")]
    if layout.profile:
        lines.append(say(f"recognised as an export of {layout.profile}"))
    for name, columns in layout.columns.items():
        lines.append(f"  {name:<22}{', '.join(_column(layout, at) for at in columns)}")
    if layout.sender:
        lines.append(f"  {'sender':<22}{say('as given, where the file has none')}")
    if layout.ignored:
        lines.append(f"  {say('ignored'):<22}{', '.join(_column(layout, at) for at in layout.ignored)}")
    if layout.questions or survey.asked:
        return "\n".join(lines)
    faults: Counter[tuple[str, str]] = Counter()
    for each in parcels(layout, survey.repeated, confidence=confidence):
        if not isinstance(each, Parcel):
            faults[each.field, each.rule] += 1
        elif problems := each.order.problems():
            faults[problems[0].field, problems[0].rule] += 1
    several = len(survey.repeated)
    lines.append(say(f"{survey.lines:,} rows, {survey.orders:,} orders, {several:,} of them in several rows"))
    lines += _left_out(survey)
    lines += [
        "  " + say(f"{count:,} would be rejected: {field}: {rule_of(rule)}")
        for (field, rule), count in faults.most_common()
    ]
    return "\n".join(lines)


def summary(job: ImportJob, result: Result) -> str:
    """What became of the orders, and the files that were written."""
    entered = sum(result.taken.values())
    lines = [
        say(
            f"{job.survey.lines:,} rows, {job.survey.orders:,} orders: "
            f"{entered:,} masked, {result.faults.total():,} rejected"
        )
    ]
    lines += _left_out(job.survey)
    words = {"new": "new", "known": "entered before", "amended": "amended"}
    lines += ["  " + say(f"{result.taken[how]:,} {said}") for how, said in words.items() if result.taken[how]]
    lines += [
        "  " + say(f"{count:,} rejected: {field}: {rule_of(rule)}")
        for (field, rule), count in result.faults.most_common()
    ]
    if job.template:
        lines.append(say(f"{result.printed:,} labels"))
        lines += [
            "  " + say(f"{count:,} not printed: {say_reason(reason)}") for reason, count in result.refused.most_common()
        ]
    return "\n".join([*lines, *map(one_line, result.files)])


def _left_out(survey: Survey) -> list[str]:
    """How many rows were left out for each reason, and which."""
    lines = []
    for reason, rows in sorted(survey.left_out.items()):
        some = ", ".join(map(str, rows[:_ROWS])) + (", ..." if len(rows) > _ROWS else "")
        lines.append("  " + say(f"{len(rows):,} rows left out: {reason}: {some}"))
    if survey.hidden:
        lines.append("  " + say(f"{survey.hidden:,} rows are hidden in the sheet; --skip-hidden leaves them out"))
    if survey.left_out.keys() & {*STATES}:
        lines.append("  " + say("--every-status enters orders in every state"))
    return lines


def _column(layout: Layout, at: int) -> str:
    return say(f"{one_line(named(layout.headers, at))} (column {at + 1})")


def rule_of(rule: str) -> str:
    """A rule with its meaning."""
    chinese = reads_chinese()
    text = meaning(rule, chinese=chinese)
    return f"{rule}（{text}）" if chinese else f"{rule} ({text})"
