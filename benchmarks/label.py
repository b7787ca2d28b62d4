"""Labels a second against what people use, and how well printed labels scan.

Every side draws the same 100x180 mm labels, other parcels each time, from the same fonts: texts and places are handed to
the peers ready broken into lines, ours lays out, gates and draws. Peers: reportlab with the qrcode library's PNG (the
common way), fpdf2, and WeasyPrint; each with the document's fonts embedded. `single`: one label in one document.
`decode`: both codes of 300 labels, from our own raster of the printed dots, by ZXing. `worn`: each picture is blurred by
1.0 or 1.5 dots, turned by 3, 15 or 90 degrees either way, covered by noise of sigma 12/255, and 10 % of its QR symbol is
blotted white, all at once; seeds 0 to 2. LONG=1 for all 300 labels, else 40.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import fpdf
import numpy as np
import qrcode
import weasyprint
from PIL import Image, ImageFilter
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from benchmarks.measure import once, ratio
from masking.waybill import LabelData, Masked, MaskedParty, MaskedView, VirtualNumber
from print_templates import qr, raster
from print_templates.drawing import Drawing
from print_templates.layout import lay_out
from print_templates.read import decode
from print_templates.render import render
from print_templates.template import template
from print_templates.typeface import FONTS

BATCH = 300
POINT = 72 / 203.2
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
            recipient=recipient, sender=sender, goods=Masked("图书"), remark=Masked("请放门卫" * (n % 2)), stamp="bench"
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


def qr_png(code: str) -> bytes:
    """A QR symbol as most people make it."""
    symbol = qrcode.QRCode(version=4, error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0, box_size=6)
    symbol.add_data(code)
    symbol.make(fit=False)
    out = io.BytesIO()
    symbol.make_image().save(out, format="PNG")
    return out.getvalue()


def _layers(drawing: Drawing) -> list[Drawing]:
    return [drawing.background, drawing] if drawing.background else [drawing]


def common(count: int) -> bytes:
    """Reportlab, its own Code 128, the qrcode library's PNG."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(800 * POINT, 1440 * POINT), pageCompression=1)
    for label, drawing in drawings(count):
        canvas.scale(POINT, POINT)
        for layer in _layers(drawing):
            for x, y, width, height in layer.rects:
                canvas.rect(x, 1440 - y - height, width, height, stroke=0, fill=1)
            for run in layer.runs:
                canvas.setFillGray(1 if run.white else 0)
                for piece in run.pieces:
                    canvas.setFont(piece.weight, piece.size)
                    canvas.drawString(piece.x, 1440 - piece.baseline, piece.chars)
            canvas.setFillGray(0)
        for code in drawing.codes:
            low = 1440 - code.y - code.height
            if code.kind == "qr":
                canvas.drawImage(ImageReader(io.BytesIO(qr_png(label.code))), code.x, low, code.width, code.height)
                continue
            long, high = (code.height, code.width) if code.turned else (code.width, code.height)
            bars = Code128(label.waybill_number, barWidth=long / code.columns, barHeight=high, quiet=False)
            canvas.saveState()
            canvas.translate(code.x + (code.width if code.turned else 0), low)
            canvas.rotate(90 if code.turned else 0)
            bars.drawOn(canvas, 0, 0)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def with_fpdf2(count: int) -> bytes:
    """fpdf2, bars as rectangles, the qrcode library's PNG."""
    pdf = fpdf.FPDF(unit="pt", format=(800 * POINT, 1440 * POINT))
    pdf.set_auto_page_break(auto=False)
    for weight in ("text", "bold"):
        pdf.add_font(weight, fname=FONTS / f"{weight}.ttf")
    for label, drawing in drawings(count):
        pdf.add_page()
        for layer in _layers(drawing):
            for x, y, width, height in layer.rects:
                pdf.rect(x * POINT, y * POINT, width * POINT, height * POINT, style="F")
            for run in layer.runs:
                pdf.set_text_color(255 if run.white else 0)
                for piece in run.pieces:
                    pdf.set_font(piece.weight, size=piece.size * POINT)
                    pdf.text(piece.x * POINT, piece.baseline * POINT, piece.chars)
        for code in drawing.codes:
            if code.kind == "qr":
                place = code.x * POINT, code.y * POINT, code.width * POINT, code.height * POINT
                pdf.image(io.BytesIO(qr_png(label.code)), *place)
                continue
            for start, length in _bars(raster.modules(code), turned=code.turned):
                if code.turned:
                    pdf.rect(code.x * POINT, (code.y + start) * POINT, code.width * POINT, length * POINT, style="F")
                else:
                    pdf.rect((code.x + start) * POINT, code.y * POINT, length * POINT, code.height * POINT, style="F")
    return bytes(pdf.output())


def _bars(dots: np.ndarray, *, turned: bool) -> list[tuple[int, int]]:
    line = dots[:, 0] if turned else dots[0]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), (edges[1::2] - edges[::2]).tolist(), strict=True))


def with_weasyprint(count: int) -> bytes:
    """WeasyPrint from HTML with everything placed absolutely, codes as PNG."""
    faces = "".join(f"@font-face{{font-family:{w};src:url({(FONTS / w).as_uri()}.ttf)}}" for w in ("text", "bold"))
    size = f"width:{800 * POINT}pt;height:{1440 * POINT}pt"
    style = (
        f"{faces}@page{{size:{800 * POINT}pt {1440 * POINT}pt;margin:0}}body{{margin:0}}"
        f"div,img{{position:absolute;line-height:1;white-space:pre}}section{{position:relative;break-after:page;{size}}}"
    )
    parts = [f"<style>{style}</style>"]
    for label, drawing in drawings(count):
        parts.append("<section>")
        for layer in _layers(drawing):
            for x, y, width, height in layer.rects:
                parts.append(f'<div style="background:#000;{_place(x, y, width, height)}"></div>')
            for run in layer.runs:
                ink = "#fff" if run.white else "#000"
                for p in run.pieces:
                    style = f"color:{ink};font:{p.size * POINT}pt {p.weight};{_place(p.x, p.baseline - p.size, 0, 0)}"
                    parts.append(f'<div style="{style}">{p.chars}</div>')
        for code in drawing.codes:
            png = qr_png(label.code) if code.kind == "qr" else _png(raster.modules(code))
            uri = "data:image/png;base64," + base64.b64encode(png).decode()
            parts.append(f'<img src="{uri}" style="{_place(code.x, code.y, code.width, code.height)}">')
        parts.append("</section>")
    return bytes(weasyprint.HTML(string="".join(parts)).write_pdf())


def _place(x: int, y: int, width: int, height: int) -> str:
    size = f"width:{width * POINT}pt;height:{height * POINT}pt;" if width else ""
    return f"left:{x * POINT}pt;top:{y * POINT}pt;{size}"


def _png(dots: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(~dots).save(out, format="PNG")
    return out.getvalue()


def ours(count: int) -> bytes:
    """From `LabelData`, through the gate."""
    return render(next(_others(count))).data


@cache
def _others(count: int) -> Iterator[list[LabelData]]:
    """Other labels at each call, so that nothing remembered helps; made outside what is measured."""
    return itertools.cycle([labels(count, seed) for seed in range(30 if count == 1 else 8)])


def worn(dots: np.ndarray, place: tuple[int, int, int], dice: np.random.Generator) -> Image.Image:
    """The label after a day on the road: see the module's first lines."""
    ink = dots.copy()
    x, y, side = place
    blot = round(side * 0.1**0.5)
    at_x, at_y = x + dice.integers(side - blot), y + dice.integers(side - blot)
    ink[at_y : at_y + blot, at_x : at_x + blot] = False
    picture = Image.fromarray(np.pad(~ink, 40, constant_values=True)).convert("L")
    angle = float(dice.choice([-3, 3, -15, 15, 90]))
    picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    picture = picture.filter(ImageFilter.GaussianBlur(float(dice.choice([1.0, 1.5]))))
    noisy = np.asarray(picture, float) + dice.normal(0, 12, (picture.height, picture.width))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def decoding() -> None:
    """How many labels give both their codes, clean and worn, in percent."""
    clean, hurt = [], []
    for label, drawing in drawings(BATCH if os.environ.get("LONG") else 40):
        dots = raster.dots(drawing)
        wanted = {label.waybill_number, label.code}
        clean.append(set(decode(Image.fromarray(~dots).convert("L"))) == wanted)
        [symbol] = [code for code in drawing.codes if code.kind == "qr"]
        for seed in range(3):
            dice = np.random.default_rng([seed, int(label.waybill_number[2:])])
            hurt.append(set(decode(worn(dots, (symbol.x, symbol.y, symbol.width), dice))) == wanted)
    for figure, seen in (("decode_clean_percent", clean), ("decode_worn_percent", hurt)):
        once(figure, 100 * sum(seen) / len(seen), "%")


def main() -> None:
    """All figures."""
    for weight in ("text", "bold"):
        pdfmetrics.registerFont(TTFont(weight, str(FONTS / f"{weight}.ttf")))
    ratio("batch_over_common", lambda: common(BATCH), lambda: ours(BATCH), rounds=5)
    ratio("batch_over_fpdf2", lambda: with_fpdf2(BATCH), lambda: ours(BATCH), rounds=5)
    slow = 100  # WeasyPrint takes minutes for 300
    ratio(
        "batch_over_weasyprint",
        lambda: with_weasyprint(slow),
        lambda: ours(slow),
        rounds=5 if os.environ.get("LONG") else 2,
    )
    ratio("single_over_common", lambda: common(1), lambda: ours(1))
    once("bytes_over_common", len(ours(BATCH)) / len(common(BATCH)), "ratio")
    once("single_bytes_over_common", len(ours(1)) / len(common(1)), "ratio")
    decoding()


if __name__ == "__main__":
    main()
