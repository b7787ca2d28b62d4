"""Files that a user names: written whole, never through a link, never over other content; devices and pipes as they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from api.cli.main import main
from api.output import check_output, output
from masking.errors import InputError
from tests.support.order_files import row, text


def write(path: Path, data: bytes, **how: bool) -> None:
    with output(path, **how) as file:
        file.write(data)


def test_new_file_appears_whole_with_the_mode_of_the_umask(tmp_path):
    path = tmp_path / "file"
    with output(path) as file:
        file.write(b"some")
        assert not path.exists()
    assert path.read_bytes() == b"some"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), output(path, overwrite=True) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_other_content_is_replaced_only_with_overwrite(tmp_path):
    path = tmp_path / "file"
    write(path, b"old")
    write(path, b"old")
    with pytest.raises(InputError, match=r"exists with other content.*--overwrite"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    write(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_content_that_appears_while_writing_is_kept(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(InputError, match="exists with other content"), output(path) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"


def test_empty_file_is_filled(tmp_path):
    path = tmp_path / "file"
    path.touch()
    write(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_link_is_neither_followed_nor_replaced(tmp_path, overwrite):
    other, link = tmp_path / "other", tmp_path / "link"
    other.write_bytes(b"other")
    for target in (other, tmp_path / "nowhere"):
        link.symlink_to(target)
        for act in (check_output, lambda path: write(path, b"new", overwrite=overwrite)):
            with pytest.raises(InputError, match="is a link"):
                act(link)
        assert link.is_symlink()
        link.unlink()
    assert other.read_bytes() == b"other"
    assert not (tmp_path / "nowhere").exists()


def test_link_that_appears_while_writing_is_not_followed(tmp_path):
    other, path = tmp_path / "other", tmp_path / "file"
    other.write_bytes(b"other")
    with pytest.raises(InputError, match=r"was replaced|is a link"), output(path, overwrite=True) as file:
        file.write(b"new")
        path.symlink_to(other)
    assert other.read_bytes() == b"other"


def test_links_at_temporary_file_names_are_not_followed(tmp_path):
    other, path = tmp_path / "other", tmp_path / "file"
    other.write_bytes(b"other")
    for name in (".file.part", ".file.new", f".file.{os.getpid()}"):
        (tmp_path / name).symlink_to(other)
    write(path, b"new")
    assert (path.read_bytes(), path.is_symlink(), other.read_bytes()) == (b"new", False, b"other")


def test_folder_in_a_files_place_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        write(tmp_path, b"new")


def test_pipe_is_written_and_stays_a_pipe(tmp_path):
    pipe, taken = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: taken.append(pipe.read_bytes()))
    reader.start()
    write(pipe, b"label")
    reader.join(30)
    assert taken == [b"label"]
    assert pipe.is_fifo()


def test_device_is_written_and_stays_a_device():
    main_side, device = os.openpty()  # a character device, as a printer's
    name = Path(os.ttyname(device))
    before = name.stat().st_rdev
    write(name, b"label")
    assert os.read(main_side, 5) == b"label"
    assert (name.is_char_device(), name.stat().st_rdev) == (True, before)
    write(Path("/dev/null"), b"label")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_standard_output_gets_the_bytes_and_messages_go_elsewhere(tmp_path, name, to):
    command = [sys.executable, "-m", "api.cli", "printer", "--to", "tspl", "--paper", "60x40", "--out"]
    assert subprocess.run([*command, str(tmp_path / "page")], stdout=subprocess.DEVNULL, check=False).returncode == 0
    if to == "pipe":
        done = subprocess.run([*command, name], capture_output=True, check=False)
        written = done.stdout
    else:
        with (tmp_path / "out").open("wb") as file:
            done = subprocess.run([*command, name], stdout=file, stderr=subprocess.PIPE, check=False)
        written = (tmp_path / "out").read_bytes()
    assert (done.returncode, written) == (0, (tmp_path / "page").read_bytes())
    assert b"outer frame" in done.stderr


def test_process_substitution_gets_the_bytes(tmp_path):
    command = f"{sys.executable} -m api.cli printer --to tspl --paper 60x40 --out >(cat > {tmp_path}/copy) && wait"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy").read_bytes().startswith(b"SIZE")


@pytest.fixture
def mask(tmp_path):
    """Run the command on rows as the content of orders.csv; its exit status."""

    def run(rows, *options):
        (tmp_path / "orders.csv").write_text(text(*rows), "utf-8")
        words = ["mask", str(tmp_path / "orders.csv"), "--labels", "none", *options]
        return main([*words, *(() if "--to" in options else ("--to", str(tmp_path / "deployment")))])

    return run


def results(tmp_path: Path, folder: str = "orders-masked") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}


def test_another_days_file_of_the_same_name_keeps_yesterdays_results(mask, tmp_path, capsys):
    assert mask([row(1), row(2)]) == 0
    yesterday = results(tmp_path)
    capsys.readouterr()
    assert mask([row(2), row(3)]) == 2
    assert "masked.csv holds 1 orders that this file lacks; give another folder (--out " in capsys.readouterr().err
    assert results(tmp_path) == yesterday
    assert mask([row(2), row(3)], "--out", str(tmp_path / "orders-masked-2")) == 0
    assert "2 rows, 2 orders: 2 masked" in (said := capsys.readouterr().out)
    assert "1 new" in said  # so the refused command had entered nothing
    assert results(tmp_path) == yesterday
    assert mask([row(3)], "--overwrite") == 0
    assert results(tmp_path) != yesterday


def test_results_in_the_current_folder_are_kept_and_a_free_name_offered(mask, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mask([row(1)], "--out", ".") == 0
    (tmp_path / "masked-2").touch()
    assert mask([row(2)], "--out", ".") == 2
    assert "--out masked-3)" in capsys.readouterr().err
    assert mask([row(2)], "--out", "masked-3") == 0


def test_corrected_and_further_rows_replace_the_results_of_the_same_file(mask, tmp_path):
    numbers = ("'=1+1", "''y", "y")
    strange = [row(n, reference=number) for n, number in enumerate(numbers, 5)]
    assert mask([*strange, row(2, phone="1.38E+10")]) == 1
    assert mask([*strange, row(2), row(3)]) == 0
    assert results(tmp_path)["masked.csv"].count(b"wb1_") == 5
    assert mask([*strange, row(2), row(3)]) == 0


def test_same_file_into_another_deployment_keeps_the_first_waybills(mask, tmp_path, capsys):
    assert mask([row(1)]) == 0
    first = results(tmp_path)
    assert mask([row(1)], "--to", str(tmp_path / "other")) == 2
    assert "other waybills for the same orders" in capsys.readouterr().err
    assert results(tmp_path) == first


@pytest.mark.parametrize("name", ["masked.csv", "rejected.csv"])
def test_file_that_mask_did_not_write_is_kept(mask, tmp_path, capsys, name):
    (tmp_path / "orders-masked").mkdir()
    (tmp_path / "orders-masked" / name).write_text("notes\n")
    assert mask([row(1)]) == 2
    assert f"{name} was not made by waybill mask" in capsys.readouterr().err
    assert results(tmp_path) == {name: b"notes\n"}
    assert mask([row(1)], "--overwrite") == 0


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_mask_follows_no_link_in_its_folder(mask, tmp_path, overwrite):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "orders-masked").mkdir()
    (tmp_path / "orders-masked" / "masked.csv").symlink_to(precious)
    assert mask([row(1)], *overwrite) == 2
    (tmp_path / "orders-masked" / "masked.csv").rename(tmp_path / "orders-masked" / ".masked.csv.part")
    assert mask([row(1)], *overwrite) == 0
    assert precious.read_text() == "precious"
    assert not (tmp_path / "orders-masked" / "masked.csv").is_symlink()


def test_shred_never_opens_a_device(tmp_path):
    from api.importing.shredding import shred

    with pytest.raises(InputError, match="--shred"):
        shred(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
