"""The command `waybill`, run in this process."""

from __future__ import annotations

from api.cli.main import main


def run_waybill(*words: object) -> int:
    """Run the command with these words. Returns its exit status."""
    return main([str(word) for word in words])
