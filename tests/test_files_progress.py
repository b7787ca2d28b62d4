"""Long work says how far it is."""

from __future__ import annotations

import io

from api.importing.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere():
    screen, log = Terminal(), io.StringIO()
    for stream in (screen, log):
        with Progress("orders", 1000, stream) as progress:
            for _ in range(100):
                progress.step(10)
    assert screen.getvalue().count("\n") == 1
    assert "100%  1,000/1,000" in screen.getvalue().rpartition("\r")[2]
    assert len(log.getvalue().splitlines()) == 10
    with Progress("orders", 1000, screen) as progress:
        progress.step(250)
        assert progress.line(10.0) == "orders ██████·················· " + " 25%  250/1,000  25/s  0:30 left"


def test_progress_of_no_items_prints_nothing():
    screen = Terminal()
    with Progress("orders", 0, screen):
        pass
    assert screen.getvalue() == ""
