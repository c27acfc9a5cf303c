"""`make bench`: every row a ratio to a peer or a limit, measured in the same run.

``python -m tests.bench [ingest|retrieve|viewer|scroll|search|find ...]``.
"""

from __future__ import annotations

import importlib
import platform
import sys

ROOMS = ("ingest", "retrieve", "viewer", "scroll", "search", "find")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in ROOMS]
    if unknown:
        print(f"No such bench: {', '.join(unknown)}. There are {', '.join(ROOMS)}.", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, Python {platform.python_version()}")
    for name in names or ROOMS:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
