"""What the documents say is true: their code runs, their links lead somewhere, the tests they name exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("masking/*.md")], key=lambda path: path.as_posix()
)
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
NEEDS_A_SERVICE = {"docs/service.md"}  # tests/test_service_document.py runs these
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in NEEDS_A_SERVICE and BLOCK.search((ROOT / name).read_text("utf-8"))]
)
def test_code_in_a_document_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(BLOCK.findall((ROOT / name).read_text("utf-8")))
    exec(compile(blocks, name, "exec"), {"__name__": "document"})


def test_code_in_documents_passes_strict_type_checks(tmp_path):
    for name in NAMES:
        if blocks := BLOCK.findall((ROOT / name).read_text("utf-8")):
            (tmp_path / (re.sub(r"\W", "_", name) + ".py")).write_text("\n".join(blocks), "utf-8")
    files = sorted(map(str, tmp_path.glob("*.py")))
    assert len(files) >= 3
    command = [sys.executable, "-m", "mypy", "--strict", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_document_resolve(name):
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", (ROOT / name).read_text("utf-8"))
    files = [target for target in targets if not re.match(r"[a-z]+://", target)]
    assert [target for target in files if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_links_within_a_document_name_a_heading(name):
    text = (ROOT / name).read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize("name", NAMES)
def test_tests_that_a_document_names_exist(name):
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("**/*.py"))
    for test in re.findall(r"`(test_\w+)`", (ROOT / name).read_text("utf-8")):
        assert f"def {test}(" in source, test
    for file in re.findall(r"`(tests/\S+?\.py)`", (ROOT / name).read_text("utf-8")):
        assert (ROOT / file).exists(), file


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("test_*.py")), ids=lambda path: path.stem)
def test_test_names_are_plain_and_under_80_characters(path):
    names = re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    unclear = re.compile(r"^test_(a|an|the|what|of)_|_(whoever|whatever|somebody|nobody|told)(_|$)|_is_none$")
    assert [name for name in names if len(name) >= 80 or unclear.search(name)] == []


def test_readme_of_the_tests_lists_every_helper():
    readme = (ROOT / "tests" / "README.md").read_text("utf-8").partition("## Helpers")[2]
    helpers = {path.name for path in (ROOT / "tests" / "support").glob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"`(\w+\.py)`", readme)) == helpers


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_a_guide_names_exist(name):
    text = (ROOT / name).read_text("utf-8")
    paths = set(re.findall(r"`((?:api|docs|masking|print_templates|requirements|tests)/[\w./-]*)`", text)) - {
        "print_templates/templates/SIZE.toml"  # the file that a contributor adds
    }
    assert len(paths) > 8
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_both_commands_are_in_the_readme_and_the_makefile():
    readme, makefile = (ROOT / "README.md").read_text("utf-8"), (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile


def test_no_tracked_file_names_a_registry():
    # spelled so that this file does not name them either
    hosts = "|".join(rf"{name}[.]org" for name in ("pypi", "pythonhosted", "npmjs", "deb[.]debian"))
    found = subprocess.run(["git", "grep", "-lIE", hosts], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode not in {0, 1}:
        pytest.skip("not a git checkout")
    assert found.stdout == ""
