"""Writes what is generated from the registers of words: python -m scripts.reasons.

`docs/reasons.md` is the table of all reasons, rules and kinds of alarms; `api/service/outlet/meanings.js` has the meanings
of refusals and rules for the outlet's page.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from masking.words.alarms import AlarmKind
from masking.words.chinese import in_chinese
from masking.words.ledger_kinds import LedgerKind
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from masking.words.word import Word

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "reasons.md"
MEANINGS = ROOT / "api" / "service" / "outlet" / "meanings.js"
REGISTERS = (Reason, Rule, RequestRule, ProofRule, AlarmKind, LedgerKind)
ASKING = {"masking/client"}
"""Modules that only read answers, so that a word in them says nothing about its origin."""

HEAD = """# Reasons, rules, alarms and leaves

Generated from the registers in `masking/words` by `python -m scripts.reasons`; edit those. A word keeps its meaning. A new
version may add words, so treat an unknown word as a refusal without a known remedy.
"""


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the three packages, parsed, by its path from the root."""
    found = [path for name in ("masking", "print_templates", "api") for path in sorted((ROOT / name).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in found}


@cache
def uses() -> dict[Word, list[str]]:
    """The modules that use each word: by its name, or by a constant of the package that holds it."""
    constants = {name: word for tree in sources().values() for name, word in _constants(tree)}
    found: dict[Word, list[str]] = {word: [] for register in REGISTERS for word in register}
    for path, tree in sources().items():
        known = {name for name, _ in _constants(tree)} | {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        named = {word for node in ast.walk(tree) if (word := _word(node))}
        named |= {
            constants[n.id] for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in known & constants.keys()
        }
        for word in named:
            found[word].append(path)
    return found


def table() -> str:
    """The text of `docs/reasons.md`."""
    return (
        f"{HEAD}\n## Reasons of refusals\n\nMember `reason` of the outcome `refused`.\n\n{_rows(Reason)}"
        f"\n## Rules\n\nMember `rule` of the outcome `rejected`, and of `notes` of `printed`: one field breaks it.\n\n{_rows(Rule)}"
        f"\n## Rules of requests\n\nMember `rule` in `errors` of the problem `input`: nothing of the request was done."
        f" The words of the list above can stand there, too.\n\n{_rows(RequestRule)}"
        f"\n## Rules of proofs\n\nMember `reason` of the problem `proof-refused`.\n\n{_rows(ProofRule)}"
        f"\n## Kinds of alarms\n\nMember `kind` of an alarm ([operations](operations.md#alarms)).\n\n{_rows(AlarmKind)}"
        f"\n## Kinds of leaves\n\nMember `kind` of a leaf of the ledger (`waybill who-saw`).\n\n{_kinds()}"
    )


def _room(path: str) -> str:
    """The step or package that a module belongs to."""
    parts = path.removesuffix(".py").split("/")
    return "/".join(parts[: 3 if parts[1] == "steps" else 2]) if parts[0] == "masking" else parts[0]


def _rows(register: type[Word]) -> str:
    lines = ["| Word | Meaning | What helps | 中文 | Where |", "|---|---|---|---|---|"]
    for word in sorted(register):
        where = ", ".join(f"`{room}`" for room in sorted({_room(path) for path in uses()[word]} - ASKING))
        lines.append(f"| `{word}` | {word.meaning} | {word.remedy} | {''.join(in_chinese(word))} | {where} |")
    return "\n".join(lines) + "\n"


def _kinds() -> str:
    lines = ["| Word | Meaning | 中文 | Where |", "|---|---|---|---|"]
    for word in LedgerKind:
        where = ", ".join(f"`{room}`" for room in sorted({_room(path) for path in uses()[word]} - ASKING))
        lines.append(f"| `{word}` | {word.meaning} | {in_chinese(word)[0]} | {where} |")
    return "\n".join(lines) + "\n"


def meanings() -> str:
    """The text of `meanings.js`: the meaning of each refusal and rule in both languages, without its full stop."""
    registers: dict[str, type[Word]] = {"refusals": Reason, "rules": Rule}
    found = {
        "zh": {name: {word: in_chinese(word)[0].rstrip("。") for word in each} for name, each in registers.items()},
        "en": {name: {word: word.meaning.rstrip(".") for word in each} for name, each in registers.items()},
    }
    head = "// Generated from masking/words by `python -m scripts.reasons`; edit those. words.js has the page's own wordings.\n\n"
    return f"{head}export const MEANINGS = {json.dumps(found, ensure_ascii=False, indent=2)};\n"


def _constants(tree: ast.Module) -> Iterator[tuple[str, Word]]:
    """Constants of a module that hold a refusal."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            for keyword in node.value.keywords:
                word = _word(keyword.value)
                if word:
                    yield node.targets[0].id, word


def _word(node: ast.AST) -> Word | None:
    """The word that an expression such as `Reason.LOCKED` names."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        register = {each.__name__: each for each in REGISTERS}.get(node.value.id)
        return register[node.attr] if register and node.attr in register.__members__ else None
    return None


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
    MEANINGS.write_text(meanings(), "utf-8")
