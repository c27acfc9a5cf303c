"""The house plan is law: every room is named in ARCHITECTURE.md, and nothing else is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = {"archive", "dicomnet", "viewer", "pacs_site", "templates", "static", "tests"}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_top_level_holds_the_named_folders_and_files_only() -> None:
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    assert {f for f in folders if not f.startswith(".")} == TOP


def test_every_room_is_in_the_plan() -> None:
    plan = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {
        "/".join(name.split("/")[:2]).removesuffix(".py")
        for name in tracked()
        if name.split("/")[0] in {"archive", "dicomnet", "viewer", "pacs_site"}
        and "migrations" not in name
        and not name.endswith(("__init__.py", "apps.py"))
    }
    missing = sorted(room for room in rooms if f"`{room.split('/')[1]}" not in plan)
    assert missing == []


def test_no_module_is_called_after_nothing() -> None:
    nameless = {"utils", "helpers", "common", "core", "misc"}
    assert [n for n in tracked() if {p.removesuffix(".py") for p in n.split("/")} & nameless] == []


def test_no_module_passes_400_lines() -> None:
    long = {
        name: lines
        for name in tracked()
        if name.endswith((".py", ".js")) and not name.startswith("tests/") and "/migrations/" not in name
        if (ROOT / name).exists()
        if (lines := (ROOT / name).read_text().count("\n")) > 400
    }
    assert long == {}
