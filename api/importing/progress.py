"""Progress of long work: a bar with rate and remaining time on a terminal, a line at every tenth elsewhere."""

from __future__ import annotations

import time
from typing import TextIO, final

from ..language import say
from ..terminal import write_over

_WIDTH = 24
_REDRAW = 0.1  # seconds


@final
class Progress:
    """Shows progress towards `total` on `stream`. Use it as a context manager, which ends the line."""

    def __init__(self, what: str, total: int, stream: TextIO) -> None:
        self._what = what
        self._total = total
        self._stream = stream
        self._live = stream.isatty()
        self._started = time.monotonic()
        self._drawn = 0.0
        self._done = 0
        self._tenth = 0

    def step(self, count: int) -> None:
        """Add to the number of finished items."""
        self._done += count
        now = time.monotonic()
        if self._live:
            if now - self._drawn >= _REDRAW or self._done >= self._total:
                self._drawn = now
                write_over(self._stream, self.line(now - self._started))
        elif self._done * 10 // max(self._total, 1) > self._tenth:
            self._tenth = self._done * 10 // max(self._total, 1)
            print(self.line(now - self._started), file=self._stream, flush=True)

    def line(self, seconds: float) -> str:
        """The progress after this many seconds, as text."""
        share = min(1.0, self._done / max(self._total, 1))
        rate = self._done / seconds if seconds > 0 else 0.0
        left = round((self._total - self._done) / rate) if rate and self._done < self._total else 0
        bar = "█" * round(share * _WIDTH) + "·" * (_WIDTH - round(share * _WIDTH)) + " " if self._live else ""
        clock = f"{left // 60}:{left % 60:02}"
        time_left = "  " + say(f"{clock} left") if left else ""
        return f"{say(self._what)} {bar}{share:4.0%}  {self._done:,}/{self._total:,}  {rate:,.0f}/s{time_left}"

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._done:
            self._stream.write("\n")
            self._stream.flush()
