"""The examples for an operator: what the units and the proxy's configuration say is run as it stands, but for its paths."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from masking.values.plaintext import Enrolled
from tests.support.commands import connect_supervisor, printed_code, run_waybill
from tests.support.running_service import ROOT, run_service_process, wait_until_ready

EXAMPLES = ROOT / "examples"
NGINX = """
daemon off; pid {place}/pid; error_log {place}/nginx.log;
events {{ }}
http {{
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi; access_log {place}/access.log;
    include {place}/site.conf;
}}
"""
"""What surrounds the example, for an nginx that is not the machine's own."""


def test_systemd_units_name_commands_that_work(tmp_path):
    for unit in ("waybill.service", "waybill-retire.service", "waybill-watch.service"):
        text = (EXAMPLES / unit).read_text("utf-8").replace("/var/lib/waybill", str(tmp_path))
        for command, *words in map(str.split, re.findall(r"/opt/waybill/bin/waybill (.*)", text)):
            if command == "serve":
                with run_service_process(*words) as (_, url):
                    wait_until_ready(url)
            else:
                assert run_waybill(command, *words) == 0


@pytest.mark.system("systemd-analyze")
def test_systemd_accepts_the_units(tmp_path):
    for path in EXAMPLES.glob("waybill*.*"):
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace("/opt/waybill/bin/waybill", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.system("nginx", "openssl")
def test_proxy_passes_devices_keeps_no_log_and_blocks_switch_routes(tmp_path, capsys, monkeypatch):
    assert run_waybill("init", tmp_path / "d") == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        front = f"https://localhost:{free.getsockname()[1]}"
    with (
        run_service_process("--folder", tmp_path / "d", WAYBILL_ADDRESS=front) as (_, url),
        proxied(tmp_path / "nginx", front, url) as certificate,
    ):
        wait_until_ready(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with connect_supervisor(front, tmp_path, printed_code(capsys)) as boss:
            assert isinstance(boss.enrol("shop-1", role="merchant", unit="shop-1"), Enrolled)
        with httpx.Client(base_url=front) as http:
            for path in ("/v1/calls/route", "/v1/calls/reports", "/v1/calls//route", "/v1/calls/%72oute", "/metrics"):
                assert http.post(path, json={}).status_code == 404  # of the service, a stranger hears 401
            assert http.post("/v1/waybills", content=bytes(2_000_000)).json()["status"] == 401
            assert (http.get("/healthz").status_code, http.get("/outlet").status_code) == (200, 200)
            assert http.get("/readyz").status_code == 404
    for kept in ("access.log", "error.log", "nginx.log"):
        assert (tmp_path / "nginx" / kept).read_text() == ""


@pytest.mark.system("nginx", "openssl")
def test_devices_sign_for_the_prefix_that_the_proxy_removes(tmp_path, capsys, monkeypatch):
    assert run_waybill("init", tmp_path / "d") == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"https://localhost:{free.getsockname()[1]}"
    with (
        run_service_process("--folder", tmp_path / "d", WAYBILL_ADDRESS=f"{host}/masks") as (_, url),
        proxied(tmp_path / "nginx", host, url, prefix="/masks") as certificate,
    ):
        wait_until_ready(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with connect_supervisor(f"{host}/masks", tmp_path, printed_code(capsys)) as boss:
            assert isinstance(boss.enrol("shop-1", role="merchant", unit="shop-1"), Enrolled)
        with httpx.Client(base_url=host) as http:
            for path in (
                "/v1/calls/route",
                "/v1//calls/route",
                "/v1/calls/%72oute",
                "/v1/../metrics",
                "/metrics",
                "/readyz",
            ):
                assert http.post(f"/masks{path}", json={}).status_code == 404
            assert http.post("/v1/token", json={}).status_code == 404
            for path, status in (("/outlet", 200), ("/outlet/page.js", 200), ("/outlet/../metrics", 404)):
                assert http.get(f"/masks{path}").status_code == status


def under(prefix: str, site: str) -> str:
    """The example with a prefix, as docs/service.md says: in each location, and the rest after the service's port."""
    for path in ("/v1/", "/outlet", "/healthz"):
        given = re.compile(rf"(location (?:= )?){path}( {{\s*proxy_pass [^;]+?:\d+)/?;")
        site, many = given.subn(rf"\g<1>{prefix}{path}\g<2>{path};", site)
        assert many == 1, path
    return site.replace("location = /v1/", f"location = {prefix}/v1/")


@contextmanager
def proxied(place: Path, front: str, back: str, *, prefix: str = "") -> Iterator[Path]:
    """The example's nginx at `front`, with a certificate of its own, which is given."""
    place.mkdir()
    site = (EXAMPLES / "nginx.conf").read_text("utf-8")
    for said, here in (
        ("listen 443", f"listen {front.rpartition(':')[2]}"),
        ("server_name mask.example", "server_name localhost"),
        ("/etc/ssl/mask.example.pem", f"{place}/certificate.pem"),
        ("/etc/ssl/private/mask.example.key", f"{place}/private.key"),
        (
            "/var/log/nginx/mask.error.log crit",
            f"{place}/error.log warn",
        ),  # it warns of each body that it puts into a file
        ("http://127.0.0.1:8440;", f"{back};"),
    ):
        assert said in site
        site = site.replace(said, here)
    (place / "site.conf").write_text(under(prefix, site) if prefix else site, "utf-8")
    (place / "nginx.conf").write_text(NGINX.format(place=place), "utf-8")
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext"
    names = ["subjectAltName=DNS:localhost", "-keyout", place / "private.key", "-out", place / "certificate.pem"]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    process = subprocess.Popen(["nginx", "-e", "stderr", "-c", place / "nginx.conf"])
    try:
        while not (place / "pid").exists():
            assert process.poll() is None
            time.sleep(0.02)  # the process is starting; its socket listens before it writes this
        yield place / "certificate.pem"
    finally:
        process.terminate()
        process.wait(timeout=30)
