"""A key store whose disk is full: the service says that it is not ready, before an order fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from masking.crypto.keys import FileKeySource
from masking.database.connections import open_engine
from masking.errors import UnavailableError
from masking.keys.disk_space import ROOM, check_room
from masking.keys.keystore import KeyStore
from masking.runtime import World
from tests.support import postgresql

WORLD = World()


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False).returncode:
        pytest.skip("only root mounts a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def key_store(address: str, tmp_path: Path) -> KeyStore:
    return KeyStore(open_engine(address), FileKeySource.create(tmp_path / "root.key", WORLD.entropy))


def fill(disk: Path) -> Path:
    """A file that leaves less room than `check_room` wants."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - ROOM // 2))
    return ballast


@pytest.mark.system("mount")
def test_full_disk_of_a_key_store_file_is_named_until_space_is_free(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        keys = key_store(f"sqlite:///{disk / 'keys.sqlite'}", tmp_path)
        check_room(WORLD, keys)
        ballast = fill(disk)
        with pytest.raises(UnavailableError, match="the disk of the key store is full"):
            check_room(WORLD, keys)
        ballast.unlink()
        check_room(WORLD, keys)
        assert [each.name for each in disk.iterdir()] in ([], ["keys.sqlite"])
        keys.engine.dispose()


@pytest.mark.system("mount")
def test_full_disk_of_a_key_server_is_named_until_space_is_free(tmp_path):
    with postgresql.server() as socket, small_disk(Path(socket) / "disk") as disk:
        place = disk / "space"
        place.mkdir()
        owner = Path(socket).stat()
        shutil.chown(place, owner.st_uid, owner.st_gid)
        with closing(psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True)) as link:
            link.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        address = postgresql.create(socket, "keys")
        with closing(psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True)) as link:
            link.execute("ALTER DATABASE keys SET default_tablespace = small")
            link.execute("ALTER DATABASE keys SET temp_tablespaces = small")
        keys = key_store(address, tmp_path)
        check_room(WORLD, keys)
        ballast = fill(disk)
        with pytest.raises(UnavailableError):
            check_room(WORLD, keys)
        ballast.unlink()
        check_room(WORLD, keys)
        keys.engine.dispose()
