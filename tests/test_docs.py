"""The documents tell the truth: what they name is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "CONFORMANCE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
]


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", [*DOCUMENTS, "LICENSE", ".env.example"])
def test_document_is_there(name: str) -> None:
    assert len(read(name)) > 200


def test_env_example_names_every_variable_and_no_other() -> None:
    asked = set(re.findall(r"""get\("([A-Z_]+)",""", read("pacs_site/env.py")))
    asked |= set(re.findall(r"""values\.get\("([A-Z_]+)",""", read("pacs_site/env.py")))
    named = set(re.findall(r"^#([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    assert named == asked


def test_make_commands_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {t for name in DOCUMENTS for t in re.findall(r"`make ([a-z]+)", read(name))}
    assert named - targets == set()


def test_management_commands_in_the_documents_exist() -> None:
    have = {p.stem for p in ROOT.glob("*/management/commands/*.py")} | {
        "migrate",
        "changepassword",
        "createsuperuser",
        "check",
    }
    named = {c for name in DOCUMENTS for c in re.findall(r"manage\.py ([a-z_]+)", read(name))}
    assert named - have == set()


def resolves(dotted: str) -> bool:
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONFORMANCE.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_names_of_code_in_the_documents_resolve(document: str) -> None:
    dotted = set(re.findall(r"`((?:archive|dicomnet|viewer|pacs_site)\.[\w.]+?)(?:\(\))?`", read(document)))
    assert sorted(name for name in dotted if not resolves(name)) == []


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        (name, target)
        for name in DOCUMENTS
        for target in re.findall(r"\]\(([^)#:]+)\)", read(name))
        if not (ROOT / target).exists()
    ]
    assert dead == []


def test_every_requirement_says_why() -> None:
    for name in ("requirements.in", "requirements-dev.in"):
        for line in read(name).splitlines():
            if line and not line.startswith(("#", "-")):
                assert "#" in line, line
