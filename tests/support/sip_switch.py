"""A telephone exchange on this machine's loopback: Kamailio, its media relay, and sipp for the phones at both ends."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.sip_scenarios import FORWARDED_TO

EXAMPLE = Path(__file__).parents[2] / "examples" / "telephony" / "kamailio.cfg"
DOMAIN = "127.0.0.1"


class Phone:
    """A phone at an address of its own; every SIP message that it sends or receives is kept."""

    def __init__(self, folder: Path, me: str, address: str) -> None:
        self.me = me
        self.address = address
        self.port = free_port(address)
        self.log = folder / f"{me}-{address}.messages"
        self._folder = folder

    @property
    def messages(self) -> str:
        """All messages of this leg, as text."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    @contextmanager
    def doing(self, scenario: str, switch: int, number: tuple[str, str] = ("", "")) -> Iterator[None]:
        """Play a scenario while the block runs, which must end well."""
        script = self._folder / f"{self.me}.xml"
        script.write_text(scenario)
        self.log.unlink(missing_ok=True)
        keys = {"me": self.me, "number": number[0], "extension": number[1]}
        command = ["sipp", f"{DOMAIN}:{switch}", "-sf", str(script), "-i", self.address, "-p", str(self.port)]
        command += [
            "-mi",
            self.address,
            "-m",
            "1",
            "-nostdin",
            "-timeout",
            "30",
            "-timeout_error",
            "-recv_timeout",
            "20000",
        ]
        command += ["-trace_msg", "-message_file", str(self.log), "-cid_str", f"%u-%p-{self.me}@%s"]
        for name, value in keys.items():
            command += ["-key", name, value]
        process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield
            said, _ = process.communicate(timeout=40)
            assert process.returncode == 0, said.decode()[-1500:] + self.messages
        finally:
            process.kill()
            process.communicate()


_MESSAGE = re.compile(r"^-{20,} [^\n]*\n\w+ message (received|sent) [^\n]*\n", re.MULTILINE)


def _messages(phone: Phone) -> list[tuple[str, str]]:
    """Each message of a leg as it was on the wire, and whether the phone has "sent" or "received" it."""
    parts = _MESSAGE.split(phone.messages)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def shown(phone: Phone, other: Phone) -> list[str]:
    """The lines that the switch sent to a phone and that show the other side: its number, its address, whom it forwards to.

    A number is also found as +86-138-0000-0001, within a tel: or sip: address, and percent-encoded.
    """
    received = [text for which, text in _messages(phone) if which == "received"]
    assert received
    lines = [line for message in received for line in message.splitlines()]
    numbers = (other.me, FORWARDED_TO)
    return [
        line
        for line in lines
        if other.address in line or any(n in re.sub(r"[^0-9A-Za-z]", "", unquote(line)) for n in numbers)
    ]


def media_port(phone: Phone, which: str) -> int:
    """The port for media in the first SDP that a phone has sent or received."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for kind, text in _messages(phone):
            found = re.search(r"^m=audio (\d+) .*\r?\n.*\n", text, re.MULTILINE)
            if kind == which and found:
                return int(found[1])
        time.sleep(0.01)  # until sipp has written it
    pytest.fail(f"no SDP was {which}")


def socket_at(address: str, port: int) -> socket.socket:
    """A UDP socket at this address."""
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind((address, port))
    return found


def sdes(cname: str) -> bytes:
    """An RTCP packet (RFC 3550) with an empty receiver report and the name of its sender, as phones send them."""
    item = bytes([1, len(cname)]) + cname.encode() + b"\0"
    item += b"\0" * (-len(item) % 4)
    chunk = (1).to_bytes(4, "big") + item
    return bytes([0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202]) + (len(chunk) // 4).to_bytes(2, "big") + chunk


def free_port(address: str) -> int:
    """An unused UDP port at this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 60
        while not ready():
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)  # until the program answers
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def relay(folder: Path) -> Iterator[str]:
    """A media relay; its control address."""
    port = free_port(DOMAIN)
    command = ["rtpengine", "--foreground", "--table=-1", f"--interface={DOMAIN}", f"--listen-ng={DOMAIN}:{port}"]
    command += ["--log-stderr", "--log-level=4", "--port-min=36000", "--port-max=36200", "--num-threads=1"]

    def ready() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.sendto(b"1 d7:command4:pinge", (DOMAIN, port))
                return b"pong" in probe.recv(100)
            except OSError:
                return False

    with _running(command, folder, ready):
        yield f"udp:{DOMAIN}:{port}"


@contextmanager
def kamailio(
    folder: Path, settings: Mapping[str, str], trunk: Phone, *, without: str = "", without_word: str = ""
) -> Iterator[int]:
    """The switch of the example with these settings, sending calls to `trunk`; its port.

    `without` drops the lines that match it, `without_word` a word wherever it stands.
    """
    folder.mkdir(exist_ok=True)
    port = free_port(DOMAIN)
    words = {
        "DOMAIN": DOMAIN,
        "PEERS": r"^127\.0\.[0-3]\.1$",
        "TRUNK": f"{trunk.address}:{trunk.port}",
        "MASK_KEY": "of this test",
    } | dict(settings)
    lines = [f"#!define LISTEN udp:{DOMAIN}:{port}", *(f'#!define {name} "{value}"' for name, value in words.items())]
    (folder / "local.cfg").write_text("\n".join(lines) + "\n")
    text = EXAMPLE.read_text("utf-8")
    assert without_word in text
    text = text.replace(without_word, "")
    if without:
        text, modules = re.subn(rf"(?m)^(loadmodule|modparam).*{without}.*\n", "", text)
        text, calls = re.subn(rf"(?m)^ +.*{without}.*;$", "    $var(nothing) = 0;", text)
        assert modules + calls
    (folder / "kamailio.cfg").write_text(text)
    command = ["kamailio", "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-Y", str(folder), "-m", "32", "-M", "4"]

    with _running(command, folder, lambda: answers(port, DOMAIN)):
        yield port


def answers(port: int, sender: str) -> bool:
    """Whether the switch answers a caller at this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((sender, 0))
        probe.settimeout(0.3)
        me = f"{sender}:{probe.getsockname()[1]}"
        ask = (
            f"OPTIONS sip:{DOMAIN}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKready\r\nMax-Forwards: 5\r\n"
            f"From: <sip:x@{me}>;tag=1\r\nTo: <sip:y@{DOMAIN}>\r\nCall-ID: ready@{me}\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        try:
            probe.sendto(ask.encode(), (DOMAIN, port))
            return b"405" in probe.recv(2000)
        except OSError:
            return False
