"""Print jobs: every label once, in the order of its routing code, however often the printer breaks off."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import masking
from api.cli.main import main
from api.printing.sending import printer
from masking.deployment import create, open_folder
from masking.errors import UnavailableError
from masking.runtime import World
from masking.steps.scan import Scan, scan
from masking.store.rows import people
from masking.store.store import Settings
from masking.values.plaintext import Order
from masking.values.printable import LabelData, Waybill
from print_templates.read import decode, read_pdf
from tests.support import printer_languages
from tests.support.local_servers import listening_printer
from tests.support.people import DISPATCHER, NETWORK, RECEIVER

ROUTES = ("342-081-00 052", "021-003-00 010", "755-010-01 007")


@pytest.fixture
def deployment(tmp_path: Path, order: Callable[..., Order]) -> tuple[Path, list[Waybill]]:
    """A folder with nine waybills, by three routing codes in turn."""
    folder = tmp_path / "deployment"
    create(folder, World(), Settings(network=NETWORK))
    with masking.connect(folder) as shop:
        orders = [order(f"J-{n}", waybill_number=f"YT{n:012}", routing_code=ROUTES[n % 3]) for n in range(1, 10)]
        taken = [each for each in shop.checkout(orders) if isinstance(each, Waybill)]
    assert len(taken) == 9
    return folder, taken


def wanted(taken: list[Waybill]) -> list[str]:
    """Waybill numbers in the order of printing."""
    return [str(w.waybill_number) for w in sorted(taken, key=lambda w: (w.routing_code or "", w.waybill_number or ""))]


def numbers(papers: list[np.ndarray]) -> list[str]:
    """The waybill number on each printed label."""
    read = [decode(Image.fromarray(~paper).convert("L")) for paper in papers]
    return [next(text for text in codes if text.startswith("YT")) for codes in read]


def label(folder: Path, *words: str) -> int:
    return main(["label", "--folder", str(folder), "--job", "monday", "--template", "60x40", *words])


def test_file_holds_every_label_sorted_by_routing_code(deployment: tuple[Path, list[Waybill]], tmp_path: Path) -> None:
    folder, taken = deployment
    (tmp_path / "ids.txt").write_text("\n".join(w.id for w in taken), "utf-8")
    assert label(folder, str(tmp_path / "ids.txt"), "--out", str(tmp_path / "out.pdf")) == 0
    pages = read_pdf((tmp_path / "out.pdf").read_bytes())
    assert [next(code for code in page.codes if code.startswith("YT")) for page in pages] == wanted(taken)
    first = (tmp_path / "out.pdf").read_bytes()
    assert label(folder, "--out", str(tmp_path / "out.pdf")) == 0
    assert (tmp_path / "out.pdf").read_bytes() == first  # the same job is the same prints


def test_unprintable_label_is_named_and_the_rest_prints(
    deployment: tuple[Path, list[Waybill]],
    tmp_path: Path,
    order: Callable[..., Order],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, taken = deployment
    with masking.connect(folder) as shop:
        shop.cancel([taken[0].id])
        shop.ship([(taken[1].id, "X" * 32, ROUTES[0])])
        [late] = shop.checkout([order("J-10", waybill_number=None, routing_code=None)])
    ids = [*(w.id for w in taken), late.id]
    out = tmp_path / "out.pdf"
    assert label(folder, *ids, "--out", str(out)) == 1
    said = capsys.readouterr()
    assert "7 printed, 3 not printed" in said.out
    assert taken[0].id in said.err
    assert "waybill_number: too-long-for-its-bars" in said.err
    assert len(read_pdf(out.read_bytes())) == 7
    with masking.connect(folder) as shop:
        shop.ship([(late.id, "YT000000000010", ROUTES[0])])
    assert label(folder, *ids, "--out", str(out)) == 2
    assert "out.pdf exists with other content" in capsys.readouterr().err
    assert len(read_pdf(out.read_bytes())) == 7
    assert label(folder, *ids, "--out", str(out), "--overwrite") == 1
    assert "8 printed, 2 not printed" in capsys.readouterr().out


def test_interrupted_job_continues_at_the_right_label_without_repeats(
    deployment: tuple[Path, list[Waybill]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    send = ("--to", "tspl")
    with listening_printer(breaks_after=40_000) as (address, before):
        assert label(folder, *(w.id for w in taken), *send, "--printer", address) == 2
    assert "stopped" in capsys.readouterr().err
    whole = bytes(before).rpartition(b"PRINT 1,1\r\n")
    came_out = numbers(printer_languages.tspl(whole[0] + whole[1], 8))
    assert came_out == wanted(taken)[: len(came_out)]
    with listening_printer() as (address, after):
        assert label(folder, *send, "--printer", address) == 2  # it has to be told what came out
        assert "may-have-been-printed" in capsys.readouterr().err
        assert label(folder, *send, "--printer", address, "--from", str(len(came_out) + 1)) == 0
    assert came_out + numbers(printer_languages.tspl(bytes(after), 8)) == wanted(taken)


def test_finished_job_prints_nothing_more(
    deployment: tuple[Path, list[Waybill]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    with listening_printer() as (address, _):
        assert label(folder, *(w.id for w in taken), "--to", "zpl", "--printer", address) == 0
    assert label(folder, "--to", "zpl", "--printer", "nobody-listens.invalid") == 0
    assert "0 printed" in capsys.readouterr().out


def test_shop_that_prints_everything_again_gets_advice_and_no_lock(
    deployment: tuple[Path, list[Waybill]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    ids, out = [w.id for w in taken], ("--out", str(tmp_path / "out.pdf"))
    assert label(folder, *ids, *out) == 0
    for job in ("tuesday", "wednesday", "thursday"):
        assert label(folder, *ids, "--job", job, *out) == 1
    said = capsys.readouterr().err
    assert said.count("reprint-needs-outlet-and-reason") == 27
    assert said.count("To get the same labels again, give their own --job, or run waybill mask on the same file") == 3
    assert label(folder, *ids, *out) == 0
    assert "printed before" not in capsys.readouterr().err


def test_torn_label_of_a_finished_job_is_sent_once_more_as_the_same_print(
    deployment: tuple[Path, list[Waybill]], tmp_path: Path
) -> None:
    folder, taken = deployment
    with listening_printer() as (address, first):
        assert label(folder, *(w.id for w in taken), "--to", "tspl", "--printer", address) == 0
    with listening_printer() as (address, again):
        assert label(folder, "--only", "4-5", "--to", "tspl", "--printer", address) == 0
    papers, torn = (printer_languages.tspl(bytes(each), 8) for each in (first, again))
    assert [paper.tolist() for paper in torn] == [paper.tolist() for paper in papers[3:5]]
    assert label(folder, "--only", "9-10", "--out", str(tmp_path / "no.pdf")) == 2
    assert label(folder, "--only", "4-4", "--out", str(tmp_path / "torn.pdf")) == 0
    [page] = read_pdf((tmp_path / "torn.pdf").read_bytes())
    assert wanted(taken)[3] in page.codes
    assert "次打印" in "".join(page.texts)


def test_copy_that_breaks_off_leaves_the_rest_of_its_job_alone(deployment: tuple[Path, list[Waybill]]) -> None:
    folder, taken = deployment
    with listening_printer() as (address, _):
        assert label(folder, *(w.id for w in taken), "--to", "tspl", "--printer", address) == 0
    assert label(folder, "--only", "4-4", "--to", "tspl", "--printer", address) == 2  # that printer is off now
    assert label(folder, "--to", "tspl", "--printer", address) == 0  # nothing is left to send, and no label is in doubt


def test_shop_may_not_reprint_a_range(
    deployment: tuple[Path, list[Waybill]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    assert label(folder, *(w.id for w in taken), "--out", str(tmp_path / "out.pdf")) == 0
    assert label(folder, "--again", "4-5", "--out", str(tmp_path / "again.pdf")) == 1
    assert "reprint-needs-outlet-and-reason" in capsys.readouterr().err
    assert not (tmp_path / "again.pdf").exists()
    for wrong in ("0-2", "5-4", "3-99", "x"):
        assert label(folder, "--again", wrong, "--out", str(tmp_path / "again.pdf")) == 2


def test_jammed_range_is_printed_again_by_an_outlet_as_counted_reprints(
    deployment: tuple[Path, list[Waybill]], tmp_path: Path
) -> None:
    folder, taken = deployment
    assert label(folder, *(w.id for w in taken), "--out", str(tmp_path / "out.pdf")) == 0
    world = World()
    store = open_folder(folder, world)
    receiver, dispatcher = (replace(each, tenant=store.settings.tenant) for each in (RECEIVER, DISPATCHER))
    with store.transaction() as tx:
        for actor in (receiver, dispatcher):
            people.enrol(world, store.keys, tx, actor, world.now())
    scan(world, store, [Scan(actor=dispatcher, what=str(w.waybill_number), kind="arrived") for w in taken])
    store.close()
    again = ("--again", "4-5", "--as", receiver.id, "--station", "sh-01-2", "--out", str(tmp_path / "again.pdf"))
    assert label(folder, *again) == 0
    pages = read_pdf((tmp_path / "again.pdf").read_bytes())
    assert [next(code for code in page.codes if code.startswith("YT")) for page in pages] == wanted(taken)[3:5]
    assert all("第2次打印" in "".join(page.texts) for page in pages)
    assert label(folder, *again) == 0  # the same two prints, not a third
    by_reason = ("--job", "tuesday", "--as", receiver.id, "--reason", "damaged", "--out", str(tmp_path / "copy.pdf"))
    assert label(folder, taken[0].id, *by_reason) == 0
    [page] = read_pdf((tmp_path / "copy.pdf").read_bytes())
    assert "次打印" in "".join(page.texts)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--to", "docx", "--out", "x"),
        ("--printer", "127.0.0.1"),  # to is pdf
        ("--template", "1x1", "--out", "x"),
        ("--dpi", "600", "--out", "x"),
        ("--darkness", "99", "--out", "x"),
        ("--to", "png", "--out", "x"),  # nine labels
    ],
)
def test_wrong_option_counts_no_print(wrong: tuple[str, ...], deployment: tuple[Path, list[Waybill]]) -> None:
    folder, taken = deployment
    assert label(folder, *(w.id for w in taken), *wrong) == 2
    with masking.connect(folder) as shop:
        first = shop.label_data([w.id for w in taken], job="another", station="shop")
    assert all(isinstance(each, LabelData) and each.print_number == 1 for each in first)


def test_job_without_waybills_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masking.connect(tmp_path / "d").close()
    assert label(tmp_path / "d", "--out", str(tmp_path / "out.pdf")) == 2
    assert "no job of this name was started" in capsys.readouterr().err
    assert label(tmp_path / "d", str(tmp_path / "none.csv"), "--out", str(tmp_path / "out.pdf")) == 2


def test_other_waybills_under_the_same_job_are_refused(
    deployment: tuple[Path, list[Waybill]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    assert label(folder, taken[0].id, "--out", str(tmp_path / "out.pdf")) == 0
    assert label(folder, taken[1].id, "--out", str(tmp_path / "out.pdf")) == 2
    assert "this-job-was-started-with-other-waybills" in capsys.readouterr().err


def test_unreachable_printer_is_named_and_nothing_is_lost(
    deployment: tuple[Path, list[Waybill]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, taken = deployment
    with socket.create_server(("127.0.0.1", 0)) as server:
        off = f"127.0.0.1:{server.getsockname()[1]}"
    assert label(folder, *(w.id for w in taken), "--to", "cpcl", "--printer", off) == 2
    assert "does not answer" in capsys.readouterr().err
    with listening_printer() as (address, data):
        assert label(folder, "--to", "cpcl", "--printer", address) == 0
    assert numbers(printer_languages.cpcl(bytes(data))) == wanted(taken)


def test_label_buffered_on_this_machine_counts_as_unsent() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()  # a printer with its head open: it takes the connection, and reads nothing
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with printer(address, patience=0.2) as send, pytest.raises(UnavailableError, match="receives no bytes"):
            send(bytes(200_000))


def test_printers_setup_page_is_sent_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening_printer() as (address, sent):
        assert main(["printer", "--to", "tspl", "--paper", "60x40", "--printer", address]) == 0
    assert main(["printer", "--to", "tspl", "--paper", "60x40", "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page").read_bytes() == bytes(sent)
    assert printer_languages.tspl(bytes(sent), 8)[0][0].all()
    for wrong in (["--paper", "6x4"], ["--dpi", "600"], ["--right", "999"], ["--to", "epl"]):
        assert main(["printer", "--to", "tspl", "--out", str(tmp_path / "x"), *wrong]) == 2
    assert not (tmp_path / "x").exists()


def test_printed_label_with_a_deviation_is_noted_for_the_clerk(
    tmp_path: Path, order: Callable[..., Order], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "no-numbers"
    create(folder, World(), Settings())
    with masking.connect(folder) as shop:
        orders = [order(f"N-{n}", waybill_number=f"YT{n:012}", remark="很长" * 200) for n in range(1, 13)]
        ids = [each.id for each in shop.checkout(orders) if isinstance(each, Waybill)]
    assert label(folder, *ids, "--template", "100x100", "--out", str(tmp_path / "out.pdf")) == 0
    said = capsys.readouterr().err
    assert (
        "note on label 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more: number: no-virtual-number: The label has no virtual number"
        in said
    )
    assert "and 2 more: remark: did-not-fit" in said
