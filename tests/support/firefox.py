"""Firefox without a window, driven over its own remote protocol (Marionette): keys and eyes."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import PATIENCE, BrowserPage

KEYS = {"Enter": "\ue007", "Tab": "\ue004", "ArrowDown": "\ue015", "ArrowUp": "\ue013", "Backspace": "\ue003"}
PREFERENCES = {
    "marionette.port": 0,
    "intl.accept_languages": "en-US",
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "app.update.disabledForTesting": True,
}


class FirefoxPage(BrowserPage):
    """The page in a Firefox of its own."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE * 4)  # its first window is slow
        self._number = 0
        self._read()
        self._ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self._ask("WebDriver:SetTimeouts", script=PATIENCE * 1000)

    def _ask(self, command: str, **params: Any) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, command, params]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._read()
        assert number == self._number
        assert error is None, f"{command}: {error}"
        return result

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._socket.recv(1)
        left, parts = int(size[:-1]), []
        while left:
            parts.append(self._socket.recv(left))
            assert parts[-1], "the browser has ended"
            left -= len(parts[-1])
        return json.loads(b"".join(parts))

    def open(self, url: str, *, language: str = "en-US", width: int = 1280, height: int = 900) -> None:
        """Go to an address. Its language is that of the profile."""
        assert language == "en-US"
        self._ask("WebDriver:SetWindowRect", width=width, height=height)
        self._ask("WebDriver:Navigate", url=url)
        self.until("document.readyState === 'complete' && document.title !== ''")

    def see(self, expression: str) -> Any:
        """The value of an expression in the page."""
        script = f"const done = arguments[0]; (async () => ({expression}))().then((v) => done(v), (e) => done({{}}));"
        return self._ask("WebDriver:ExecuteAsyncScript", script=script, args=[])["value"]

    def type(self, text: str) -> None:
        """Characters, as a keyboard or a hand scanner sends them, to the element with the focus."""
        acts = [{"type": kind, "value": char} for char in text for kind in ("keyDown", "keyUp")]
        self._ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": acts}])

    def press(self, key: str) -> None:
        """One key."""
        self.type(KEYS[key])

    def picture(self, path: Path) -> None:
        """What a person would see, as a PNG file."""
        path.write_bytes(base64.b64decode(self._ask("WebDriver:TakeScreenshot", full=False)["value"]))

    def to_front(self) -> None:
        """Nothing: its one tab is in front."""

    def close(self) -> None:
        """End the browser."""
        self._ask("Marionette:Quit", flags=["eForceQuit"])
        self._socket.close()


@contextmanager
def firefox(prints_to: Path | None = None, display: str | None = None) -> Iterator[FirefoxPage]:
    """A Firefox with an empty profile; gone with everything afterwards.

    Without a display it prints to a file without a window, or not at all: no person closes the print window, which takes the
    keys.
    """
    with tempfile.TemporaryDirectory(prefix="waybill-firefox-") as profile:
        to_file = {
            "print.always_print_silent": True,
            "print_printer": "Mozilla Save to PDF",
            "print.printer_Mozilla_Save_to_PDF.print_to_file": True,
            "print.printer_Mozilla_Save_to_PDF.print_to_filename": str(prints_to),
        }
        chosen = PREFERENCES | (to_file if prints_to else {} if display else {"print.enabled": False})
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in chosen.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), "utf-8")
        process = subprocess.Popen(
            [
                "firefox-esr",
                *([] if display else ["--headless"]),
                "--marionette",
                "--no-remote",
                "--profile",
                profile,
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": profile, "PATH": "/usr/bin:/bin"} | ({"DISPLAY": display} if display else {}),
        )
        port, ends = Path(profile) / "MarionetteActivePort", time.monotonic() + PATIENCE * 2
        while not (port.exists() and port.read_text("utf-8")):
            assert process.poll() is None, "firefox has ended"
            assert time.monotonic() < ends, "firefox does not start"
            time.sleep(0.05)  # the process is starting
        try:
            page = FirefoxPage(int(port.read_text("utf-8")))
        except BaseException:
            process.kill()
            process.wait()
            raise
        try:
            yield page
        finally:
            page.close()
            process.wait(PATIENCE)
