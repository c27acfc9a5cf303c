"""Key object selection documents: images somebody pointed out (PS3.3 A.35.4, PS3.16 TID 2010)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from archive.dicom.header import Values
from archive.dicom.made import Made, Subject, code, data_set_begun, made_of
from archive.dicom.presentation.records import Reference
from archive.dicom.reader import read_whole
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag
from archive.dicom.values import clip

KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
# Titles a person can choose (PS3.16 CID 7010); those that reject images are for devices that mean it.
TITLES: Final = {
    "113000": "Of Interest",
    "113002": "For Referring Provider",
    "113003": "For Surgery",
    "113004": "For Teaching",
    "113005": "For Conference",
    "113006": "For Therapy",
    "113007": "For Patient",
    "113008": "For Peer Review",
    "113009": "For Research",
    "113013": "Best In Set",
}
_SERIES_NUMBER: Final = 9002
_SERIES_DESCRIPTION: Final = "Key objects"
_DESCRIPTION: Final = ("113012", "DCM", "Key Object Description")
_OBSERVER: Final = ("121008", "DCM", "Person Observer Name")
_MOST: Final = 50_000
_REFERRING: Final = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})


class KeyObjectsUnreadable(Exception):
    """The object is no key object selection, or points at nothing: a slug, and a detail for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class KeyObjects:
    """Which images, why (a code and its meaning as written), and who chose them."""

    sop_instance_uid: str
    title: str
    title_meaning: str
    references: tuple[Reference, ...]
    description: str = ""
    observer: str = ""
    created: str = ""  # YYYYMMDDHHMMSS, as far as it is known


def key_objects_read(file: BinaryIO) -> KeyObjects:
    """The selection in a file. Raises ``KeyObjectsUnreadable``: ``broken``, ``not-key-objects``,
    ``no-references``.
    """
    try:
        _, values = read_whole(file)
    except Unreadable as error:
        raise KeyObjectsUnreadable("broken", f"{error.code}: {error.detail}") from None
    if values.uid(tag("SOPClassUID")) != KEY_OBJECTS:
        raise KeyObjectsUnreadable("not-key-objects", values.uid(tag("SOPClassUID")))
    content = values.items(tag("ContentSequence"))
    references = _content_references(content) or _evidence(values)
    if not references:
        raise KeyObjectsUnreadable("no-references", "it points at no object")
    title = next(iter(values.items(tag("ConceptNameCodeSequence"))), None)
    return KeyObjects(
        sop_instance_uid=values.uid(tag("SOPInstanceUID")),
        title=clip(title.text(tag("CodeValue")), 16) if title else "",
        title_meaning=clip(title.text(tag("CodeMeaning")), 64) if title else "",
        references=references,
        description=_content_text(content, _DESCRIPTION[0], "TextValue"),
        observer=_content_text(content, _OBSERVER[0], "PersonName"),
        created=_created(values),
    )


def _content_references(content: Iterable[Values]) -> tuple[Reference, ...]:
    """Of the content items: they point at single frames, which the evidence does not."""
    return tuple(
        reference
        for item in content
        if item.text(tag("ValueType")).upper() in _REFERRING
        for reference in _objects(item)
    )[:_MOST]


def _evidence(values: Values) -> tuple[Reference, ...]:
    """Current Requested Procedure Evidence Sequence, where the content does not say it better."""
    return tuple(
        reference
        for study in values.items(tag("CurrentRequestedProcedureEvidenceSequence"))
        for series in study.items(tag("ReferencedSeriesSequence"))
        for reference in _objects(series)
    )[:_MOST]


def _objects(item: Values) -> list[Reference]:
    found = []
    for one in item.items(tag("ReferencedSOPSequence")):
        uid = one.uid(tag("ReferencedSOPInstanceUID"))
        if uid:
            frames = tuple(one.integers(tag("ReferencedFrameNumber")))
            found.append(Reference(uid, frames, one.uid(tag("ReferencedSOPClassUID"))))
    return found


def _content_text(content: Iterable[Values], concept: str, keyword: str) -> str:
    for item in content:
        names = item.items(tag("ConceptNameCodeSequence"))
        if names and names[0].text(tag("CodeValue")) == concept:
            return clip(item.text(tag(keyword)), 1024)
    return ""


def _created(values: Values) -> str:
    day = values.text(tag("ContentDate"))
    whole = day + values.text(tag("ContentTime")).partition(".")[0]
    return whole[:14] if len(day) == 8 and whole.isascii() and whole.isdigit() else ""


def key_objects_written(selection: KeyObjects, subject: Subject, *, now: datetime) -> Made:
    """The document, with UIDs of its own in a series of its own. References carry class and series."""
    ds = data_set_begun(
        subject,
        sop_class_uid=KEY_OBJECTS,
        modality="KO",
        series_number=_SERIES_NUMBER,
        description=_SERIES_DESCRIPTION,
        now=now,
    )
    ds.ContentDate, ds.ContentTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    ds.ReferencedPerformedProcedureStepSequence = Items([])
    evidence = Dataset()
    evidence.StudyInstanceUID = subject.study_instance_uid
    evidence.ReferencedSeriesSequence = Items(_series(selection.references))
    ds.CurrentRequestedProcedureEvidenceSequence = Items([evidence])
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Items([code(selection.title, "DCM", selection.title_meaning)])
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    ds.ContentTemplateSequence = Items([template])
    ds.ContentSequence = Items(_content(selection))
    return made_of(ds)


def _content(selection: KeyObjects) -> list[Dataset]:
    items = []
    if selection.observer:
        observer = _item("HAS OBS CONTEXT", "PNAME", _OBSERVER)
        observer.PersonName = selection.observer
        items.append(observer)
    if selection.description:
        words = _item("CONTAINS", "TEXT", _DESCRIPTION)
        words.TextValue = clip(selection.description, 1024)
        items.append(words)
    for reference in selection.references:
        image = _item("CONTAINS", "IMAGE", None)
        image.ReferencedSOPSequence = Items([_object(reference, frames=True)])
        items.append(image)
    return items


def _item(relationship: str, value_type: str, concept: tuple[str, str, str] | None) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = relationship, value_type
    if concept is not None:
        item.ConceptNameCodeSequence = Items([code(*concept)])
    return item


def _object(reference: Reference, *, frames: bool) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if frames and reference.frames:
        item.ReferencedFrameNumber = list(reference.frames)
    return item


def _series(references: Iterable[Reference]) -> list[Dataset]:
    by_series: dict[str, dict[str, Reference]] = defaultdict(dict)
    for one in references:
        by_series[one.series_instance_uid][one.sop_instance_uid] = one
    found = []
    for uid, objects in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedSOPSequence = Items([_object(one, frames=False) for one in objects.values()])
        found.append(item)
    return found
