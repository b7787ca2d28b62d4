"""Commands speak Chinese under a Chinese locale: help, messages, progress and errors."""

from __future__ import annotations

import argparse
import ast
import importlib
import io
import re
from pathlib import Path

import pytest

from api.chinese import CHINESE
from api.cli.main import COMMANDS, main
from api.cli.parser import HelpFormatter, Parser, wrapped
from api.importing.progress import Progress
from api.language import reads_chinese, say, say_error, translated
from masking.errors import InputError, RefusedError, SettingsError
from masking.words.rules import Rule

ROOT = Path(__file__).parents[1]
HAN = re.compile(r"[一-鿿]")
ERRORS = {"InputError", "RefusedError", "SettingsError", "UnavailableError", "MaskingError", "IntegrityError"}
ERRORS |= {"BusyError", "DamageError", "FaultError", "RootUnavailableError"}
OF_THE_SERVICE = "api/service/routes"
"""Errors of routes are problem documents, which carry words for programs."""


@pytest.fixture
def chinese(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")


def template(node):
    """The text of a string, with `{}` for each value of an f-string; None for another expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def templates(node):
    """The templates that an expression can give."""
    if isinstance(node, ast.IfExp):
        return [*templates(node.body), *templates(node.orelse)]
    found = template(node)
    return [found] if found and re.search("[A-Za-z]{3}", found.replace("{}", "")) else []


def texts(names, arguments, folder="api"):
    """The templates that calls of these functions are given under a folder, by place."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in names and node.args:
                details = [each.value for each in node.keywords if each.arg == "detail"]
                for found in [text for each in (node.args[arguments], *details) for text in templates(each)]:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", found


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, False),
        ({"LC_ALL": "zh_TW", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "", "LANG": "zh_CN"}, True),
        ({}, False),
    ],
)
def test_first_locale_variable_that_is_set_decides(monkeypatch, variables, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert reads_chinese() is expected


def walk(parser):
    """Every action of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            yield from action._choices_actions
            for each in action.choices.values():
                yield from walk(each)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_no_untranslated_text(command, chinese):
    """If this fails: add the English help and its Chinese to api/chinese/."""
    parser = Parser(prog=command)
    importlib.import_module(f"api.cli.commands.{command.replace('-', '_')}").arguments(parser)
    options = [action for action in walk(parser) if not isinstance(action, argparse._SubParsersAction)]
    assert [action.dest for action in options if not action.help] == []
    helps = [HelpFormatter("x")._get_help_string(action) for action in options]
    assert [text for text in [say(COMMANDS[command]), *helps] if not HAN.search(text)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_english_without_a_chinese_locale(command, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert said.startswith(f"usage: waybill {command}")
    assert not HAN.search(said)


def test_list_of_commands_is_chinese(chinese, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert said.startswith("用法：waybill")
    assert all(HAN.search(line) for line in said.splitlines() if line.strip() and "waybill [" not in line)


def test_messages_of_commands_are_in_the_catalogue():
    """If this fails: add the English text and its Chinese to api/chinese/."""
    found = [*texts({"say"}, 0), *texts({"Finding"}, 1)]
    assert len(found) > 80
    assert [each for each in found if each[1] not in CHINESE] == []


def test_errors_that_api_raises_are_in_the_catalogue():
    """If this fails: add the English error and its Chinese to api/chinese/."""
    found = [each for each in texts(ERRORS | {"TemplateFault"}, -1) if not each[0].startswith(OF_THE_SERVICE)]
    unneeded = {"too many requests are waiting, and none of these was processed; send them again"}
    unneeded |= {"the store did not answer in time; send the request again"}  # a service answers 503 instead
    assert len(found) > 60
    assert [each for each in found if each[1] not in CHINESE and each[1] not in unneeded] == []


@pytest.mark.parametrize("folder", ["masking", "print_templates"])
def test_errors_below_api_are_in_the_catalogue(folder):
    """If this fails: add the English error and its Chinese to api/chinese/errors_below.py."""
    found = texts(ERRORS | {"TemplateFault"}, -1, folder)
    assert [each for each in found if each[1] not in CHINESE and each[1] not in set(Rule)] == []


@pytest.mark.parametrize("english", CHINESE)
def test_translation_takes_the_same_values(english):
    values = [f"<{n}>" for n in range(english.count("{}"))]
    said = translated(english.format(*values) if values else english)
    assert said is not None
    assert sorted(re.findall(r"<\d+>", said)) == values


def test_values_in_a_message_are_translated_too(chinese):
    assert say("the keys of 3 active waybills open (a sample)") == "3 个有效运单的密钥可以打开（抽样）"
    assert say("the keys of 3 active waybills open") == "3 个有效运单的密钥可以打开"
    assert say("no such text") == "no such text"


def test_errors_say_what_is_wrong_and_what_helps_in_chinese(chinese):
    assert say_error(InputError("recipient.phone", "not-a-phone", row=3)).startswith(
        "第 3 行，recipient.phone：not-a-phone："
    )
    assert "请等待" in say_error(RefusedError("locked"))
    assert say_error(SettingsError("a service is running on this folder; stop it first")).endswith("请先停止")


def test_wrong_option_and_missing_file_are_reported_in_chinese(chinese, capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["mask"])
    assert "错误: 缺少参数：file" in capsys.readouterr().err
    assert main(["mask", str(tmp_path / "no.csv")]) == 2
    assert "无法读取：文件或文件夹不存在" in capsys.readouterr().err


def test_progress_is_chinese(chinese):
    bar = Progress("orders", 10, io.StringIO())
    bar.step(5)
    assert re.fullmatch(r"订单 +50%  5/10  1/s  剩余 0:05", bar.line(5.0))


def test_chinese_help_is_wrapped_by_columns_and_keeps_words_whole():
    lines = wrapped("把运单作为一个任务打印到文件或打印机 waybill-masking，可续打、补打", 20)
    assert all(sum(1 + (ord(char) > 0x2E80) for char in line) <= 22 for line in lines)
    assert any("waybill-masking" in line for line in lines)
    assert not any(line.startswith(("，", "、")) for line in lines)
