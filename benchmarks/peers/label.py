"""The same labels drawn by other people's programs, for `benchmarks/label.py`: texts come placed and broken into lines."""

from __future__ import annotations

import base64
import io

import fpdf
import numpy as np
import qrcode
import weasyprint
from PIL import Image
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from masking.values.printable import LabelData
from print_templates import raster
from print_templates.drawing import Drawing
from print_templates.typeface import FONTS

Labels = list[tuple[LabelData, Drawing]]
POINT = 72 / 203.2


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


def common(labels: Labels) -> bytes:
    """Reportlab, its own Code 128, the qrcode library's PNG."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(800 * POINT, 1440 * POINT), pageCompression=1)
    for label, drawing in labels:
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


def with_fpdf2(labels: Labels) -> bytes:
    """fpdf2, bars as rectangles, the qrcode library's PNG."""
    pdf = fpdf.FPDF(unit="pt", format=(800 * POINT, 1440 * POINT))
    pdf.set_auto_page_break(auto=False)
    for weight in ("text", "bold"):
        pdf.add_font(weight, fname=FONTS / f"{weight}.ttf")
    for label, drawing in labels:
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


def with_weasyprint(labels: Labels) -> bytes:
    """WeasyPrint from HTML with everything placed absolutely, codes as PNG."""
    faces = "".join(f"@font-face{{font-family:{w};src:url({(FONTS / w).as_uri()}.ttf)}}" for w in ("text", "bold"))
    size = f"width:{800 * POINT}pt;height:{1440 * POINT}pt"
    style = (
        f"{faces}@page{{size:{800 * POINT}pt {1440 * POINT}pt;margin:0}}body{{margin:0}}"
        f"div,img{{position:absolute;line-height:1;white-space:pre}}section{{position:relative;break-after:page;{size}}}"
    )
    parts = [f"<style>{style}</style>"]
    for label, drawing in labels:
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
