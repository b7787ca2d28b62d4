"""The wheel as it is built holds all that it needs to serve."""

from __future__ import annotations

import base64
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from api.documents import ORDER
from tests.serving import ROOT, ready, served


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the tracked files, unpacked: nothing of the source tree is left to help it."""
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
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-W", "ignore", "-c", build, str(place)]
    done = subprocess.run(command, cwd=place / "source", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    [built] = place.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(place / "site")
    return place / "site"


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


def test_every_file_of_the_packages_is_in_the_wheel_and_no_other(wheel):
    [built] = wheel.parent.glob("*.whl")
    with zipfile.ZipFile(built) as archive:  # what is unpacked has been run, and holds compiled files by now
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    packages = ("masking/", "print_templates/", "api/")
    assert names == {name for name in files(wheel.parent / "source") if name.startswith(packages)}


def test_the_wheel_says_what_it_offers(wheel):
    names = files(wheel)
    [entry] = [wheel / name for name in names if name.endswith("entry_points.txt")]
    assert "waybill = api.cli:main" in entry.read_text()
