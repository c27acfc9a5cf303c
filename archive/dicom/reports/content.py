"""Content items of a structured report (PS3.3 C.17.3), one after the other in the order of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from archive.dicom.header import Values
from archive.dicom.tags import tag
from archive.dicom.value_text import seen

MOST: Final = 50_000  # content items of one report
_DEPTH: Final = 60  # nesting; PS3.3 sets none, no template comes near
_POINTS: Final = 2_000  # coordinates kept of one graphic


@dataclass(frozen=True, slots=True)
class Code:
    """A coded entry (PS3.3 8.8): what is read is its meaning."""

    value: str
    scheme: str
    meaning: str

    @property
    def text(self) -> str:
        return self.meaning or self.value

    @property
    def origin(self) -> str:
        """The code and who defined it, as "121071, DCM"."""
        return ", ".join(part for part in (self.value, self.scheme) if part)


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that is referred to, and what of it (PS3.3 C.17.3.1, C.18.3 to C.18.5); empty: all of it."""

    sop_class_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...] = ()
    segments: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()  # multiplex group, channel, one pair after the other
    presentation: tuple[Reference, ...] = ()  # shown with this state, these real world values
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of C.18.1 as it is written, with its unit; without a number ``qualifier`` says why."""

    value: str
    unit: Code | None
    qualifier: Code | None


@dataclass(frozen=True, slots=True)
class Graphic:
    """Coordinates in an image (C.18.6) or in space (C.18.9, ``dimensions`` 3); ``count`` points in all."""

    kind: str
    points: tuple[tuple[float, ...], ...]
    count: int
    dimensions: int
    frame_of_reference: str = ""


@dataclass(frozen=True, slots=True)
class Temporal:
    """When something happens in a waveform (C.18.7): by sample, by second, or by date and time."""

    kind: str
    samples: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    moments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentItem:
    """One content item. ``number`` is its place as a by-reference relationship names it: "1.2.1".

    What is there depends on ``value_type``. An item with ``target`` stands for the item of that number.
    ``text`` is the value as stored for TEXT, DATE, TIME, DATETIME, PNAME and UIDREF.
    """

    number: str
    depth: int
    relationship: str
    value_type: str
    concept: Code | None
    text: str = ""
    code: Code | None = None
    measured: tuple[Measured, ...] = ()
    references: tuple[Reference, ...] = ()
    graphic: Graphic | None = None
    temporal: Temporal | None = None
    target: str = ""
    continuous: bool = False
    template: str = ""
    observed: str = ""
    children: int = 0


_CODE_VALUES: Final = (tag("CodeValue"), tag("LongCodeValue"), tag("URNCodeValue"))
_CONTENT: Final = tag("ContentSequence")
_RELATIONSHIP, _VALUE_TYPE = tag("RelationshipType"), tag("ValueType")
_CONCEPT_NAME, _CONCEPT = tag("ConceptNameCodeSequence"), tag("ConceptCodeSequence")
_TARGET: Final = tag("ReferencedContentItemIdentifier")
_TEMPLATE: Final = tag("ContentTemplateSequence")
_TEMPLATE_ID, _MAPPING = tag("TemplateIdentifier"), tag("MappingResource")
_TEXTS: Final = {
    "TEXT": tag("TextValue"),
    "DATE": tag("Date"),
    "TIME": tag("Time"),
    "DATETIME": tag("DateTime"),
    "PNAME": tag("PersonName"),
    "UIDREF": tag("UID"),
}
_MEASURED: Final = tag("MeasuredValueSequence")
_NUMERIC, _FLOATING = tag("NumericValue"), tag("FloatingPointValue")
_NUMERATOR, _DENOMINATOR = tag("RationalNumeratorValue"), tag("RationalDenominatorValue")
_UNITS, _QUALIFIER = tag("MeasurementUnitsCodeSequence"), tag("NumericValueQualifierCodeSequence")
_REFERENCED: Final = tag("ReferencedSOPSequence")
_MAPPED: Final = tag("ReferencedRealWorldValueMappingInstanceSequence")
_CLASS, _INSTANCE = tag("ReferencedSOPClassUID"), tag("ReferencedSOPInstanceUID")
_FRAMES, _SEGMENTS = tag("ReferencedFrameNumber"), tag("ReferencedSegmentNumber")
_CHANNELS: Final = tag("ReferencedWaveformChannels")
_PURPOSE: Final = tag("PurposeOfReferenceCodeSequence")
_GRAPHIC_TYPE, _GRAPHIC_DATA = tag("GraphicType"), tag("GraphicData")
_FRAME_OF_REFERENCE: Final = tag("ReferencedFrameOfReferenceUID")
_RANGE: Final = tag("TemporalRangeType")
_SAMPLES, _OFFSETS = tag("ReferencedSamplePositions"), tag("ReferencedTimeOffsets")
_MOMENTS: Final = tag("ReferencedDateTime")


def content_items(root: Values) -> Iterator[ContentItem]:
    """The items of a document in reading order, the root (number 1) first; at most ``MOST``."""
    left = MOST
    waiting = [(root, "1", 0)]
    while waiting and left:
        item, number, depth = waiting.pop()
        children = item.items(_CONTENT) if depth < _DEPTH else []
        yield _item(item, number, depth, len(children))
        left -= 1
        numbered = [(child, f"{number}.{place}", depth + 1) for place, child in enumerate(children, 1)]
        waiting.extend(reversed(numbered))


def _item(item: Values, number: str, depth: int, children: int) -> ContentItem:
    kind = seen(item.text(_VALUE_TYPE)).upper()
    target = item.integers(_TARGET)
    return ContentItem(
        number=number,
        depth=depth,
        relationship=seen(item.text(_RELATIONSHIP)),
        value_type=kind,
        concept=code_in(item, _CONCEPT_NAME),
        text=prose(item.text(_TEXTS[kind])) if kind in _TEXTS else "",
        code=code_in(item, _CONCEPT) if kind == "CODE" else None,
        measured=_measured(item) if kind == "NUM" else (),
        references=references_in(item, _REFERENCED) if kind != "CONTAINER" else (),
        graphic=_graphic(item, kind) if kind in {"SCOORD", "SCOORD3D"} else None,
        temporal=_temporal(item) if kind == "TCOORD" else None,
        target=".".join(map(str, target)),
        continuous=item.text(tag("ContinuityOfContent")) == "CONTINUOUS",
        template=template_in(item),
        observed=item.text(tag("ObservationDateTime")),
        children=children,
    )


def prose(text: str) -> str:
    """Text whose lines are meant: line ends are kept, nothing else that is not seen."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(seen(line) for line in lines).strip()


def code_in(item: Values, sequence: int) -> Code | None:
    """The first coded entry of a sequence; its value may be short, long or a URN (PS3.3 table 8.8-1)."""
    for entry in item.items(sequence)[:1]:
        value = (
            entry.text(tag("CodeValue"))
            or entry.text(tag("LongCodeValue"))
            or entry.text(tag("URNCodeValue"))
        )
        scheme, meaning = entry.text(tag("CodingSchemeDesignator")), entry.text(tag("CodeMeaning"))
        if value or meaning:
            return Code(seen(value), seen(scheme), seen(meaning))
    return None


def template_in(item: Values) -> str:
    """The template an item was made by, as "TID 1500 (DCMR)"."""
    for template in item.items(_TEMPLATE)[:1]:
        name, resource = seen(template.text(_TEMPLATE_ID)), seen(template.text(_MAPPING))
        if name:
            return f"TID {name}" + (f" ({resource})" if resource else "")
    return ""


def references_in(item: Values, sequence: int) -> tuple[Reference, ...]:
    """The objects a sequence refers to."""
    return tuple(
        Reference(
            sop_class_uid=entry.uid(_CLASS),
            sop_instance_uid=entry.uid(_INSTANCE),
            frames=tuple(entry.integers(_FRAMES)),
            segments=tuple(entry.integers(_SEGMENTS)),
            channels=tuple(entry.integers(_CHANNELS)),
            presentation=references_in(entry, _REFERENCED) + references_in(entry, _MAPPED),
            purpose=purpose.text if (purpose := code_in(entry, _PURPOSE)) else "",
        )
        for entry in item.items(sequence)
    )


def _measured(item: Values) -> tuple[Measured, ...]:
    """C.18.1: one measured value, or none and a qualifier that says why."""
    qualifier = code_in(item, _QUALIFIER)
    entries = item.items(_MEASURED) or ([item] if _NUMERIC in item else [])
    found = tuple(Measured(_number(entry), code_in(entry, _UNITS), qualifier) for entry in entries)
    return found or (Measured("", None, qualifier),)


def _number(entry: Values) -> str:
    """As written; where that is empty, the floating point or rational value (C.18.1.1)."""
    if written := seen(entry.text(_NUMERIC)):
        return written
    if (floating := entry.decimal(_FLOATING)) is not None:
        return f"{floating:.15g}"
    above, below = entry.integers(_NUMERATOR), entry.integers(_DENOMINATOR)
    return f"{above[0]} / {below[0]}" if above and below else ""


def _graphic(item: Values, kind: str) -> Graphic:
    dimensions = 3 if kind == "SCOORD3D" else 2
    numbers = item.floats(_GRAPHIC_DATA)
    count = len(numbers) // dimensions
    points = [
        tuple(numbers[at : at + dimensions]) for at in range(0, min(count, _POINTS) * dimensions, dimensions)
    ]
    return Graphic(
        seen(item.text(_GRAPHIC_TYPE)), tuple(points), count, dimensions, item.uid(_FRAME_OF_REFERENCE)
    )


def _temporal(item: Values) -> Temporal:
    return Temporal(
        kind=seen(item.text(_RANGE)),
        samples=tuple(item.integers(_SAMPLES)[:_POINTS]),
        seconds=tuple(item.floats(_OFFSETS)[:_POINTS]),
        moments=tuple(map(seen, item.texts(_MOMENTS)[:_POINTS])),
    )
