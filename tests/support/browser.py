"""What tests do in a browser's page, whichever browser it is."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

PATIENCE = 30
"""Seconds that a test waits for a change of the page."""


class BrowserPage(ABC):
    """One page of a browser: what every browser does by itself, and what tests do with it."""

    @abstractmethod
    def open(self, url: str, *, language: str = "en-US", width: int = 1280, height: int = 900) -> None:
        """Go to an address, as a browser of this language and size."""

    @abstractmethod
    def see(self, expression: str) -> Any:
        """The value of an expression in the page."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Characters, as a keyboard or a hand scanner sends them, to the element with the focus."""

    @abstractmethod
    def press(self, key: str) -> None:
        """One key."""

    def until(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        turns = f"async () => {{ for (let n = 0; n < {PATIENCE * 30}; n++) {{ if (await ({expression})) return true;"
        waited = f"({turns} await new Promise((go) => setTimeout(go, 20)); }} return false; }})()"
        assert self.see(waited), f"{expression}: never; the page says: {self.text('body')}"

    def text(self, selector: str) -> str:
        """What can be read there."""
        return str(self.see(f"document.querySelector({json.dumps(selector)}).innerText")).strip()

    def scan(self, number: str) -> None:
        """What a hand scanner does."""
        self.type(number)
        self.press("Enter")

    def tab_to(self, selector: str) -> None:
        """Move the focus with the Tab key until it is there."""
        for _ in range(40):
            if self.see(f"document.activeElement.matches({json.dumps(selector)})"):
                return
            self.press("Tab")
        raise AssertionError(f"the Tab key never reaches {selector}")
