"""Runs `benchmarks/NAME.py`, or all of them: one JSON line a figure on standard output. `make bench ONLY=NAME`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in {"run", "measure", "load"})


def main(wanted: list[str]) -> int:
    """Run the named benches one after the other; the number of those that failed."""
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        print(f"no bench named {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    commands = [[sys.executable, "-m", f"benchmarks.{name}"] for name in wanted or NAMES]
    return sum(subprocess.call(command, cwd=HERE.parent) != 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
