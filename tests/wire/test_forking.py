"""What `make run` forks from: the code that the services share, and nothing that a fork would harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
import gc, json, os, sys, threading
from pacs_site import setup
setup.django_load()
setup.services_load()
from django.db import connections
from django.utils.translation import trans_real
with os.scandir("/proc/self/fd") as listed:
    kinds = [os.readlink(entry.path) for entry in listed]
print(json.dumps({
    "modules": sorted(sys.modules),
    "threads": [thread.name for thread in threading.enumerate()],
    "connected": [c.alias for c in connections.all() if c.connection is not None],
    "open": sorted(kind for kind in kinds if kind.startswith(("socket:", "anon_inode:"))),
    "languages": sorted(trans_real._translations),
    "collecting": gc.isenabled(),
}))
"""


def python(code: str, folder: Path) -> str:
    variables = {
        **os.environ,
        "PACS_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "pacs_site.settings",
        "DATABASE_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return dict(json.loads(python(LOADED, tmp_path_factory.mktemp("data"))))


def test_one_thread_and_no_connection(loaded: dict[str, object]) -> None:
    assert loaded["threads"] == ["MainThread"]
    assert loaded["connected"] == []
    assert loaded["open"] == []


def test_no_event_loop_is_made_before_the_web_server_is_a_process(loaded: dict[str, list[str]]) -> None:
    assert "twisted.internet.reactor" not in loaded["modules"]
    assert "daphne.server" not in loaded["modules"]


def test_translations_are_read_after_set_up_has_compiled_them(loaded: dict[str, list[str]]) -> None:
    assert [language for language in loaded["languages"] if not language.startswith("en")] == []


def test_what_the_services_need_is_there(loaded: dict[str, list[str]]) -> None:
    needed = {
        "archive.management.commands.runjobs",
        "dicomnet.management.commands.runscp",
        "dicomnet.scp.store",
        "dicomnet.sending_lane",
        "pacs_site.urls",
        "viewer.consumers.frames",
    }
    assert needed - set(loaded["modules"]) == set()


def test_collector_works_again_after_loading(loaded: dict[str, object]) -> None:
    assert loaded["collecting"] is True


def test_refusals_are_said_before_the_archive_is_loaded(tmp_path: Path) -> None:
    code = "import json, sys, pacs_site.supervisor; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(python(code, tmp_path)))
    heavy = {"archive", "dicomnet", "viewer", "numpy", "pydicom", "rest_framework", "twisted", "pypinyin"}
    assert modules & heavy == set()


@pytest.mark.parametrize(
    "command", ["archive.management.commands.runjobs", "dicomnet.management.commands.runscp"]
)
def test_dicom_and_jobs_load_no_web_server(tmp_path: Path, command: str) -> None:
    code = (
        f"import django, json, sys; django.setup(); import {command}; print(json.dumps(sorted(sys.modules)))"
    )
    modules = set(json.loads(python(code, tmp_path)))
    assert modules & {"daphne", "autobahn", "twisted.internet.reactor", "pacs_site.urls"} == set()
