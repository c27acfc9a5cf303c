"""A report as a document (PS3.3 C.17.2): its head, who answers for it, what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archive.dicom.header import Values
from archive.dicom.reports.content import (
    Code,
    ContentItem,
    Reference,
    code_in,
    content_items,
    prose,
    references_in,
    template_in,
)
from archive.dicom.tags import tag
from archive.dicom.tree import Tree
from archive.dicom.value_text import seen


@dataclass(frozen=True, slots=True)
class Observer:
    """Who wrote or verified it: a person (``name`` as stored, PS3.5 6.2.1) or a device."""

    name: str
    organization: str
    moment: str = ""
    device: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Objects of one series that are named in a list of the head."""

    study_instance_uid: str
    series_instance_uid: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report. ``items`` are in reading order; dates and flags as stored; ``complete``: none is cut off."""

    title: Code | None
    template: str
    completion: str
    completion_reason: str
    verification: str
    preliminary: str
    content_date: str
    content_time: str
    verifiers: tuple[Observer, ...]
    authors: tuple[Observer, ...]
    requests: tuple[str, ...]
    procedures: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    other_evidence: tuple[Evidence, ...]
    predecessors: tuple[Evidence, ...]
    items: tuple[ContentItem, ...]
    complete: bool

    def uids(self) -> set[str]:
        """Every SOP Instance UID that is referred to anywhere."""
        found = [reference for item in self.items for reference in item.references]
        for lists in (self.evidence, self.other_evidence, self.predecessors):
            found += [reference for series in lists for reference in series.references]
        found += [state for reference in found for state in reference.presentation]
        return {reference.sop_instance_uid for reference in found} - {""}


_CONTENT, _VALUE_TYPE = tag("ContentSequence"), tag("ValueType")
_SERIES, _SOP = tag("ReferencedSeriesSequence"), tag("ReferencedSOPSequence")
_STUDY_UID, _SERIES_UID = tag("StudyInstanceUID"), tag("SeriesInstanceUID")
_PROCEDURE: Final = tag("RequestedProcedureDescription")
_ACCESSION: Final = tag("AccessionNumber")


def is_report(values: Values) -> bool:
    """Whether there is a content tree, whatever the object is called."""
    return _CONTENT in values and _VALUE_TYPE in values


def report_of(tree: Tree) -> Report:
    """The report in a data set; of one that is none, what there is of it. Never raises."""
    top = tree.values
    return Report(
        title=code_in(top, tag("ConceptNameCodeSequence")),
        template=template_in(top),
        completion=seen(top.text(tag("CompletionFlag"))),
        completion_reason=prose(top.text(tag("CompletionFlagDescription"))),
        verification=seen(top.text(tag("VerificationFlag"))),
        preliminary=seen(top.text(tag("PreliminaryFlag"))),
        content_date=seen(top.text(tag("ContentDate"))),
        content_time=seen(top.text(tag("ContentTime"))),
        verifiers=tuple(_verifier(item) for item in top.items(tag("VerifyingObserverSequence"))),
        authors=tuple(
            _author(item)
            for sequence in ("AuthorObserverSequence", "ParticipantSequence")
            for item in top.items(tag(sequence))
        ),
        requests=_requests(top, _ACCESSION),
        procedures=_requests(top, _PROCEDURE),
        evidence=_evidence(top, "CurrentRequestedProcedureEvidenceSequence"),
        other_evidence=_evidence(top, "PertinentOtherEvidenceSequence"),
        predecessors=_evidence(top, "PredecessorDocumentsSequence"),
        items=tuple(content_items(top)),
        complete=tree.complete,
    )


def _verifier(item: Values) -> Observer:
    return Observer(
        seen(item.text(tag("VerifyingObserverName"))),
        seen(item.text(tag("VerifyingOrganization"))),
        seen(item.text(tag("VerificationDateTime"))),
    )


def _author(item: Values) -> Observer:
    """C.17.2.5: a person has a name, a device a station, a maker or a UID."""
    moment = seen(item.text(tag("ParticipationDateTime")))
    institution = seen(item.text(tag("InstitutionName")))
    if name := seen(item.text(tag("PersonName"))):
        return Observer(name, institution, moment)
    parts = ("StationName", "Manufacturer", "ManufacturerModelName", "DeviceUID")
    named = [text for text in (seen(item.text(tag(part))) for part in parts) if text]
    return Observer(" ".join(named[:3]), institution, moment, device=True)


def _requests(top: Values, wanted: int) -> tuple[str, ...]:
    found = [seen(item.text(wanted)) for item in top.items(tag("ReferencedRequestSequence"))]
    return tuple(dict.fromkeys(text for text in found if text))


def _evidence(top: Values, sequence: str) -> tuple[Evidence, ...]:
    """The Hierarchical SOP Instance Reference Macro (PS3.3 C.17.2.1)."""
    return tuple(
        Evidence(study.uid(_STUDY_UID), series.uid(_SERIES_UID), references_in(series, _SOP))
        for study in top.items(tag(sequence))
        for series in study.items(_SERIES)
    )
