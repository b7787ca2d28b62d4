"""The built wheel holds all that it needs, and lives next to an application that has packages named `api` and `tests`."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.documents import ORDER
from tests.serving import ROOT, ready, served

LIBRARIES = Path(np.__file__).parents[1]
"""Where this environment keeps what the wheel depends on; the editable install there is invisible over PYTHONPATH."""


def build(source: Path, place: Path) -> Path:
    """The wheel of a source tree."""
    code = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-W", "ignore", "-c", code, str(place)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return place / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The wheel of the tracked files."""
    place = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if source.is_file() and not name.startswith(("tests/", "benchmarks/", "docs/")):
            target = place / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return build(place / "source", place)


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    """The wheel, unpacked: nothing of the source tree is left to help it."""
    with zipfile.ZipFile(built) as archive:
        archive.extractall(built.parent / "site")
    return built.parent / "site"


@pytest.fixture(scope="module")
def application(tmp_path_factory) -> Path:
    """The wheel of a shop whose own packages are named `api` and `tests`."""
    place = tmp_path_factory.mktemp("application")
    own_packages(place / "source")
    text = '[project]\nname = "shop"\nversion = "1"\n[tool.setuptools]\npackages = ["api", "tests"]\n'
    (place / "source" / "pyproject.toml").write_text(text)
    return build(place / "source", place)


def own_packages(folder: Path) -> None:
    """Packages that our program must never import: doing so ends it."""
    for name in ("api", "tests"):
        (folder / name).mkdir(parents=True)
        for module in ("__init__", "app", "cli"):
            (folder / name / f"{module}.py").write_text("raise SystemExit('the application was imported')\n")


def test_the_built_wheel_serves_and_prints_in_a_folder_with_its_own_api(wheel):
    with served("--demo", tree=wheel) as (process, url):
        ready(url)
        lines = dict(process.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(7))
        token = httpx.post(f"{url}/v1/token", json={"secret": lines["SHOP_SECRET"]}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        order = ORDER | {"waybill_number": "YT000000000001", "routing_code": "1-2-3"}
        answer = httpx.post(f"{url}/v1/waybills", json={"orders": [order]}, headers=headers).json()
        body = {"ids": [answer["outcomes"][0]["waybill"]["id"]], "job": "wheel"}
        pdf = httpx.post(f"{url}/v1/labels", json=body, headers=headers).json()["pdf"]
        assert base64.b64decode(pdf).startswith(b"%PDF")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_the_packages_is_in_the_wheel_and_no_other(built):
    with zipfile.ZipFile(built) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    packages = ("masking/", "print_templates/", "api/")
    expected = {name for name in files(built.parent / "source") if name.startswith(packages)}
    assert names == {f"waybill_service/{name[4:]}" if name.startswith("api/") else name for name in expected}


def test_the_wheel_says_what_it_offers(wheel):
    names = files(wheel)
    [entry] = [wheel / name for name in names if name.endswith("entry_points.txt")]
    assert "waybill = waybill_service.cli:main" in entry.read_text()


def test_every_installed_module_imports_beside_an_api_of_the_application(wheel, tmp_path):
    own_packages(tmp_path)
    names = [name for name in files(wheel) if name.startswith("waybill_service/") and name.endswith(".py")]
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names]
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; assert 'api' not in sys.modules"
    command = [sys.executable, "-c", code, *modules]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{wheel}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


def pip(site: Path, *words: object) -> None:
    """Run pip on another environment, without an index."""
    command = [sys.executable, "-m", "pip", "--python", str(site), "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


def damaged(site: Path, distribution: str) -> list[str]:
    """The files of an installed distribution that are missing or hold something else than its RECORD says."""
    [packages] = site.glob("lib/python*/site-packages")
    [record] = packages.glob(f"{distribution}-*.dist-info/RECORD")
    wrong = []
    for name, digest, _ in csv.reader(record.read_text("utf-8").splitlines()):
        path = packages / name
        found = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        if digest and digest != "sha256=" + base64.urlsafe_b64encode(found).decode().rstrip("="):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("ours_first", [True, False])
def test_installed_beside_an_application_with_api_and_tests_both_stay_whole(built, application, tmp_path, ours_first):
    wheels = [built, application] if ours_first else [application, built]
    for gone, left in (("waybill-masking", "shop"), ("shop", "waybill_masking")):
        site = tmp_path / gone
        venv.create(site, symlinks=True)
        for each in wheels:
            pip(site, "install", "--no-deps", "--no-index", each)
        assert damaged(site, "shop") == damaged(site, "waybill_masking") == []
        pip(site, "uninstall", "--yes", gone)
        assert damaged(site, left) == []


def test_waybill_runs_in_an_applications_folder_that_is_on_the_path(built, tmp_path):
    site, shop = tmp_path / "site", tmp_path / "shop"
    venv.create(site, symlinks=True)
    pip(site, "install", "--no-deps", "--no-index", built)
    own_packages(shop)
    shutil.copy(ROOT / "examples" / "orders.csv", shop)
    command = [site / "bin" / "waybill", "mask", "orders.csv", "--labels", "none"]
    environment = {**os.environ, "PYTHONPATH": f".:{LIBRARIES}"}
    done = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True, check=False)
    assert "35 orders: 32 masked, 3 rejected" in done.stdout, done.stderr
