"""A server that answers as Aliyun's documentation says, on this machine: checks signatures by itself, and misbehaves when told."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from masking.config import SETTINGS

KEY_ID, SECRET, POOL = "testing-id", "testing-secret", "FC100000000000001"
MAINS = ("17000000101", "17000000102")
REPORT_KEY = "testing-report-key-of-32-letters"
CHINA = timezone(timedelta(hours=8))


class Aliyun:
    """Its state: bindings by (main, name), and what it is told to do with the next requests."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.bound: dict[tuple[str, str], dict[str, str]] = {}
        self.seen: set[str] = set()
        self.asked: list[str] = []
        self.mood: list[str] = []
        self.url = ""
        self.stop = threading.Event()

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, object]] | None:
        """The status and the document for one request; None is no answer at all."""
        query = dict(parse_qsl(urlsplit(request.path).query, keep_blank_values=True))
        action = request.headers["x-acs-action"]
        self.asked.append(action)
        date = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%S%z")
        if abs(self.now() - date) > timedelta(minutes=15):
            return 400, {"Code": "InvalidTimeStamp.Expired"}
        if not self._signed(request):
            return 400, {"Code": "SignatureDoesNotMatch"}
        mood = self.mood.pop(0) if self.mood else ""
        if mood == "throttle":
            return 400, {"Code": "Throttling.User"}
        if mood == "flow":
            return 200, {"Code": "isv.FLOW_LIMIT"}
        if mood == "system":
            return 200, {"Code": "isp.SYSTEM_ERROR"}
        if mood[:4] in {"isv.", "isp."} or mood[:1].isupper():  # one of its codes
            return 400, {"Code": mood}
        if query.get("PoolKey") != POOL:
            return 400, {"Code": "isv.POOLKEY_NOT_EXISTS"}
        done = getattr(self, f"_{action}")(query)
        if mood == "late":  # done, but the answer comes too late
            self.stop.wait(5)
            return None
        if mood == "partly":
            return 500, {"Code": "isp.GATEWAY_ERROR"}
        return (502, {}) if mood == "garbage" else (200, done)

    def _signed(self, request: BaseHTTPRequestHandler) -> bool:
        """Aliyun's signature V3, from its documentation: every x-acs header and the host are signed, a nonce is good once."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        said = dict(part.split("=", 1) for part in rest.split(","))
        names = said["SignedHeaders"].split(";")
        must = {name.lower() for name in request.headers if name.lower().startswith("x-acs-")} | {"host"}
        raw = urlsplit(request.path)
        canonical = [request.command, raw.path, raw.query, "".join(f"{n}:{request.headers[n]}\n" for n in names)]
        canonical += [said["SignedHeaders"], hashlib.sha256(b"").hexdigest()]
        text = f"{scheme}\n{hashlib.sha256(chr(10).join(canonical).encode()).hexdigest()}"
        right = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        nonce = request.headers["x-acs-signature-nonce"]
        fresh = nonce not in self.seen
        self.seen.add(nonce)
        return (
            scheme == "ACS3-HMAC-SHA256"
            and said["Credential"] == KEY_ID
            and must <= set(names)
            and names == sorted(names)
            and "&".join(sorted(raw.query.split("&"))) == raw.query
            and hmac.compare_digest(right, said["Signature"])
            and fresh
        )

    def _BindAxb(self, query: dict[str, str]) -> dict[str, object]:
        a, b, x = query["PhoneNoA"], query["PhoneNoB"], query["PhoneNoX"]
        until = datetime.strptime(query["Expiration"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        if x not in MAINS:
            return {"Code": "isv.FORBIDDEN_ACTION"}
        if not (a.isdigit() and b.isdigit()):
            return {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}
        if until < self.now() + timedelta(seconds=60):
            return {"Code": "isv.EXPIRE_DATE_ILLEGAL"}
        live = [each for (main, _), each in self.bound.items() if main == x]
        if any({a, b} & {each["A"], each["B"]} for each in live):
            return {"Code": "isv.BIND_CONFLICT"}
        name = f"1000{len(self.seen):08}"
        self.bound[x, name] = {"A": a, "B": b, "until": query["Expiration"], "out": query["OutId"]}
        return {"Code": "OK", "SecretBindDTO": {"SubsId": name, "SecretNo": x, "Extension": ""}}

    def _UnbindSubscription(self, query: dict[str, str]) -> dict[str, object]:
        gone = self.bound.pop((query["SecretNo"], query["SubsId"]), None)
        return {"Code": "OK" if gone else "isv.SUBS_NOT_EXIST"}

    def _QuerySubsId(self, query: dict[str, str]) -> dict[str, object]:
        return {"Code": "OK", "SubsId": ",".join(name for main, name in self.bound if main == query["PhoneNoX"])}


def record(out_id: str | None, **changes: object) -> dict[str, object]:
    """A call record as in Aliyun's documentation of SecretReport: dialled by A, spoken for three seconds."""
    sample = {
        "phone_no": "13900000007",
        "city": "北京",
        "call_out_time": "2026-11-24 08:31:30",
        "ring_time": "2026-11-24 08:31:35",
        "record_url": "https://example.oss-cn-shanghai.aliyuncs.com",
        "free_ring_time": "2026-11-24 08:31:35",
        "control_msg": "OK",
        "id": 1014568510001,
        "secret_no": MAINS[0],
        "call_type": 0,
        "control_type": "CONTINUE",
        "release_time": "2026-11-24 08:31:41",
        "pool_key": POOL,
        "sub_id": 1000043068030001,
        "unconnected_cause": 0,
        "call_time": "2026-11-24 08:31:29",
        "peer_no": "13800000001",
        "called_display_no": MAINS[0],
        "release_dir": 1,
        "call_id": "43612633712c0001",
        "start_time": "2026-11-24 08:31:38",
        "partner_key": POOL,
        "out_id": out_id,
        "release_cause": 31,
    }
    return {name: value for name, value in (sample | changes).items() if value is not None}


def signature(body: bytes, at: int, key: str = REPORT_KEY, provider: str = "aliyun") -> str:
    """The header of a push, made as `docs/telephony.md` says, by code of its own."""
    text = b"waybill-report-v1\n%s\n%d\n%s" % (provider.encode(), at, body)
    return f"t={at},v1={hmac.new(key.encode(), text, hashlib.sha256).hexdigest()}"


@contextmanager
def aliyun(now: Callable[[], datetime]) -> Iterator[Aliyun]:
    """The server, running."""
    state = Aliyun(now)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = state.answer(self)
            if answer is None:
                return
            body = json.dumps(answer[1]).encode() if answer[1] else b"<html>bad gateway</html>"
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            """The server's own clock, in the header `Date`."""
            return format_datetime(state.now(), usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        state.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def add_account(folder: Path, url: str, secret: str = SECRET, mode: int = 0o600, report_key: str | None = None) -> None:
    """Give a deployment an account at this server."""
    secrets = {"aliyun.key": secret} | ({"report.key": report_key} if report_key is not None else {})
    for name, text in secrets.items():
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(mode)
    with (folder / SETTINGS).open("a") as file:
        file.write(
            f'\n[aliyun]\nendpoint = "{url}"\nkey_id = "{KEY_ID}"\nkey_secret_file = "aliyun.key"\n'
            f'pool_key = "{POOL}"\nmains = {list(MAINS)}\n'.replace("'", '"')
        )
        file.write('report_key_file = "report.key"\n' if report_key is not None else "")
