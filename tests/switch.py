"""A telephone exchange on this machine's loopback: Kamailio, its media relay, and sipp for the phones at both ends."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "telephony" / "kamailio.cfg"
DOMAIN = "127.0.0.1"
_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=[me] 1 1 IN IP[local_ip_type] [local_ip]
s=call of [me]
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
_TALKATIVE = """Contact: <sip:[me]@[local_ip]:[local_port]>
P-Asserted-Identity: <sip:[me]@[local_ip]>
Remote-Party-ID: <sip:[me]@[local_ip]>
User-Agent: phone of [me] at [local_ip]
Server: phone of [me] at [local_ip]
Warning: 399 [local_ip] "[me]"
"""
_ASK = (
    """INVITE sip:[number];ext=[extension]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Max-Forwards: 70
"""
    + _TALKATIVE
    + _SDP
)
_WITHIN = """{method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
{more}Content-Length: 0

"""
_ANSWER = """SIP/2.0 {code}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
"""
_BYE_BACK = """BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: [$to];tag=B[call_number]
To: [$from]
[routes]
Call-ID: [call_id]
CSeq: 7 BYE
Max-Forwards: 70
Content-Length: 0

"""
_OF_THE_INVITE = """{method} sip:[number];ext=[extension]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-{after}]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: 1 {method}
Content-Length: 0

"""


def _send(text: str, **how: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in how.items())
    return f"<send{extra}><![CDATA[\n\n{text}\n]]></send>"


def _got(what: str, **how: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in how.items())
    kind = "response" if what.isdigit() else "request"
    return f'<recv {kind}="{what}"{extra}/>'


def _scenario(*steps: str) -> str:
    return '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n' + "\n".join(steps) + "\n</scenario>\n"


def _answer(code: str, *, tag: str = ";tag=B[call_number]", body: str = _TALKATIVE + "Content-Length: 0\n\n") -> str:
    return _send(_ANSWER.format(code=code, tag=tag) + body)


_PROGRESS = (_got("100", optional="true"), _got("180", optional="true", rrs="true"))
_ACK = _send(_WITHIN.format(method="ACK", cseq=1, more=_TALKATIVE))
CALLS = _scenario(
    _send(_ASK, retrans="500"), *_PROGRESS, _got("200", rrs="true"), _ACK, '<pause milliseconds="300"/>',
    _send(_WITHIN.format(method="BYE", cseq=2, more=_TALKATIVE), retrans="500"), _got("200"),
)  # fmt: skip
CALLS_AND_IS_HUNG_UP_ON = _scenario(
    _send(_ASK, retrans="500"), *_PROGRESS, _got("200", rrs="true"), _ACK, _got("BYE"), _answer("200 OK", tag=""),
)  # fmt: skip
GIVES_UP = _scenario(
    _send(_ASK, retrans="500"), _got("100", optional="true"), _got("180"),
    _send(_OF_THE_INVITE.format(method="CANCEL", after=3, tag=""), retrans="500"), _got("200"),
    _got("487"), _send(_OF_THE_INVITE.format(method="ACK", after=6, tag="[peer_tag_param]")),
)  # fmt: skip


def is_refused(status: str) -> str:
    """A caller who is refused with that status."""
    thanks = _send(_OF_THE_INVITE.format(method="ACK", after=3, tag="[peer_tag_param]"))
    return _scenario(_send(_ASK, retrans="500"), _got("100", optional="true"), _got(status), thanks)


_KEEP = (
    '<recv request="INVITE" rrs="true"><action>'
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/></action></recv>'
)
_KEEP_VIAS = (
    '<recv request="INVITE"><action>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="via1"/>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" assign_to="via2"/></action></recv>'
)
_GIVEN_UP = (
    _ANSWER.replace("[last_CSeq:]", "CSeq: 1 INVITE")
    .replace("[last_Via:]", "Via: [$via1]\nVia: [$via2]")
    .format(code="487 Request Terminated", tag=";tag=B[call_number]")
)
_RINGS = _answer("180 Ringing")
_PICKS_UP = _send(_ANSWER.format(code="200 OK", tag=";tag=B[call_number]") + _TALKATIVE + _SDP, retrans="500")
ANSWERS = _scenario(
    _got("INVITE", rrs="true"), _RINGS, _PICKS_UP, _got("ACK"), _got("BYE"), _answer("200 OK", tag="")
)  # fmt: skip
ANSWERS_AND_HANGS_UP = _scenario(
    _KEEP, _RINGS, _PICKS_UP, _got("ACK"), _send(_BYE_BACK, retrans="500"), _got("200")
)  # fmt: skip
LETS_IT_RING = _scenario(
    _KEEP_VIAS, _RINGS, _got("CANCEL"), _send(_ANSWER.format(code="200 OK", tag="") + "Content-Length: 0\n\n"),
    _send(_GIVEN_UP + "Content-Length: 0\n\n", retrans="500"), _got("ACK"),
)  # fmt: skip


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
            process.wait()


def free_port(address: str) -> int:
    """A UDP port that nobody has at this address."""
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
def kamailio(folder: Path, settings: Mapping[str, str], trunk: Phone, *, without: str = "") -> Iterator[int]:
    """The switch of the example with these settings, sending calls to `trunk`; its port. `without` drops a line."""
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
    if without:
        text, modules = re.subn(rf"(?m)^(loadmodule|modparam).*{without}.*\n", "", text)
        text, calls = re.subn(rf"(?m)^ +.*{without}.*;$", "    $var(nothing) = 0;", text)
        assert modules + calls
    (folder / "kamailio.cfg").write_text(text)
    command = ["kamailio", "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-Y", str(folder), "-m", "32", "-M", "4"]

    with _running(command, folder, lambda: answers(port, DOMAIN)):
        yield port


def answers(port: int, sender: str) -> bool:
    """Whether the switch says anything to somebody at this address."""
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
