"""The corpus of merchants' files: one case a file in `tests/corpus`, the file's name is the case."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import openpyxl

from api.importing import explaining
from api.importing.answers import Answers, read_answers
from api.importing.layout import Layout, understand
from api.importing.orders import RowFault, Survey, parcels, survey
from api.importing.pasted import SURE
from api.importing.table import readings
from masking.values.plaintext import Order, Party

CORPUS = Path(__file__).parents[1] / "corpus"
CASES = sorted(path.stem for path in CORPUS.glob("*.toml"))
SENDER = Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室")


def case(name: str) -> dict[str, Any]:
    """A case as its file says it."""
    return tomllib.loads((CORPUS / f"{name}.toml").read_text("utf-8"))


def workbook(sheets: list[dict[str, Any]]) -> bytes:
    """An XLSX of sheets given as {"name", "rows"}; empty texts are empty cells."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet in sheets:
        page = book.create_sheet(sheet["name"])
        for row in sheet["rows"]:
            page.append([None if value == "" else value for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def write(what: dict[str, Any], folder: Path) -> tuple[Path, Path | None]:
    """The case's file, and its file of `--columns` if it has one."""
    if "sheets" in what:
        data = workbook(what["sheets"])
    elif "hex" in what:
        data = bytes.fromhex(what["hex"])
    else:
        text = what["text"] + what.get("repeat", "") * 200
        data = text.replace("\n", what.get("newline", "\n")).encode(what.get("encoding", "utf-8"))
        if what.get("damage"):
            data = data.replace("\ufffd".encode(), b"\xff")
    path = folder / ("orders.xlsx" if "sheets" in what else "orders.csv")
    path.write_bytes(data)
    if "columns" not in what:
        return path, None
    columns = folder / "columns.toml"
    columns.write_text(what["columns"], "utf-8")
    return path, columns


def laid_out(path: Path, columns: Path | None = None, sender: Party | None = SENDER) -> tuple[Layout, Survey]:
    """A file as understood; without a file of columns, with the usual sender."""
    layout = understand(readings(path), read_answers(columns) if columns else Answers(sender=sender))
    return layout, survey(layout)


def outcomes(layout: Layout, found: Survey) -> tuple[list[str], list[str], list[Order]]:
    """Orders and rejections as the corpus writes them, and the orders themselves."""
    good, bad, orders = [], [], []
    for each in parcels(layout, found.repeated, confidence=SURE):
        rows = ",".join(map(str, each.rows))
        if isinstance(each, RowFault):
            bad.append(f"{rows}|{each.field}|{each.rule}")
        elif problems := each.order.problems():
            bad.append(f"{rows}|{problems[0].field}|{problems[0].rule}")
        else:
            o = each.order
            texts = [o.recipient.name, o.recipient.phone, o.recipient.address, o.goods, o.remark]
            said = [rows, o.reference, *(t.reveal() for t in texts), o.waybill_number or "", o.routing_code or ""]
            good.append("|".join(said))
            orders.append(o)
    return good, bad, orders


def asked(layout: Layout, found: Survey) -> str:
    """The questions, as the command prints them."""
    return explaining.questions(layout, found)


HEAD = "订单号,运单号,三段码,收件人,收件电话,收件地址,寄件人,寄件电话,寄件地址,商品名称,备注"
FROM = "样例店,13700000002,浙江省杭州市西湖区文三路90号5号楼301室"


def row(n: int, **changes: str) -> str:
    """One good row under `HEAD`, or one with changes."""
    cells = {
        "reference": f"F-{n}",
        "number": f"YT{n:012}",
        "route": "301-007-00 013",
        "name": "张测试",
        "phone": f"1380000{n:04}",
        "address": f"上海市浦东新区世纪大道{n}号3栋501室",
        "sender": FROM,
        "goods": "书",
        "remark": "",
    }
    return ",".join((cells | changes).values())


def text(*rows: str) -> str:
    """A CSV of rows under `HEAD`."""
    return "\n".join([HEAD, *rows]) + "\n"
