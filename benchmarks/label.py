"""Labels a second against what people use, and how well printed labels scan.

Every side draws the same 100x180 mm labels, other parcels each time, from the same fonts: texts and places are handed to
the peers ready broken into lines, ours lays out, gates and draws. Peers: reportlab with the qrcode library's PNG (the
common way), fpdf2, and WeasyPrint; each with the document's fonts embedded. `single`: one label in one document.
`decode`: both codes of a label, from our own raster of the printed dots, by ZXing. `worn`: one wear a picture: blurred by
1.0 or 1.5 dots; turned by 3, 15 or 90 degrees; noise of sigma 12/255; a white blot over 10 % of the QR symbol, next to the
finder patterns; then all at once. LONG=1: 300 labels, else 40.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import numpy as np
from PIL import Image, ImageFilter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from benchmarks.measure import once, ratio
from benchmarks.peers.label import common, with_fpdf2, with_weasyprint
from masking.values.printable import STAMP, LabelData, Masked, MaskedParty, MaskedView, VirtualNumber
from print_templates import qr, raster
from print_templates.drawing import Code, Drawing
from print_templates.layout import lay_out
from print_templates.read import decode
from print_templates.render import render
from print_templates.template import template
from print_templates.typeface import FONTS

BATCH = 300
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PLACES = (
    "上海市浦东新区世纪大道",
    "北京市海淀区中关村南大街",
    "广东省深圳市南山区科技园南路",
    "四川省成都市武侯区人民南路",
)


def labels(count: int, seed: int = 0) -> list[LabelData]:
    """Labels of invented parcels to different people, from one sender."""
    dice = random.Random(seed)
    sender = MaskedParty(
        name=Masked("样例*"), phone=Masked("137********"), address=Masked("浙江省杭州市西湖区文三路**号")
    )
    made = []
    for n in range(count):
        surname, door = dice.choice("赵钱孙李周吴郑王冯陈"), dice.randint(1, 999)
        recipient = MaskedParty(
            name=Masked(f"{surname}*"),
            phone=Masked(f"{dice.randint(130, 199)}********"),
            address=Masked(f"{dice.choice(PLACES)}{door}号**栋*单元***室"),
        )
        view = MaskedView(
            recipient=recipient, sender=sender, goods=Masked("图书"), remark=Masked("请放门卫" * (n % 2)), stamp=STAMP
        )
        number = VirtualNumber(main="17000000000", extension=f"{n:04}", expires=datetime(2026, 12, 1, tzinfo=UTC))
        made.append(
            LabelData(
                waybill_number=f"YT{seed:03}{n:09}",
                routing_code=f"{dice.randint(100, 999)}-{dice.randint(100, 999)}-00 {dice.randint(100, 999)}",
                code="WM1:" + "".join(dice.choices(ALPHABET, k=63)),
                view=view,
                number=number,
                print_number=1,
                job="bench",
                station="SH-01-3",
                printed=datetime(2026, 11, 24, tzinfo=UTC),
                carrier="示例快递",
            )
        )
    return made


@cache
def drawings(count: int) -> list[tuple[LabelData, Drawing]]:
    """What the peers are given: every text and rectangle in its place."""
    form = template("100x180")
    return [(each, lay_out(each, form, qr.symbols([each.code])[0]).drawing) for each in labels(count)]


def ours(count: int) -> bytes:
    """From `LabelData`, through the gate."""
    return render(next(_others(count))).data


@cache
def _others(count: int) -> Iterator[list[LabelData]]:
    """Other labels at each call, so that nothing remembered helps; made outside what is measured."""
    return itertools.cycle([labels(count, seed) for seed in range(30 if count == 1 else 8)])


Dice = np.random.Generator


def blotted(dots: np.ndarray, symbol: Code, dice: Dice) -> np.ndarray:
    """A white square over a tenth of the QR symbol."""
    ink = dots.copy()
    blot = round(symbol.width * 0.1**0.5)
    x, y = _clear_of_finders(symbol.width, blot, dice) + np.array([symbol.x, symbol.y])
    ink[y : y + blot, x : x + blot] = False
    return ink


def seen(
    dots: np.ndarray, angle: float = 0, blur: float = 0, sigma: float = 0, dice: Dice | None = None
) -> Image.Image:
    """Dots as a camera gives them: turned by degrees, blurred by dots, with noise in grey levels."""
    picture = Image.fromarray(np.pad(~dots, 40, constant_values=True)).convert("L")
    picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    picture = picture.filter(ImageFilter.GaussianBlur(blur)) if blur else picture
    if dice is None:
        return picture
    noisy = np.asarray(picture, float) + dice.normal(0, sigma, (picture.height, picture.width))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def wears(dots: np.ndarray, symbol: Code, number: int) -> tuple[list[Image.Image], list[Image.Image]]:
    """The pictures of one label with one wear each, and with all at once; seeds 0 to 2."""
    one = [seen(dots, blur=blur) for blur in (1.0, 1.5)] + [seen(dots, angle) for angle in (-3, 3, -15, 15, 90)]
    everything = []
    for seed in range(3):
        dice = np.random.default_rng([seed, number])
        one += [seen(dots, sigma=12, dice=dice), seen(blotted(dots, symbol, dice))]
        angle, blur = float(dice.choice([-3, 3, -15, 15, 90])), float(dice.choice([1.0, 1.5]))
        everything.append(seen(blotted(dots, symbol, dice), angle, blur, 12, dice))
    return one, everything


def _clear_of_finders(side: int, blot: int, dice: np.random.Generator) -> np.ndarray:
    """A corner for the blot that spares the three finder patterns: without one of them no reader sees a symbol."""
    finder = side * 8 // qr.SIZE
    while True:
        x, y = dice.integers(side - blot, size=2)
        left, right, top, bottom = x < finder, x + blot > side - finder, y < finder, y + blot > side - finder
        if not ((left and top) or (right and top) or (left and bottom)):
            return np.array([x, y])


def decoding() -> None:
    """How many pictures give both their codes, in percent."""
    clean, one, everything = [], [], []
    for label, drawing in drawings(BATCH if os.environ.get("LONG") else 40):
        dots = raster.dots(drawing)
        [symbol] = [code for code in drawing.codes if code.kind == "qr"]
        pictures = [seen(dots)], *wears(dots, symbol, int(label.waybill_number[2:]))
        for result, these in zip((clean, one, everything), pictures, strict=True):
            result += [set(decode(picture)) == {label.waybill_number, label.code} for picture in these]
    once("decode_clean_percent", 100 * sum(clean) / len(clean), "%")
    once("decode_worn_percent", 100 * sum(one) / len(one), "%")
    once("decode_worn_all_at_once_percent", 100 * sum(everything) / len(everything), "%")


def main() -> None:
    """All figures."""
    for weight in ("text", "bold"):
        pdfmetrics.registerFont(TTFont(weight, str(FONTS / f"{weight}.ttf")))
    ratio("batch_over_common", lambda: common(drawings(BATCH)), lambda: ours(BATCH), rounds=5)
    ratio("batch_over_fpdf2", lambda: with_fpdf2(drawings(BATCH)), lambda: ours(BATCH), rounds=5)
    slow = 30  # WeasyPrint takes minutes for 300
    ratio("batch_over_weasyprint", lambda: with_weasyprint(drawings(slow)), lambda: ours(slow), rounds=5)
    ratio("single_over_common", lambda: common(drawings(1)), lambda: ours(1))
    once("bytes_over_common", len(ours(BATCH)) / len(common(drawings(BATCH))), "ratio")
    once("single_bytes_over_common", len(ours(1)) / len(common(drawings(1))), "ratio")
    decoding()


if __name__ == "__main__":
    main()
