"""The register of reasons and rules is complete, used, and documented."""

from __future__ import annotations

import ast
import re

import pytest

from masking.errors import RefusedError
from masking.values.plaintext import LIMITS
from masking.values.printable import Refusal, Rejected, WaybillState
from masking.words.alarms import AlarmKind
from masking.words.chinese import TEXTS, in_chinese
from masking.words.ledger_kinds import LedgerKind
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from scripts import reasons

WORDS = [*Reason, *Rule, *RequestRule, *ProofRule, *AlarmKind, *LedgerKind]


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("htu", "not localhost"),
        ("unauthenticated", "ask a supervisor for a new code"),
        ("future", "Set this machine's clock"),
    ],
)
def test_refused_error_says_what_helps(reason, advice):
    error = RefusedError(reason)
    assert error.reason == reason
    assert str(error).startswith(f"{reason}: ")
    assert advice in str(error)


def test_documented_table_is_generated_from_the_register():
    """If this fails and the change is meant: python -m scripts.reasons."""
    assert reasons.TABLE.read_text("utf-8") == reasons.table()
    assert reasons.MEANINGS.read_text("utf-8") == reasons.meanings()


@pytest.mark.parametrize("word", WORDS)
def test_word_has_a_form_a_meaning_and_a_remedy(word):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", word)
    assert word.meaning.endswith(".")
    assert word.remedy.endswith(".") or isinstance(word, LedgerKind)


@pytest.mark.parametrize("word", WORDS)
def test_word_has_its_meaning_and_remedy_in_chinese(word):
    """If this fails: add the word to masking/words/chinese.py."""
    for text in in_chinese(word)[: 1 if isinstance(word, LedgerKind) else 2]:
        assert text.endswith("。")
        assert re.search("[一-鿿]", text)


def test_chinese_has_no_word_that_is_not_registered():
    assert [register for register, words in TEXTS.items() if {str(word) for word in register} != words.keys()] == []


def test_every_word_is_used_by_the_code():
    assert [word for word, paths in reasons.uses().items() if not paths] == []


def test_every_refusal_and_rule_in_the_code_is_a_member_of_the_register():
    """If this fails: add the word to masking/words/reasons.py or masking/words/rules.py, and use its member here."""
    found = [f"{path}:{line}: {word!r}" for path, tree in reasons.sources().items() for line, word in literals(tree)]
    assert found == []


def test_every_rule_of_an_input_error_is_registered():
    """If this fails: take a word of `Rule` or `RequestRule`, and put a sentence into `detail`."""
    registered = {str(word) for word in (*Rule, *RequestRule)}
    found = [
        f"{path}:{node.lineno}: {ast.unparse(node.args[1])}"
        for path, tree in reasons.sources().items()
        if path.startswith(("masking/", "print_templates/", "api/service/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InputError"
        if isinstance(node.args[1], ast.JoinedStr)
        or (isinstance(node.args[1], ast.Constant) and node.args[1].value not in registered)
    ]
    assert found == []


def test_literal_words_are_found():
    code = 'Refusal(reason="a")\nwaybill.Rejected(field="b", rule=f"c-{d}")\nProblem("e", "f")\nRefusal(reason=Reason.HELD)'
    assert [line for line, _ in literals(ast.parse(code))] == [1, 2, 3]


def literals(tree):
    """Strings that are given as a reason or a rule."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in {Refusal.__name__, Rejected.__name__, "NotPrinted", "Problem", "Failed"}:
            continue
        words = [each.value for each in node.keywords if each.arg in {"reason", "rule"}]
        words += node.args[1:2] if name == "Problem" else node.args[:1] if name == "Failed" else []
        yield from (
            (node.lineno, ast.unparse(each)) for each in words if isinstance(each, ast.Constant | ast.JoinedStr)
        )


def test_length_rule_names_the_length():
    assert {name: rule for name, (limit, rule) in LIMITS.items() if rule != f"longer-than-{limit}"} == {}


def test_waybill_has_every_state_of_the_lifecycle():
    from masking.values.states import State

    assert {state.value for state in State} < {state.value for state in WaybillState}
