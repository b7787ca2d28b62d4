"""`waybill check`: what it finds in a label's file, and that it never passes what it can't read.

Hostile pages are drawn with reportlab, pypdf, Pillow and zxing-cpp's writer, which the labels' own writers don't use.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Text
from pypdf.generic import DictionaryObject, NameObject, StreamObject, TextStringObject
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from api.cli.main import main
from masking.crypto import labelcode
from masking.redact.view import mask_order
from masking.values.plaintext import Order, Party
from masking.values.printable import Masked, MaskedParty, MaskedView
from print_templates.render import render
from print_templates.typeface import face
from tests.support.sample_labels import sample_label

NAME, PHONE, ADDRESS = "欧阳测试", "13800000001", "上海市浦东新区世纪大道100号3栋2单元501室"
ORDER = Order(
    reference="A-1",
    recipient=Party(name=NAME, phone=PHONE, address=ADDRESS),
    sender=Party(name="示例书店", phone="0571-80000002", address="浙江省杭州市西湖区文三路90号东部软件园5号楼301室"),
    goods="血糖试纸",
    remark="打13900000009",
    waybill_number="YT000000000001",
)
COLUMNS = ["order_number", "waybill_number", "recipient_name", "recipient_phone", "recipient_address", "sender_name",
           "sender_phone", "sender_address", "goods", "remark"]  # fmt: skip
CODE = labelcode.encode(1, bytes(64), "carrier", bytes(16), 1)
VIEW = mask_order(ORDER)


def good(view: MaskedView = VIEW, **more: object) -> bytes:
    return render([sample_label(view=view, waybill_number=ORDER.waybill_number, code=CODE)], **more).data


GOOD = good()


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    orders = tmp_path / "orders.csv"
    fields = [value.reveal() for value in ORDER.fields().values()]
    with orders.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, [ORDER.reference, ORDER.waybill_number, *fields]])

    def run(pdf: bytes, *more: str) -> tuple[int, str]:
        (tmp_path / "labels.pdf").write_bytes(pdf)
        status = main(["check", str(tmp_path / "labels.pdf"), "--order", str(orders), *more])
        said = "".join(capsys.readouterr())
        assert not [value for value in (NAME, PHONE, PHONE[-4:], "501") if value in said]
        return status, said

    return run


def with_page(draw: Callable[[Canvas], object]) -> bytes:
    """The good label with something else drawn over it."""
    [page] = PdfReader(io.BytesIO(GOOD)).pages
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    more = io.BytesIO()
    canvas = Canvas(more, pagesize=(width, height))
    if "text" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("text", face("text").path))
    canvas.setFont("text", 10)
    draw(canvas)
    canvas.save()
    writer = PdfWriter()
    writer.add_page(page)
    writer.pages[0].merge_page(PdfReader(more).pages[0])
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.metadata = None
    writer.write(out)
    return out.getvalue()


def changed(change: Callable[[PdfWriter], object]) -> bytes:
    """The good label's file with something else in it."""
    writer = PdfWriter(clone_from=io.BytesIO(GOOD))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def picture(text: str) -> ImageReader:
    image = Image.new("L", (600, 60), 255)
    ImageDraw.Draw(image).text((5, 5), text, font=ImageFont.truetype(face("text").path, 32), fill=0)
    return ImageReader(image)


def symbol(kind: str, text: str) -> Image.Image:
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind)).to_image(scale=3)
    return Image.fromarray(made.__array__() if hasattr(made, "__array__") else made)


@pytest.mark.parametrize("template", ["100x180", "100x150", "100x100", "76x130", "60x40"])
@pytest.mark.parametrize("dpi", [203, 300])
def test_good_labels_have_no_findings(template, dpi, check):
    assert check(good(template=template, dpi=dpi)) == (0, "1 pages, 0 findings\n")


def test_masked_phone_with_too_many_digits_is_found(check):
    bare = MaskedParty(name=VIEW.recipient.name, phone=Masked("138****0001"), address=VIEW.recipient.address)
    status, said = check(good(replace(VIEW, recipient=bare)))
    assert status == 1
    assert "page 1: recipient.phone: phone-six-digits" in said


def test_non_pdf_file_is_refused(check):
    status, said = check(b"no pdf")
    assert status == 2
    assert "label: not-a-pdf" in said


def test_image_only_page_is_not_checkable(check):
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(280, 420))
    canvas.drawImage(picture(f"{NAME} {PHONE}"), 10, 300, 260, 26)
    canvas.save()
    status, said = check(out.getvalue())
    assert status == 3
    assert "page 1: not checkable: no-text" in said
    assert "page 1: not checkable: picture" in said


def test_picture_on_an_otherwise_good_label_is_not_checkable(check):
    status, said = check(with_page(lambda canvas: canvas.drawImage(picture(PHONE), 10, 10, 200, 20)))
    assert (status, "page 1: not checkable: picture" in said) == (3, True)


def test_picture_under_a_white_box_is_not_checkable(check):
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(picture(PHONE), 10, 10, 200, 20)
        canvas.setFillGray(1)
        canvas.rect(5, 5, 220, 30, stroke=0, fill=1)

    status, said = check(with_page(draw))
    assert (status, "page 1: not checkable: picture" in said) == (3, True)


def test_picture_outside_the_paper_is_not_checkable(check):
    status, said = check(with_page(lambda canvas: canvas.drawImage(picture(PHONE), -900, 10, 200, 20)))
    assert (status, "page 1: not checkable: outside-the-paper" in said) == (3, True)


def test_letters_drawn_as_outlines_are_not_checkable(check):
    def draw(canvas: Canvas) -> None:
        path = canvas.beginPath()
        path.moveTo(10, 10)
        path.curveTo(20, 30, 40, 30, 50, 10)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)

    status, said = check(with_page(draw))
    assert (status, "page 1: not checkable: outlines" in said) == (3, True)


def test_letters_built_of_small_boxes_are_not_checkable(check):
    dots = [(x, y) for x, y in zip(range(200), [n * 7 % 20 for n in range(200)], strict=True)]
    status, said = check(with_page(lambda canvas: [canvas.rect(x, y, 1, 1, stroke=0, fill=1) for x, y in dots]))
    assert (status, "page 1: not checkable: too-many-small-boxes" in said) == (3, True)


def test_font_without_unicode_is_not_checkable(check):
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        canvas.drawString(10, 10, "hello")

    status, said = check(with_page(draw))
    assert (status, "file: not checkable: font-without-unicode" in said) == (3, True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("QRCode", f"{NAME}|{PHONE}|{ADDRESS}"),
        ("MicroQRCode", PHONE),
        ("RMQRCode", PHONE),
        ("DataMatrix", f"{NAME}|{PHONE}"),
        ("PDF417", f"{NAME}|{PHONE}"),
        ("MicroPDF417", f"{NAME}|{PHONE}"),
        ("Aztec", f"{NAME}|{PHONE}"),
        ("Code128", PHONE),
        ("Code39", PHONE),
        ("Code93", PHONE),
        ("ITF", f"0{PHONE}"),
    ],
)
@pytest.mark.parametrize("angle", [0, 90])
def test_personal_data_in_a_symbol_is_found(kind, text, angle, check):
    drawn = symbol(kind, text).rotate(angle, expand=True)
    scale = min(0.6, 200 / max(drawn.size))
    size = [side * scale for side in drawn.size]
    status, said = check(with_page(lambda canvas: canvas.drawImage(ImageReader(drawn), 20, 20, *size)))
    assert status == 1
    assert "page 1: symbol: neither the waybill number nor a label code" in said
    assert "page 1: recipient.phone: phone-on-the-label" in said


@pytest.mark.parametrize("angle", [20, 45])
def test_symbol_at_an_angle_is_found(angle, check):
    drawn = symbol("Code128", PHONE).convert("L").rotate(angle, expand=True, fillcolor=255)
    status, _ = check(with_page(lambda canvas: canvas.drawImage(ImageReader(drawn), 10, 10, 180, 180)))
    assert status == 1


def test_undecodable_symbol_is_not_checkable(check):
    drawn = ImageReader(symbol("MaxiCode", PHONE))  # ZXing reads these only where nothing else is in the picture
    status, said = check(with_page(lambda canvas: canvas.drawImage(drawn, 20, 20, 90, 80)))
    assert (status, "page 1: not checkable: picture" in said) == (3, True)


def test_symbol_with_neither_number_nor_label_code_is_found(check):
    drawn = ImageReader(symbol("QRCode", "https://shop.example/?o=5"))
    status, said = check(with_page(lambda canvas: canvas.drawImage(drawn, 20, 20, 60, 60)))
    assert status == 1
    assert "page 1: symbol: neither the waybill number nor a label code" in said


@pytest.mark.parametrize("how", ["white", "invisible", "beside the paper", "under a box", "tiny"])
def test_invisible_text_is_found(how, check):
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(-300 if how == "beside the paper" else 20, 20)
        text.setFont("text", 0.5 if how == "tiny" else 10)
        if how == "white":
            text.setFillGray(1)
        if how == "invisible":
            text.setTextRenderMode(3)
        text.textLine(f"{NAME} {PHONE}")
        canvas.drawText(text)
        if how == "under a box":
            canvas.rect(0, 0, 250, 50, stroke=0, fill=1)

    status, said = check(with_page(draw))
    assert status == 1
    assert "page 1: recipient.phone: phone-on-the-label" in said


def xmp(writer: PdfWriter) -> None:
    stream = StreamObject()
    stream.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
    stream.set_data(f"<x:xmpmeta><dc:title>{NAME}\n{PHONE}</dc:title></x:xmpmeta>".encode())
    writer.root_object[NameObject("/Metadata")] = writer._add_object(stream)


def marked_content(writer: PdfWriter) -> None:
    stream = StreamObject()
    stream.set_data(b"/Span << /ActualText (" + PHONE.encode() + b") >> BDC EMC")
    contents = writer.pages[0]["/Contents"]
    contents.append(writer._add_object(stream))


def content_comment(writer: PdfWriter) -> None:
    stream = StreamObject()
    stream.set_data(f"% {NAME} {PHONE}\n0 g".encode())
    writer.pages[0]["/Contents"].append(writer._add_object(stream))


def script(writer: PdfWriter, source: str) -> None:
    action = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject(source)}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject(key): value for key, value in action.items()}
    )


def form_field(writer: PdfWriter) -> None:
    text = {"/T": TextStringObject("x"), "/V": TextStringObject(PHONE), "/FT": NameObject("/Tx")}
    field = DictionaryObject({NameObject(key): value for key, value in text.items()})
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/F"): writer._add_object(field)})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda writer: writer.add_metadata({"/Title": f"{NAME} {PHONE}"}), id="info"),
        pytest.param(lambda writer: writer.add_metadata({"/Custom": PHONE}), id="custom info"),
        pytest.param(xmp, id="xmp"),
        pytest.param(lambda writer: writer.add_outline_item(title=PHONE, page_number=0), id="bookmark"),
        pytest.param(lambda writer: writer.add_named_destination(PHONE, 0), id="name"),
        pytest.param(
            lambda writer: writer.add_annotation(0, Text(rect=(1, 1, 2, 2), text=PHONE)), id="annotation"
        ),
        pytest.param(
            lambda writer: writer.add_annotation(0, FreeText(rect=(1, 1, 90, 20), text=PHONE)), id="free text"
        ),
        pytest.param(lambda writer: script(writer, f"app.alert('{PHONE}')"), id="script"),
        pytest.param(marked_content, id="marked content"),
        pytest.param(content_comment, id="comment of a page's content"),
        pytest.param(form_field, id="form field"),
        pytest.param(
            lambda writer: writer._add_object(DictionaryObject({NameObject("/X"): TextStringObject(PHONE)})),
            id="object that nothing refers to",
        ),
    ],
)  # fmt: skip
def test_personal_data_outside_the_page_text_is_found(change, check):
    status, said = check(changed(change))
    assert status == 1
    assert "file: recipient.phone: phone-on-the-label" in said


def layers(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OCProperties")] = DictionaryObject()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda writer: writer.add_attachment("x.bin", b"\x01\x02"), "attachment"),
        (lambda writer: script(writer, "1"), "script"),
        (layers, "hidden-layers"),
        (form_field, "form"),
    ],
)
def test_pdf_with_parts_that_labels_lack_is_not_checkable(change, reason, check):
    status, said = check(changed(change))
    assert status in (1, 3)
    assert f"file: not checkable: {reason}" in said


def test_pdf_with_an_earlier_revision_is_not_checkable(check):
    status, said = check(GOOD + b"% more\n%%EOF\n")
    assert (status, "file: not checkable: earlier-versions-or-added-bytes" in said) == (3, True)


def test_label_with_its_templates_logo_is_checkable_with_that_template(check, tmp_path, capsys):
    own = tmp_path / "own.toml"
    assert main(["template", "new", str(own), "--like", "100x100"]) == 0
    Image.effect_noise((80, 80), 200).point(lambda grey: 255 * (grey > 128)).save(tmp_path / "logo.png")
    own.write_text(own.read_text("utf-8") + '\n[[logo]]\nbox = [60, 82, 10, 10]\nfile = "logo.png"\n', "utf-8")
    capsys.readouterr()
    for dpi in (203, 300):
        pdf = good(template=own, dpi=dpi)
        status, said = check(pdf)
        assert (status, "page 1: not checkable: picture" in said) == (3, True)
        assert check(pdf, "--template", str(own)) == (0, "1 pages, 0 findings\n")


def test_other_picture_in_the_logos_place_is_not_checkable(check, tmp_path):
    own = tmp_path / "own.toml"
    assert main(["template", "new", str(own), "--like", "100x100"]) == 0
    own.write_text(own.read_text("utf-8") + '\n[[logo]]\nbox = [60, 82, 10, 10]\nfile = "logo.png"\n', "utf-8")
    Image.new("L", (80, 80), 0).save(tmp_path / "logo.png")
    pdf = good(template=own)
    Image.effect_noise((80, 80), 200).point(lambda grey: 255 * (grey > 128)).save(tmp_path / "logo.png")
    other = tmp_path / "other.toml"
    other.write_text(own.read_text("utf-8") + "\n", "utf-8")
    status, said = check(pdf, "--template", str(other))
    assert (status, "page 1: not checkable: picture" in said) == (3, True)
