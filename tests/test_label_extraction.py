"""Text that four programs copy out of a label's PDF: what stands on it, also after another program has rewritten the file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pypdf
import pypdfium2
import pytest

from print_templates.render import render
from tests.support.sample_labels import sample_label, sample_view

SAID = [
    "示例快递",
    "隐私面单",
    "上海市浦东新区世纪大道100号*栋*单元***室",
    "欧阳**",
    "138******01",
    "17000000000转4821",
    "㐂",
]
RARE = "𫭢"
"""Beyond the first 65,536 characters; Ghostscript 10.00 writes those wrongly by itself."""
MANY = "".join(map(chr, range(0x4E10, 0x4F30)))


def document(folder: Path) -> Path:
    """A label with characters beyond the first 65,536, and more than 256 in all: codes whose first byte changes."""
    parts = [MANY[n : n + 40] for n in range(0, len(MANY), 40)]
    rendered = render(
        [sample_label(n, view=sample_view(goods=f"㐂{RARE}", remark=part)) for n, part in enumerate(parts)]
    )
    assert not [outcome for outcome in rendered.outcomes if outcome.notes]
    path = folder / "labels.pdf"
    path.write_bytes(rendered.data)
    return path


def run(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, check=True).stdout.decode("utf-8", "replace")


def bare(text: str) -> str:
    return "".join(text.split())


def assert_says_all(text: str) -> None:
    assert not [each for each in [*SAID, *MANY] if each not in bare(text)]


@pytest.mark.system("gs", "pdftotext")
def test_ghostscript_reads_the_text_and_keeps_it_in_a_rewritten_file(tmp_path: Path) -> None:
    path = document(tmp_path)
    assert_says_all(run("gs", "-q", "-sDEVICE=txtwrite", "-o-", path))
    rewritten = tmp_path / "rewritten.pdf"
    run("gs", "-q", "-sDEVICE=pdfwrite", "-o", rewritten, path)
    assert_says_all(run("pdftotext", rewritten, "-"))


@pytest.mark.system("pdftotext")
def test_poppler_reads_the_text(tmp_path: Path) -> None:
    said = run("pdftotext", "-layout", document(tmp_path), "-")
    assert_says_all(said)
    assert RARE in said


def test_pdfium_and_pypdf_read_the_text(tmp_path: Path) -> None:
    path = document(tmp_path)
    pages = pypdfium2.PdfDocument(path)
    try:
        for said in (
            "".join(page.get_textpage().get_text_range() for page in pages),
            "".join(page.extract_text() for page in pypdf.PdfReader(path).pages),
        ):
            assert_says_all(said)
            assert RARE in said
    finally:
        pages.close()
