"""Queries of other machines: from the bytes of an identifier to the bytes of the answers.

The identifier is read in the character set it names, else in the one that is set for the node. Answers are
plain ASCII where they can be; otherwise they come in the set the peer asked with if that holds every
value, else in the node's if that does, else in UTF-8 (PS3.4 C.4.1.1.3.2, PS3.5 6.1.2.3).
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientStudyOnlyQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from archive.dicom import charset
from archive.dicom.attributes import Level
from archive.dicom.encoding import DEFLATED
from archive.dicom.header import Header, Values
from archive.dicom.identifier import (
    PATIENT_ROOT,
    PATIENT_STUDY_ONLY,
    STUDY_ROOT,
    Mode,
    Query,
    query_read,
)
from archive.dicom.reader import message_inflated, read_header
from archive.dicom.tags import tag
from archive.dicom.writing import data_set_encoded
from archive.finding import Answer, entities_find
from dicomnet.contexts import Answered
from dicomnet.models import AENode

MODELS: Final[Mapping[str, Sequence[Level]]] = {
    str(PatientRootQueryRetrieveInformationModelFind): PATIENT_ROOT,
    str(StudyRootQueryRetrieveInformationModelFind): STUDY_ROOT,
    str(PatientStudyOnlyQueryRetrieveInformationModelFind): PATIENT_STUDY_ONLY,
}
AVAILABILITY: Final = "ONLINE"  # what is in the index is on disk (PS3.3 C.4.23.1.1)
_LEVEL, _RETRIEVE_AE_TITLE = tag("QueryRetrieveLevel"), tag("RetrieveAETitle")


@dataclass(frozen=True, slots=True)
class Question:
    """A query with what its answers need: character sets in order of preference, transfer syntax."""

    query: Query
    charsets: tuple[str, ...]
    transfer_syntax: str


def question_read(*, identifier: bytes, context: Answered, node: AENode | None) -> Question:
    """Read the identifier of a C-FIND.

    Raises ``archive.dicom.identifier.Mismatch`` (and its kind ``Unclear``) or ``Unreadable``.
    """
    default = node.default_charset if node is not None else ""
    header = identifier_read(identifier, transfer_syntax=context.transfer_syntax, default_charset=default)
    query = query_read(header, levels=MODELS[context.abstract_syntax], mode=_mode(context, node))
    return Question(query, charsets_preferred(header.charsets, default), context.transfer_syntax)


def charsets_preferred(asked: Sequence[str], default: str) -> tuple[str, ...]:
    """The character sets for answers, the best first: that of the query, the node's, UTF-8."""
    preferred = (charset.defined(asked or [""]), charset.defined(default.split("\\")))
    usable = tuple(dict.fromkeys(found for found in preferred if found))
    return (*usable, charset.UTF_8)


def identifier_read(identifier: bytes, *, transfer_syntax: str, default_charset: str) -> Header:
    """The elements of a data set that came over the network. Raises ``Unreadable``."""
    if transfer_syntax in DEFLATED:
        identifier, transfer_syntax = message_inflated(identifier), str(ExplicitVRLittleEndian)
    header = read_header(io.BytesIO(identifier), transfer_syntax_uid=transfer_syntax)
    header.values = Values(
        header.values.elements, [], big_endian=header.big_endian, default_charset=default_charset
    )
    return header


def _mode(context: Answered, node: AENode | None) -> Mode:
    """What was agreed on in the extended negotiation (PS3.4 C.5.1.1), and what is set for the node."""
    agreed = (context.extended or b"").ljust(3, b"\0")
    fuzzy = bool(agreed[2]) or (node is not None and node.fuzzy_names)
    return Mode(relational=bool(agreed[0]), combined=bool(agreed[1]), fuzzy=fuzzy)


def answers_find(question: Question) -> Generator[list[bytes], None, None]:
    """The encoded identifiers of all answers, in pages; empty ones while nothing is found.

    Raises ``DatabaseError`` while it runs.
    """
    query, title = question.query, settings.PACS_AE_TITLE
    same: Answer = dict.fromkeys(query.unsupported, "")
    same |= {_LEVEL: query.level.value, _RETRIEVE_AE_TITLE: title}
    for page in entities_find(query=query, said={"ae_title": title, "availability": AVAILABILITY}):
        yield [_encoded(same | answer, question) for answer in page]


def _encoded(answer: Answer, question: Question) -> bytes:
    return data_set_encoded(
        answer,
        transfer_syntax_uid=question.transfer_syntax,
        charsets=charset_for(answer, question.charsets),
    )


def charset_for(answer: Mapping[int, Any], charsets: Sequence[str]) -> str:
    """The first of the character sets that holds every value; empty when all are plain ASCII.

    The last one, UTF-8, holds everything.
    """
    texts = [text for text in _texts(answer) if not text.isascii()]
    if not texts:
        return ""
    return next((one for one in charsets if all(_encodable(text, one) for text in texts)), charsets[-1])


def _texts(answer: Mapping[int, Any]) -> Iterator[str]:
    for value in answer.values():
        if isinstance(value, str):
            yield value
        else:
            for item in value:
                yield from _texts(item)


@lru_cache(maxsize=4096)
def _encodable(text: str, charsets: str) -> bool:
    return charsets == charset.UTF_8 or charset.encodable(text, charsets)
