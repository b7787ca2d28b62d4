"""A Chromium without a window, driven over its debugging pipe as a person would: keys, the mouse, and eyes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import PATIENCE, BrowserPage

KEYS = {
    "Enter": (13, "\r"),
    "Tab": (9, ""),
    " ": (32, " "),
    "ArrowDown": (40, ""),
    "ArrowUp": (38, ""),
    "Backspace": (8, ""),
}


class ChromiumPage(BrowserPage):
    """One page in a Chromium of its own."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read, self._left, self._number, self._hangs = write, read, b"", 0, False
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == message["id"]:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)
            if answer.get("method") == "Fetch.requestPaused" and not self._hangs:
                self._ask("Fetch.failRequest", requestId=answer["params"]["requestId"], errorReason="Failed")

    def _next(self) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._read], [], [], max(0, ends - time.monotonic()))
            assert ready, "the browser says nothing"
            got = os.read(self._read, 1 << 20)
            assert got, "the browser has ended"
            self._left += got
        message, _, self._left = self._left.partition(b"\0")
        event: dict[str, Any] = json.loads(message)
        return event

    def open(self, url: str, *, language: str = "zh-CN", width: int = 1280, height: int = 900) -> None:
        """Go to an address, as a browser of this language and size."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._ask("Emulation.setUserAgentOverride", userAgent="Mozilla/5.0 Chromium", acceptLanguage=language)
        self._ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.title !== ''")

    def see(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def type(self, text: str) -> None:
        """Characters, as a keyboard or a hand scanner sends them, to the element with the focus."""
        for char in text:
            self._ask("Input.dispatchKeyEvent", type="keyDown", key=char, text=char)
            self._ask("Input.dispatchKeyEvent", type="keyUp", key=char)

    def press(self, key: str) -> None:
        """One key."""
        code, text = KEYS[key]
        down = {"type": "keyDown", "key": key, "windowsVirtualKeyCode": code} | ({"text": text} if text else {})
        self._ask("Input.dispatchKeyEvent", **down)
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self, path: Path) -> None:
        """What a person would see, as a PNG file."""
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", captureBeyondViewport=False)["data"]))

    def complaints(self) -> list[str]:
        """What the browser had to say of the page: errors, refused contents, uncaught exceptions."""
        self.see("0")  # all earlier messages have arrived by now
        entries = [e["params"]["entry"] for e in self.events if e.get("method") == "Log.entryAdded"]
        thrown = [e["params"]["exceptionDetails"] for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        return [entry["text"] for entry in entries] + [json.dumps(each) for each in thrown]

    def offline(self, *, off: bool) -> None:
        """Cut the network, or mend it."""
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self._ask("Network.emulateNetworkConditions", offline=off, **conditions)

    def lose_answers(self, *, lose: bool) -> None:
        """Whether what the service answers is lost on the way, after it has done what it was asked."""
        if lose:
            self._ask("Fetch.enable", patterns=[{"urlPattern": "*/v1/*", "requestStage": "Response"}])
        else:
            self._ask("Fetch.disable")

    def hang(self, *, hangs: bool) -> None:
        """Whether the service takes what it is asked and stays silent."""
        self._hangs = hangs
        if hangs:
            self._ask("Fetch.enable", patterns=[{"urlPattern": "*/v1/*", "requestStage": "Request"}])
        else:
            self._ask("Fetch.disable")

    def another(self) -> ChromiumPage:
        """A second window of this browser."""
        return ChromiumPage(self._write, self._read)

    def to_front(self) -> None:
        """Show this window's tab."""
        self._ask("Page.bringToFront")

    def close(self) -> None:
        """Close this window."""
        self._ask("Page.close")

    def names(self, *roles: str) -> list[str]:
        """How a screen reader calls everything of these roles."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        seen = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
        return [node.get("name", {}).get("value", "") for node in seen]

    def asked(self) -> list[str]:
        """Every address that was asked for."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]


@contextmanager
def chromium(display: str | None = None, *more: str) -> Iterator[ChromiumPage]:
    """A browser with an empty profile, without a window or on a display; gone with everything afterwards."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 20) for each in (theirs_in, theirs_out)]
    with tempfile.TemporaryDirectory(prefix="waybill-browser-") as profile:
        options = [
            *(["--window-size=1280,950"] if display else ["--headless=new"]),
            *more,
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]
        options += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-background-networking"]
        shell = f'exec chromium "$@" 3<&{high[0]} 4>&{high[1]}'
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *options, "about:blank"],
            pass_fds=high,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | ({"DISPLAY": display} if display else {}),
        )
        for each in (theirs_in, theirs_out, *high):
            os.close(each)
        try:
            yield ChromiumPage(ours_out, ours_in)
        finally:
            os.close(ours_out)  # a browser whose pipe ends, ends
            process.wait(PATIENCE)
            os.close(ours_in)
