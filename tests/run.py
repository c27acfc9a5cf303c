"""`make test`: every kind of test, one after the other, and a table at the end.

``python -m tests.run [check|pure|db|postgresql|wire|browser|torture ...]``; without a name, all but
torture. Exit status 1 when a test failed or a kind ran no test: a kind that did not run is no success.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MOST_SECONDS = 1500  # for one kind; what takes longer hangs
SLOWEST = 10
# Tests that wait for other processes keep half a machine busy: two files at a time, each with its own sites.
TWO_FILES = ("-n", "2", "--dist", "loadfile")
PACKAGES = {  # program -> Debian package
    "storescu": "dcmtk",
    "Orthanc": "orthanc",
    "mkfs.ext4": "e2fsprogs",
    "strace": "strace",
    "chromium": "chromium",
    "xgettext": "gettext",
}


@dataclass(frozen=True, slots=True)
class Result:
    kind: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    ok: bool


def _has_postgresql() -> bool:
    return bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))) or bool(shutil.which("initdb"))


def install_peers() -> None:
    """Install the peers where apt is there and we may; else the tests say what lacks."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({p for program, p in PACKAGES.items() if not shutil.which(program, path=path)})
    if not list(Path("/usr/share/fonts").rglob("NotoSansCJK*")):
        missing.append("fonts-noto-cjk")  # pages in Chinese are looked at
    if not _has_postgresql():
        missing.append("postgresql")
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Missing for the tests: {', '.join(missing)}. Install them with your package manager.")
        return
    print(f"Installing {', '.join(missing)} ...", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
    subprocess.run(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=False, **quiet
    )


def pytest_run(kind: str, *arguments: str, program: list[str] | None = None) -> Result:
    """Run pytest for one kind and count what ran from its report."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"lightbox-{kind}-") as folder:
        report = Path(folder) / "report.xml"
        environment = {**os.environ, "PACS_TEST_DIR": folder}
        command = [
            *(program or [str(BIN / "python"), "-m", "pytest"]),
            *arguments,
            *["-q", "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "junit_family=xunit2"],
        ]
        print(f"\n== {kind}: {' '.join(arguments)}", flush=True)
        status = _status(
            command, environment, seconds=10 * MOST_SECONDS if kind == "torture" else MOST_SECONDS
        )
        passed = failed = skipped = 0
        if report.exists():
            root = ET.parse(report).getroot()
            for suite in root.iter("testsuite"):
                failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped += int(suite.get("skipped", 0))
                passed += int(suite.get("tests", 0))
            passed -= failed + skipped
            _slowest_print(kind, root)
    seconds = time.monotonic() - started
    return Result(kind, passed, failed, skipped, seconds, status == 0 and passed > 0 and failed == 0)


def _slowest_print(kind: str, report: ET.Element) -> None:
    """The tests that took longest, with what was set up for them: where the suite's time goes."""
    cases = [
        (float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
        for case in report.iter("testcase")
    ]
    print(f"\nThe slowest of {kind}:")
    for seconds, name in sorted(cases, reverse=True)[:SLOWEST]:
        print(f"{seconds:8.1f} s  {name}")


def _status(command: list[str], environment: dict[str, str], seconds: float) -> int:
    """The exit status; a run that does not end, as with a thread that keeps it, is ended and failed."""
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        print(f"Not over after {seconds:.0f} seconds: ended.", flush=True)
        return 1


def check() -> Result:
    """Lint, format, types, layers, docs."""
    started = time.monotonic()
    steps = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "--quiet", "."],
        ["mypy", "pacs_site", "viewer", "dicomnet", "archive"],
        ["lint-imports", "--no-cache"],
        ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
        [
            "python",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/test_layers.py",
            "tests/test_docs.py",
        ],
    ]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="lightbox-check-") as folder:
        environment = {**os.environ, "PACS_DATA_DIR": folder, "PACS_TEST_DIR": folder, "DATABASE_URL": ""}
        for program, *arguments in steps:
            print(f"\n== check: {program} {' '.join(arguments)}", flush=True)
            done = subprocess.run([str(BIN / program), *arguments], cwd=ROOT, env=environment, check=False)
            passed, failed = passed + (done.returncode == 0), failed + (done.returncode != 0)
    return Result("check", passed, failed, 0, time.monotonic() - started, failed == 0)


def _postgresql() -> Result:
    return pytest_run("postgresql", "-n", "2", program=[str(BIN / "python"), "-m", "tests.postgresql"])


KINDS = {
    "check": check,
    "pure": lambda: pytest_run("pure", "tests/pure", "-n", "2"),
    "db": lambda: pytest_run("db", "tests/archive", "tests/dicomnet", "tests/viewer", "-n", "2"),
    "postgresql": _postgresql,
    "wire": lambda: pytest_run("wire", "tests/wire", *TWO_FILES),
    "browser": lambda: pytest_run("browser", "tests/browser", *TWO_FILES),
    "torture": lambda: pytest_run("torture", "tests/torture", "--timeout=7200"),
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        print(f"No such kind of test: {', '.join(unknown)}. There are {', '.join(KINDS)}.", file=sys.stderr)
        return 2
    install_peers()
    results = [KINDS[name]() for name in names or [kind for kind in KINDS if kind != "torture"]]
    print(f"\n{'kind':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for r in results:
        verdict = "" if r.ok else "  did not run" if not r.passed and not r.failed else "  FAILED"
        print(f"{r.kind:<12}{r.passed:>8}{r.failed:>8}{r.skipped:>9}{r.seconds:>9.0f}{verdict}")
    broken = sum(not r.ok for r in results)
    print(f"\n{sum(r.passed for r in results)} passed, {sum(r.failed for r in results) or broken} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
