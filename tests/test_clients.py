"""Four clients that are generated from the description compile, and serve a caller: `make clients` installs the generators."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from masking.client.device import Device, make_key
from tests.support.people import SHOP
from tests.support.running_service import sign_in

ROOT = Path(__file__).parents[1]
DESCRIPTION = ROOT / "api" / "openapi.json"
CALLERS = ROOT / "tests" / "clients"
TOOLS = ROOT / ".venv-clients"
BIN = TOOLS / "bin"
NPM = TOOLS / "node_modules" / ".bin"
JAVA = {"openApiNullable": "false", "useJakartaEe": "false", "hideGenerationTimestamp": "true"}
GENERATED = 'package javax.annotation; public @interface Generated { String[] value(); String comments() default ""; }'
"""The one class of javax.annotation-api that the generated code names; all others are in the generator's own jar."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (TOOLS / ".installed").exists():
        if os.environ.get("CI"):
            pytest.fail("the generators are missing, and CI must not skip: make clients")
        pytest.skip("the generators are missing: make clients")


def run(*command: object, cwd: Path) -> str:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def generate(kind: str, place: Path, *options: str) -> str:
    command = ("openapi-generator-cli", "generate", "-i", DESCRIPTION, "-g", kind, "-o", place, *options)
    return run(BIN / command[0], *command[1:], cwd=TOOLS)


@pytest.mark.system("java")
def test_typescript_clients_compile_in_strict_mode(tmp_path):
    shutil.copy(CALLERS / "use.ts", tmp_path)
    run(BIN / "node", NPM / "openapi-typescript", DESCRIPTION, "-o", "schema.d.ts", cwd=tmp_path)
    said = generate("typescript-fetch", tmp_path / "fetch")
    assert "Unknown scheme" not in said
    modules = ("--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", "--lib", "es2022,dom")
    run(BIN / "node", NPM / "tsc", "--strict", "--noEmit", *modules, "use.ts", "fetch/index.ts", cwd=tmp_path)
    assert "hidden: Array<HiddenSpan>;" in (tmp_path / "fetch" / "models" / "MaskedText.ts").read_text("utf-8")


@pytest.mark.system("java", "javac")
def test_java_client_compiles(tmp_path):
    options = ",".join(f"{name}={value}" for name, value in JAVA.items())
    generate("java", tmp_path / "java", "--library", "native", "-p", options)
    [jar] = TOOLS.glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar")
    stub = tmp_path / "javax" / "annotation" / "Generated.java"
    stub.parent.mkdir(parents=True)
    stub.write_text(GENERATED, "utf-8")
    sources = [stub, CALLERS / "Use.java", *(tmp_path / "java" / "src" / "main").rglob("*.java")]
    run("javac", "-proc:none", "-encoding", "utf-8", "-cp", jar, "-d", "classes", *sources, cwd=tmp_path)
    assert (tmp_path / "classes" / "Use.class").exists()


@pytest.fixture(scope="module")
def python_client(tmp_path_factory, installed) -> Path:
    """A folder with the generated package and its caller."""
    folder = tmp_path_factory.mktemp("python")
    place = folder / "generated"
    said = run(
        BIN / "openapi-python-client", "generate", "--path", DESCRIPTION, "--output-path", place, "--meta", "none",
        cwd=folder,
    )  # fmt: skip
    assert "Warning" not in said
    shutil.copy(CALLERS / "use.py", folder)
    return folder


def test_python_client_type_checks(python_client):
    # client.py is the same for every description, and the generator's own text breaks mypy's rules there
    (python_client / "mypy.ini").write_text("[mypy]\nstrict = True\n[mypy-generated.client]\nignore_errors = True\n")
    run(BIN / "mypy", "use.py", "generated", cwd=python_client)


def test_python_client_checks_out_with_a_proof_for_each_call(python_client, service, tmp_path):
    make_key(tmp_path / "shop.key")
    token = sign_in(service.clock.world, service.store, SHOP, Device.of_file(tmp_path / "shop.key"))
    shutil.copy(CALLERS / "call.py", python_client)
    [libraries] = TOOLS.glob("lib/python*/site-packages")  # for attrs, which generated clients need
    environment = os.environ | {"PYTHONPATH": f"{python_client}:{ROOT}:{libraries}"}
    done = subprocess.run(
        [sys.executable, "call.py", service.url, tmp_path / "shop.key"],
        input=token, cwd=python_client, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split("\n")) == (0, ["[]", "['active']", ""]), done.stderr


def test_generator_locks_have_hashes_and_no_addresses():
    lock = (CALLERS / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in (ROOT / "requirements" / "clients.txt").read_text("utf-8")
    packages = {name: each for name, each in json.loads(lock)["packages"].items() if name}
    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
