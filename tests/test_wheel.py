"""The built wheel holds all that it needs, and lives next to an application that has packages named `api` and `tests`."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import httpx
import numpy as np
import openpyxl
import pytest

from api.service.request_models import ORDER
from masking.errors import EXTRAS
from masking.runtime import World
from tests.support.running_service import ROOT, make_deployment, run_service_process, wait_until_ready

LIBRARIES = Path(np.__file__).parents[1]
"""Where this environment keeps what the wheel depends on; the editable install there is invisible over PYTHONPATH."""


def build(source: Path, place: Path) -> Path:
    """The wheel of a source tree."""
    code = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-W", "ignore", "-c", code, str(place)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return place / done.stdout.split()[-1]


def tracked(*folders: str) -> set[str]:
    """The files of this checkout in folders, as git lists them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return {name for name in listed.stdout.decode().split("\0") if name.startswith(folders) and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The wheel of the tracked files."""
    place = tmp_path_factory.mktemp("wheel")
    for name in tracked("") - tracked("tests/", "benchmarks/", "docs/"):
        target = place / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    return build(place / "source", place)


@pytest.fixture(scope="module")
def fonts(built) -> Path:
    """The wheel of the label fonts."""
    return build(built.parent / "source" / "print_templates" / "fonts", built.parent)


@pytest.fixture(scope="module")
def wheel(built, fonts) -> Path:
    """Both wheels, unpacked: nothing of the source tree is left to help them."""
    for each in (built, fonts):
        with zipfile.ZipFile(each) as archive:
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


def test_built_wheel_serves_and_prints_in_a_folder_with_its_own_api(wheel):
    with run_service_process("--demo", tree=wheel) as (process, url):
        wait_until_ready(url)
        lines = dict(process.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(7))
        token = httpx.post(f"{url}/v1/token", json={"secret": lines["SHOP_SECRET"]}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        order = ORDER | {"waybill_number": "YT000000000001", "routing_code": "1-2-3"}
        answer = httpx.post(f"{url}/v1/waybills", json={"orders": [order]}, headers=headers).json()
        body = {"ids": [answer["outcomes"][0]["id"]], "job": "wheel"}
        pdf = httpx.post(f"{url}/v1/labels", json=body, headers=headers).json()["pdf"]
        assert base64.b64decode(pdf).startswith(b"%PDF")


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_workers_of_the_built_wheel_start_under_the_installed_name(wheel, tmp_path, urls):
    make_deployment(tmp_path / "deployment", World(), addresses=urls)
    with run_service_process("--folder", tmp_path / "deployment", "--workers", "2", tree=wheel) as (_, url):
        wait_until_ready(url)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def packed(wheel: Path) -> set[str]:
    """The files of a wheel but for its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_wheel_holds_every_file_of_the_packages_and_no_other(built):
    expected = tracked("masking/", "print_templates/", "api/") - tracked("print_templates/fonts/")
    assert packed(built) == {f"waybill_service/{name[4:]}" if name.startswith("api/") else name for name in expected}


def test_fonts_are_in_a_wheel_of_their_own_with_their_licence(built, fonts):
    assert packed(fonts) == {name for name in tracked("print_templates/fonts/") if name.endswith(".ttf")} != set()
    assert built.stat().st_size < 1_500_000 < fonts.stat().st_size
    with zipfile.ZipFile(fonts) as archive:
        assert any(name.endswith("licenses/OFL.txt") for name in archive.namelist())


def test_wheel_declares_its_metadata(wheel):
    names = files(wheel)
    [entry] = [wheel / name for name in names if name.endswith("entry_points.txt")]
    assert "waybill = waybill_service.cli.main:main" in entry.read_text()


def test_every_installed_module_imports_next_to_an_applications_api(wheel, tmp_path):
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


@pytest.mark.parametrize(("used", "unused"), [("api", "waybill_service"), ("waybill_service", "api")])
def test_process_in_the_source_tree_loads_the_package_under_one_name(used, unused):
    names = [name.removesuffix(".py").removesuffix("/__init__") for name in tracked("api/") if name.endswith(".py")]
    modules = [name.replace("/", ".").replace("api", used, 1) for name in names]
    code = (
        "import importlib, sys; [importlib.import_module(name) for name in sys.argv[2:]];"
        "sys.exit(any(name.partition('.')[0] == sys.argv[1] for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, unused, *modules], cwd=ROOT, check=False)
    assert (done.returncode, len(modules) > 50) == (0, True)


@pytest.mark.parametrize("ours_first", [True, False])
def test_applications_own_api_and_tests_stay_whole_after_installation(built, application, tmp_path, ours_first):
    wheels = [built, application] if ours_first else [application, built]
    for gone, left in (("waybill-masking", "shop"), ("shop", "waybill_masking")):
        site = installed(tmp_path / gone, *wheels)
        assert damaged(site, "shop") == damaged(site, "waybill_masking") == []
        pip(site, "uninstall", "--yes", gone)
        assert damaged(site, left) == []


def waybill(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder that is on Python's path."""
    environment = {**os.environ, "PYTHONPATH": f".:{LIBRARIES}"}
    command = [site / "bin" / "waybill", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def installed(site: Path, *wheels: Path) -> Path:
    """A new environment with these wheels, installed in this order."""
    venv.create(site, symlinks=True)
    for each in wheels:
        pip(site, "install", "--no-deps", "--no-index", each)
    return site


@pytest.fixture(scope="module")
def client(built, tmp_path_factory) -> Path:
    """An environment with our wheel alone, without the fonts. Tests share it and change nothing in it."""
    return installed(tmp_path_factory.mktemp("client") / "site", built)


def test_waybill_runs_in_an_applications_folder_on_the_path(client, tmp_path):
    own_packages(tmp_path)
    shutil.copy(ROOT / "examples" / "orders.csv", tmp_path)
    done = waybill(client, tmp_path, "mask", "orders.csv", "--labels", "none")
    assert "35 orders: 32 masked, 3 rejected" in done.stdout, done.stderr


@pytest.mark.parametrize("words", [("mask", "orders.csv"), ("serve", "--demo")])
def test_missing_fonts_enter_nothing_and_the_error_says_what_to_install(client, tmp_path, words):
    shutil.copy(ROOT / "examples" / "orders.csv", tmp_path)
    done = waybill(client, tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"waybill {words[0]}: the label fonts are not installed")
    assert "pip install ./print_templates/fonts" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"orders.csv"}


def test_fonts_installed_next_to_the_program_print_labels(built, fonts, tmp_path):
    site = installed(tmp_path / "site", built, fonts)
    shutil.copy(ROOT / "examples" / "orders.csv", tmp_path)
    done = waybill(site, tmp_path, "mask", "orders.csv")
    assert "35 orders: 32 masked, 3 rejected" in done.stdout, done.stderr
    assert [path.read_bytes()[:5] for path in tmp_path.glob("orders-masked/*.pdf")] == [b"%PDF-"]
    pip(site, "uninstall", "--yes", "waybill-masking-fonts")
    assert damaged(site, "waybill_masking") == []


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("serve", "--help"), "server"),
        (("people", "http://127.0.0.1:1", "--as", "file", "revoke", "x"), "merchant"),
        (("mask", "orders.csv"), "labels"),
        (("mask", "orders.xlsx", "--labels", "none"), "merchant"),
    ],
)
def test_missing_library_error_names_the_extra_that_brings_it(client, tmp_path, words, extra):
    for name in EXTRAS:  # as where they are missing
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
    shutil.copy(ROOT / "examples" / "orders.csv", tmp_path)
    openpyxl.Workbook().save(tmp_path / "orders.xlsx")
    done = waybill(client, tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"waybill {words[0]}: ")
    assert f'pip install ".[{extra}]"' in done.stderr


def test_extras_of_build_errors_and_readmes_agree():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    users = set(extras) - {"dev", "bench", "fuzz"}
    assert set(EXTRAS.values()) <= users
    for name in ("README.md", "README.zh-CN.md"):
        assert set(re.findall(r"^\| `(\w+)` \|", (ROOT / name).read_text("utf-8"), re.MULTILINE)) == users
