"""C-FIND as SCU (PS3.4 C.4.1): studies of another archive, as they come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from archive.dicom.charset import encodable
from archive.dicom.reader import Unreadable, read_header
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Field, Tag, cancel_encoded, request_encoded
from dicomnet.dimse.messages import AbortedByPeer, Messages, Released
from dicomnet.dimse.negotiation import Malformed
from dicomnet.dimse.proposing import contexts_numbered
from dicomnet.dimse.wire import PeerGone, Silence
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer
from dicomnet.scu.wired import wired_association
from dicomnet.scu.wired_noting import Noted
from dicomnet.status import Category, category

MOST_STUDIES: Final = 500
MOST_ANSWER_BYTES: Final = 1 << 20
QUICK: Final = Patience(connect=4.0, answer=6.0, network=20.0)
ENDED: Final = (PeerGone, Silence, AbortedByPeer, Released, Malformed)
_NATIVE: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What to look for. Empty ones are not asked. Dates are YYYYMMDD, both ends included."""

    name: str = ""
    patient_id: str = ""
    accession: str = ""
    date_from: str = ""
    date_to: str = ""
    modalities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study as another archive tells of it; texts decoded, nothing of it verified."""

    study_instance_uid: str
    patient_name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    study_time: str = ""
    accession: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    images: int | None = None
    sop_classes: tuple[str, ...] = ()


class Refused(Exception):
    """The node answered with a failure; ``comment`` is what it said."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(f"{status:04X} {comment}".strip())
        self.status = status
        self.comment = comment


@dataclass(slots=True)
class Findings:
    """What was found; ``more`` when there was more than anybody reads."""

    studies: list[FoundStudy]
    more: bool = False


def studies_find(
    *, peer: Peer, criteria: Criteria, calling: str, charset: str = "", patience: Patience = QUICK,
    noted: Noted = nullcontext,
) -> Findings:  # fmt: skip
    """Ask a node for studies. ``charset`` is what it assumes where it names none.

    Raises ``NotAssociated``, also when it breaks off in between, and ``Refused``.
    """
    contexts = contexts_numbered([(StudyRootQueryRetrieveInformationModelFind, list(_NATIVE))])
    findings = Findings([])
    with (
        noted() as entry,
        wired_association(peer, contexts, calling=calling, patience=patience, entry=entry) as wired,
    ):
        context = next(iter(wired.acceptance.accepted.values()), None)
        if context is None:
            raise NotAssociated(Failure.NOTHING_ACCEPTED)
        try:
            seen: set[str] = set()
            for found in _answers(wired.messages, context, criteria, charset):
                if found.study_instance_uid in seen:
                    continue
                seen.add(found.study_instance_uid)
                if not _of_modality(criteria, found):
                    continue
                findings.studies.append(found)
                if len(findings.studies) == MOST_STUDIES:
                    findings.more = True
                    wired.messages.send(context.context_id, cancel_encoded(1))
                    break
        except ENDED as error:
            raise NotAssociated(Failure.CLOSED, f"{type(error).__name__}: {error}") from error
    return findings


def _of_modality(criteria: Criteria, found: FoundStudy) -> bool:
    """An optional key may have been ignored; what a node does not tell is not held against it."""
    wanted, has = set(criteria.modalities), set(found.modalities)
    return not wanted or not has or bool(wanted & has)


def _answers(messages: Messages, context: Answered, criteria: Criteria, charset: str) -> Iterator[FoundStudy]:
    implicit = context.transfer_syntax == ImplicitVRLittleEndian
    for modality in criteria.modalities or ("",):
        # One modality a request: whether a list of them is understood depends on the node.
        identifier = identifier_of(replace(criteria, modalities=(modality,) if modality else ()), charset)
        data = encode(identifier, implicit, True)
        assert data is not None
        command = request_encoded(
            Field.C_FIND_RQ,
            1,
            sop_class_uid=context.abstract_syntax,
            data_set=True,
            more={Tag.PRIORITY: 0},
        )
        messages.send(context.context_id, command, [data])
        while True:
            _, response = messages.message()
            status = response.status or 0
            if response.has_data_set:
                found = study_read(_collected(messages, context), context.transfer_syntax, charset)
                if found is not None and category(status) is Category.PENDING:
                    yield found
            if category(status) is Category.PENDING:
                continue
            if category(status) is Category.FAILURE:
                raise Refused(status, response.error_comment)
            break


def _collected(messages: Messages, context: Answered) -> bytes:
    data = bytearray()

    def take(fragment: memoryview) -> None:
        if len(data) <= MOST_ANSWER_BYTES:
            data.extend(fragment)

    messages.data(context, take)
    return bytes(data)


def identifier_of(criteria: Criteria, charset: str) -> Dataset:
    """The identifier of a study level query (PS3.4 C.6.2.1)."""
    ds = Dataset()
    ds.QueryRetrieveLevel = "STUDY"
    ds.PatientName = name_pattern(criteria.name)
    ds.PatientID = criteria.patient_id
    ds.AccessionNumber = criteria.accession
    ds.StudyDate = date_range(criteria.date_from, criteria.date_to)
    ds.ModalitiesInStudy = criteria.modalities[0] if criteria.modalities else ""
    for keyword in (
        "StudyInstanceUID", "StudyTime", "StudyDescription", "PatientBirthDate", "PatientSex",
        "NumberOfStudyRelatedInstances", "SOPClassesInStudy",
    ):  # fmt: skip
        setattr(ds, keyword, None)
    asked = f"{criteria.name}{criteria.patient_id}{criteria.accession}"
    if not asked.isascii():
        ds.SpecificCharacterSet = charset if charset and encodable(asked, charset) else "ISO_IR 192"
    return ds


def name_pattern(text: str) -> str:
    """What a person typed as a value to match (PS3.4 C.2.2.2.4): words begin the parts of a name, and the
    characters of a hanzi name follow each other wherever its parts are divided."""
    words = text.replace(",", " ").split()
    if not words or any(mark in text for mark in "*?^="):
        return text.strip()
    if text.isascii():
        return "*^".join(words) + "*"
    return "*" + "*".join(character for word in words for character in word) + "*"


def date_range(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def study_read(data: bytes, transfer_syntax_uid: str, charset: str) -> FoundStudy | None:
    """A study of an answer; None for one that cannot be read or has no UID."""
    try:
        header = read_header(io.BytesIO(data), transfer_syntax_uid=transfer_syntax_uid)
    except Unreadable:
        return None
    header.values.default_charset = charset
    uid = header.uid(0x0020000D)
    if not uid:
        return None
    return FoundStudy(
        study_instance_uid=uid,
        patient_name=header.text(0x00100010),
        patient_id=header.text(0x00100020),
        birth_date=header.text(0x00100030),
        sex=header.text(0x00100040),
        study_date=header.text(0x00080020),
        study_time=header.text(0x00080030),
        accession=header.text(0x00080050),
        description=header.text(0x00081030),
        modalities=tuple(filter(None, header.texts(0x00080061))),
        images=header.integer(0x00201208),
        sop_classes=tuple(filter(None, header.texts(0x00080062))),
    )
