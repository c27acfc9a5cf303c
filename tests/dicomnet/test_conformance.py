"""CONFORMANCE.md is what the code offers, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from dicomnet import contexts
from dicomnet.conformance.claims import claims, name_of
from dicomnet.conformance.prose import SERVICES
from dicomnet.conformance.statement import statement
from dicomnet.contexts import STORAGE_CLASSES, Service
from dicomnet.management.commands import conformance
from dicomnet.scp import operations
from dicomnet.scp.operations import small_request

DOCUMENT = Path(__file__).resolve().parents[2] / "CONFORMANCE.md"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"


def test_the_committed_document_is_what_the_code_offers() -> None:
    assert DOCUMENT.read_text() == statement(), "run manage.py conformance"
    call_command("conformance", check=True)


def test_a_document_that_says_something_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "CONFORMANCE.md"
    document.write_text(statement().replace("| A700 |", "| A701 |"))
    monkeypatch.setattr(conformance, "DOCUMENT", document)
    with pytest.raises(CommandError, match="not what the code offers"):
        call_command("conformance", check=True)
    call_command("conformance")
    assert document.read_text() == statement()


def test_every_service_has_its_words() -> None:
    assert set(SERVICES) == set(Service)
    for prose in SERVICES.values():
        for code, name, when in prose.statuses:
            assert re.fullmatch(r"[0-9A-F]{4}", code)
            assert name
            assert when


def test_a_service_is_claimed_when_it_has_both_classes_and_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {claim.service for claim in claims()}
    assert {Service.ECHO, Service.STORE} <= before
    # Without its operations, classes alone are no claim; with both, the statement names it by itself.
    without = {key: begin for key, begin in operations._OPERATIONS.items() if key[1] is not Service.FIND}
    monkeypatch.setattr(contexts, "_SERVICE_CLASSES", {**contexts._SERVICE_CLASSES, FIND: Service.FIND})
    monkeypatch.setattr(operations, "_OPERATIONS", without)
    assert Service.FIND not in {claim.service for claim in claims()}
    answering = {**without, (0x0020, Service.FIND): small_request(lambda *_: None)}
    monkeypatch.setattr(operations, "_OPERATIONS", answering)
    (claim,) = [claim for claim in claims() if claim.service is Service.FIND]
    assert FIND in claim.classes
    assert claim.operations == ("C-FIND",)
    assert claim.extended == bytes([1, 1, 1, 0, 0, 0])
    text = statement()
    assert "Query SCP (PS3.4 C.4.1)" in text
    assert "1 (relational queries); 1 (combined date and time); 1 (fuzzy semantic matching of names)" in text


def test_every_storage_class_stands_there_once() -> None:
    text = statement()
    for uid in STORAGE_CLASSES:
        assert len(re.findall(rf"\| {re.escape(uid)} \| Storage \|", text)) == 1


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.1.2", "Implicit VR Little Endian"),
        ("1.2.840.10008.1.2.2", "Explicit VR Big Endian (retired)"),
        ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_names_are_the_standard_s(uid: str, name: str) -> None:
    assert name_of(uid) == name
