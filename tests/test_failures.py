"""What the machine can do to us: a full disk, a folder that can't be written, a power cut. Each gets one clear sentence."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

import masking
from masking.config import SETTINGS
from masking.database import key_schema, schema
from masking.deployment import ROOT_KEY, create, open_folder
from masking.errors import MaskingError, SettingsError
from masking.journal import journal
from masking.keys.keystore import MEMORY
from masking.runtime import World
from masking.store import parcels
from masking.store.store import Settings
from masking.values.printable import Waybill
from tests.support import postgresql

ROOT = Path(__file__).parents[1]
SHOPPING = """
    import sys
    import masking
    from masking import Order, Party

    def order(n):
        return Order(
            reference=f"A-{n}",
            recipient=Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"),
            sender=Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室"),
        )
"""


def run(code, *arguments, **options):
    """A Python program of its own, run on this source tree."""
    program = textwrap.dedent(SHOPPING) + textwrap.dedent(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*options.pop("under", []), sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False, **options)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660])
def test_root_key_readable_by_others_is_refused(tmp_path, mode):
    masking.connect(tmp_path / "d").close()
    (tmp_path / "d" / ROOT_KEY).chmod(mode)
    with pytest.raises(SettingsError, match="open to others"):
        masking.connect(tmp_path / "d")


def test_folder_with_other_files_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SettingsError, match="not empty"):
        masking.connect(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_unwritable_folder_is_named_and_left_as_it_was():
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        folder = Path(place)
        folder.chmod(0o555)
        done = run(
            """
            import os
            import masking.connection
            if os.geteuid() == 0:
                os.seteuid(65534)  # root may write anywhere
            try:
                masking.connect(sys.argv[1])
            except masking.SettingsError as error:
                print(error)
            """,
            folder / "deployment",
        )
        assert done.stdout.startswith("the folder can't be written"), done.stderr[-500:]
        assert list(folder.iterdir()) == []
        folder.chmod(0o755)


def test_invalid_settings_are_refused_by_name(tmp_path):
    masking.connect(tmp_path / "d").close()
    for text in ("tenant = ", 'tenant = "A B"', "demo = 3", "[retension]\ndestroy_after_days = 30"):
        (tmp_path / "d" / SETTINGS).write_text(text)
        with pytest.raises(SettingsError, match=re.escape(SETTINGS)):
            masking.connect(tmp_path / "d")


@pytest.mark.parametrize("name", ["data.sqlite", "keys.sqlite"])
def test_missing_database_is_named_and_not_replaced_by_an_empty_one(tmp_path, name):
    masking.connect(tmp_path / "d").close()
    (tmp_path / "d" / name).unlink()
    with pytest.raises(SettingsError, match=re.escape(name)):
        masking.connect(tmp_path / "d")
    assert not (tmp_path / "d" / name).exists()


@pytest.mark.parametrize("name", ["data.sqlite", "keys.sqlite"])
def test_empty_database_is_not_accepted_as_a_deployments(tmp_path, name):
    masking.connect(tmp_path / "d").close()
    (tmp_path / "d" / name).write_bytes(b"")
    with pytest.raises(SettingsError, match="empty"):
        masking.connect(tmp_path / "d")


@pytest.mark.parametrize("how", ["rows", "schema"])
@pytest.mark.parametrize("which", ["data", "keys"])
def test_emptied_server_database_is_noticed_even_after_other_work_on_it(
    databases, tmp_path, world, fake_world, which, how
):
    socket, folder = databases[0].url.query["host"], tmp_path / "d"
    addresses = {name: postgresql.create(socket, f"emptied-{which}-{how}-{name}") for name in ("data", "keys")}
    create(folder, world, Settings(), addresses=(addresses["data"], addresses["keys"]))
    at_work = open_folder(folder, world)
    journal.sequence(world, at_work)
    engine = sa.create_engine(addresses[which], poolclass=sa.NullPool)
    with engine.begin() as connection:
        if how == "schema":
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        else:
            for table in reversed((schema.data if which == "data" else key_schema.keys).sorted_tables):
                connection.execute(table.delete())
    fake_world.advance(seconds=MEMORY.total_seconds() + 1)  # keys are looked up anew
    with suppress(MaskingError):
        journal.sequence(world, at_work)
    at_work.close()
    with pytest.raises(SettingsError, match="a database of this deployment is empty"):
        open_folder(folder, world)


def test_full_disk_is_one_clear_error_and_acknowledged_orders_stay(tmp_path):
    done = run(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        shop = masking.connect(sys.argv[1])
        shop.checkout([order(0)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        for n in range(1, 20000):
            try:
                [outcome] = shop.checkout([order(n)])
            except masking.UnavailableError as error:
                print(n, error)
                break
        """,
        tmp_path / "d",
    )
    assert "Nothing was revealed" in done.stdout, done.stderr[-800:]
    taken = int(done.stdout.split()[0])
    with masking.connect(tmp_path / "d") as shop:
        assert all(shop.find(reference=f"A-{n}") for n in range(taken))
        assert journal.verify(shop.store).fault is None


def test_kill_at_any_point_loses_nothing_acknowledged(tmp_path):
    folder = tmp_path / "d"
    program = textwrap.dedent(SHOPPING) + textwrap.dedent("""
        first = int(sys.argv[2])
        shop = masking.connect(sys.argv[1])
        for n in range(first, first + 10_000):
            [waybill] = shop.checkout([order(n)])
            print(n, waybill.id, flush=True)
            if n % 3 == 0:
                shop.cancel([waybill.id])
                print(n, "cancelled", flush=True)
    """)
    acknowledged: dict[int, str] = {}
    cancelled: set[int] = set()
    for kill in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder), str(kill * 10_000)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _, line in zip(range(3 + 7 * kill), process.stdout, strict=False):
            note(line, acknowledged, cancelled)
        process.send_signal(signal.SIGKILL)
        for line in process.communicate()[0].splitlines():
            note(line, acknowledged, cancelled)
    assert len(acknowledged) > 30
    world = World()
    store = open_folder(folder, world)
    with masking.connect(folder) as shop:
        for n, token in acknowledged.items():
            state = shop.status(token).state
            assert state == "destroyed" if n in cancelled else state in {"active", "destroyed"}, n
        living = [each for n in acknowledged for each in shop.find(reference=f"A-{n}")]
    with store.transaction() as tx:
        from masking.crypto.index import record_of_waybill_id

        known = parcels.of_ids(store, tx, [record_of_waybill_id(each.id) for each in living])
    assert len(known.wraps) == len(living)  # every living waybill opens
    journal.sequence(world, store)
    assert journal.verify(store).fault is None
    store.close()


def note(line, acknowledged, cancelled):
    """Take note of one whole line of the shopping program; a line that the kill cut short is no acknowledgement."""
    words = line.split()
    if len(words) == 2 and words[1] == "cancelled":
        cancelled.add(int(words[0]))
    elif len(words) == 2 and re.fullmatch(r"wb1_\S{10,}", words[1]):
        acknowledged[int(words[0])] = words[1]


def synced_before_answer(trace, database):
    """Whether the last write to this database's log, before the answer was written, was followed by its own sync."""
    dirty = None
    for line in trace.splitlines():
        if f"{database}-wal>" in line or f"{database}>" in line:
            if "pwrite64(" in line or "write(" in line:
                dirty = True
            elif "sync(" in line:
                dirty = False
        if "ANSWERED" in line:
            return dirty is False
    return False


ANSWERING = """
    import os
    {weaken}
    shop = masking.connect(sys.argv[1])
    [waybill] = shop.checkout([order(1)])
    os.write(1, b"ANSWERED " + str(waybill.id).encode())
"""
WEAK = """
    from masking.database import connections as engine
    strong = engine._configure_sqlite
    def weak(connection, record):
        strong(connection, record)
        connection.execute("PRAGMA synchronous=OFF")
    engine._configure_sqlite = weak
"""


@pytest.mark.system("strace")
@pytest.mark.parametrize(("weaken", "safe"), [("", True), (WEAK, False)], ids=["as-shipped", "shown-to-fail"])
def test_answer_waits_for_the_disk(tmp_path, weaken, safe):
    trace = tmp_path / "trace"
    under = ["strace", "-f", "-y", "-s", "64", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", str(trace)]
    code = textwrap.dedent(ANSWERING).format(weaken=textwrap.dedent(weaken))
    done = run(code, tmp_path / "d", under=under)
    assert "ANSWERED wb1_" in done.stdout, done.stderr[-800:]
    text = trace.read_text(errors="replace")
    assert [synced_before_answer(text, name) for name in ("data.sqlite", "keys.sqlite")] == [safe, safe]


@pytest.mark.system("strace")
def test_deployments_name_and_settings_are_on_disk_before_any_answer(tmp_path):
    trace = tmp_path / "trace"
    calls = "trace=rename,renameat,renameat2,write,fsync,fdatasync"
    run(ANSWERING.format(weaken=""), tmp_path / "d", under=["strace", "-f", "-y", "-e", calls, "-o", str(trace)])
    lines = trace.read_text(errors="replace").splitlines()

    def first(pattern, start=0):
        return next(n for n, line in enumerate(lines) if n >= start and re.search(pattern, line))

    renamed = first(r"rename.*/\.d-\w+\", .*/d\"")
    assert first(rf"fsync\(\d+<[^>]*{SETTINGS}>") < renamed
    assert first(rf"fsync\(\d+<{re.escape(str(tmp_path))}>\)", renamed) < first("ANSWERED")


def test_half_made_deployment_is_made_again(tmp_path):
    folder = tmp_path / "d"
    done = run(
        "import os, masking.deployment as c; c.create_keys = lambda *a: os._exit(9); masking.connect(sys.argv[1])",
        folder,
    )
    assert done.returncode == 9
    assert not folder.exists()
    with masking.connect(folder) as shop:
        assert shop.find(reference="A-1") == []
    shutil.rmtree(folder)


def test_second_process_can_use_the_folder_at_the_same_time(tmp_path):
    with masking.connect(tmp_path / "d") as shop:
        done = run("print(masking.connect(sys.argv[1]).checkout([order(1)])[0].id)", tmp_path / "d")
        assert done.returncode == 0, done.stderr[-500:]
        [found] = shop.find(reference="A-1")
        assert isinstance(found, Waybill)
        assert found.id == done.stdout.strip()
