"""The root's file: who may read it, and what is refused."""

from __future__ import annotations

import os
import stat

import pytest

from masking.crypto.keys import FileKeySource
from masking.errors import SettingsError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root.key"


def test_new_root_is_random_private_and_opens_its_wraps(path):
    mask = os.umask(0)
    try:
        made = FileKeySource.create(path, os.urandom)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    blob = made.wrap("online/2026-11-24", bytes(32), os.urandom)
    assert FileKeySource.open(path).unwrap("online/2026-11-24", blob) == bytes(32)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o644, 0o777])
def test_key_file_that_others_may_access_is_refused(path, mode):
    FileKeySource.create(path, os.urandom)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"mode {mode:04o}"):
        FileKeySource.open(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_key_file_of_its_owner_alone_is_accepted(path, mode):
    FileKeySource.create(path, os.urandom)
    path.chmod(mode)
    FileKeySource.open(path)


@pytest.mark.parametrize("size", [0, 31, 33, 64, 10**6])
def test_key_file_of_another_length_is_refused(path, size):
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="32 bytes"):
        FileKeySource.open(path)


def test_missing_file_folder_and_pipe_are_refused_as_key_files(path, tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        FileKeySource.open(path)
    with pytest.raises(SettingsError):
        FileKeySource.open(tmp_path)
    os.mkfifo(path, 0o600)
    with pytest.raises(SettingsError, match="not a file"):
        FileKeySource.open(path)


def test_link_to_a_key_file_is_judged_by_its_target(path, tmp_path):
    target = tmp_path / "target.key"
    FileKeySource.create(target, os.urandom)
    path.symlink_to(target)
    FileKeySource.open(path)
    target.chmod(0o644)
    with pytest.raises(SettingsError, match="mode 0644"):
        FileKeySource.open(path)


def test_root_is_never_overwritten(path, tmp_path):
    FileKeySource.create(path, os.urandom)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="never overwritten"):
        FileKeySource.create(path, os.urandom)
    assert path.read_bytes() == before
    dangling = tmp_path / "dangling.key"
    dangling.symlink_to(tmp_path / "elsewhere.key")
    with pytest.raises(SettingsError):
        FileKeySource.create(dangling, os.urandom)
    assert not (tmp_path / "elsewhere.key").exists()


def test_key_file_errors_name_the_file_and_not_its_content(path):
    path.write_bytes(b"secret-secret-secret-secret-secret")
    path.chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        FileKeySource.open(path)
    assert "secret" not in str(refused.value)
    assert str(path.parent) not in str(refused.value)
