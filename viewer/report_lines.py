"""A structured report as lines of a page: what each item says, in words, and where its references lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from archive.dicom.reports import ContentItem, Evidence, Graphic, Reference, Report, Temporal
from archive.dicom.value_text import uid_name
from archive.dicom.video import codec_of
from archive.selectors import HeldObject
from viewer.moments import date_words, moment_words, time_words

# PS3.3 table C.17.3-8. That a section contains an item needs no word.
RELATIONSHIPS: Final[dict[str, str | Promise]] = {
    "CONTAINS": "",
    "HAS OBS CONTEXT": gettext_lazy("observed"),
    "HAS ACQ CONTEXT": gettext_lazy("acquired"),
    "HAS CONCEPT MOD": gettext_lazy("more exactly"),
    "HAS PROPERTIES": gettext_lazy("property"),
    "INFERRED FROM": gettext_lazy("inferred from"),
    "SELECTED FROM": gettext_lazy("selected from"),
}
GRAPHICS: Final[dict[str, str | Promise]] = {
    "POINT": gettext_lazy("Point"),
    "MULTIPOINT": gettext_lazy("Points"),
    "POLYLINE": gettext_lazy("Line"),
    "POLYGON": gettext_lazy("Polygon"),
    "CIRCLE": gettext_lazy("Circle"),
    "ELLIPSE": gettext_lazy("Ellipse"),
    "ELLIPSOID": gettext_lazy("Ellipsoid"),
}
_POINTS_SHOWN: Final = 12
_FRAMES_SHOWN: Final = 64
_DEEPEST: Final = 12  # indents there are styles for


@dataclass(frozen=True, slots=True)
class Link:
    """A reference in words. ``address`` is empty for what this archive does not hold."""

    text: str
    address: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A content item on the page. ``heading`` is 2 to 6 for a section, 0 for what stands in one."""

    item: ContentItem
    indent: int
    heading: int
    relationship: str
    concept: str
    concept_code: str
    value: str
    prose: bool
    note: str
    links: tuple[Link, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Named:
    """Objects of one series that the head of a report names."""

    links: tuple[Link, ...]
    missing: int


def report_lines(report: Report, held: Mapping[str, HeldObject]) -> list[Line]:
    """The items below the title, in order."""
    return [_line(item, held) for item in report.items[1:]]


def named_lines(lists: Sequence[Evidence], held: Mapping[str, HeldObject]) -> list[Named]:
    """Evidence and predecessors, series by series: links to what is held, and how many are not."""
    found = []
    for series in lists:
        links = [link for reference in series.references for link in links_of(reference, held)]
        there = tuple(link for link in links if link.address)
        found.append(Named(there, len(links) - len(there)))
    return found


def _line(item: ContentItem, held: Mapping[str, HeldObject]) -> Line:
    container = item.value_type == "CONTAINER"
    value, note = _value(item)
    relationship = RELATIONSHIPS.get(item.relationship, item.relationship)
    concept = item.concept.text if item.concept else ""
    return Line(
        item=item,
        indent=min(item.depth - 1, _DEEPEST),
        heading=min(item.depth + 1, 6) if container else 0,
        relationship=str(relationship),
        concept=concept or (_("Section") if container and not item.target else ""),
        concept_code=item.concept.origin if item.concept else "",
        value=value,
        prose=item.value_type == "TEXT" and (len(value) > 80 or "\n" in value),
        note=note,
        links=tuple(link for reference in item.references for link in links_of(reference, held)),
        target=item.target,
    )


def _value(item: ContentItem) -> tuple[str, str]:
    """The value as it is read, and a note beside it."""
    if item.value_type in _SAID:
        return _SAID[item.value_type](item)
    return item.text, _("Value type {name}").format(name=item.value_type)


def _code(item: ContentItem) -> tuple[str, str]:
    return (item.code.text, item.code.origin) if item.code else ("", "")


def _plain(item: ContentItem) -> tuple[str, str]:
    return item.text, ""


def _graphic(item: ContentItem) -> tuple[str, str]:
    return graphic_words(item.graphic) if item.graphic else ("", "")


def _measured(item: ContentItem) -> tuple[str, str]:
    values, notes = [], []
    for measured in item.measured:
        unit = measured.unit
        shown = "" if unit is None or (unit.value == "1" and unit.scheme == "UCUM") else unit.value
        if unit and unit.scheme != "UCUM":  # a local code says nothing; its meaning does
            shown = unit.text
        values.append(f"{measured.value} {shown}".strip())
        if unit and unit.meaning and unit.meaning != shown:
            notes.append(unit.meaning)
        if measured.qualifier:
            notes.append(measured.qualifier.text)
    return ", ".join(value for value in values if value) or _("no value"), ", ".join(dict.fromkeys(notes))


def graphic_words(graphic: Graphic) -> tuple[str, str]:
    """What kind of graphic, and its coordinates: columns and rows of the image, or millimetres in space."""
    kind = str(GRAPHICS.get(graphic.kind, graphic.kind))
    points = [", ".join(f"{number:.6g}" for number in point) for point in graphic.points[:_POINTS_SHOWN]]
    text = " · ".join(f"({point})" for point in points)
    if graphic.count > _POINTS_SHOWN:
        more = graphic.count - _POINTS_SHOWN
        text += " " + ngettext("and {n} more", "and {n} more", more).format(n=more)
    return f"{kind} {text}".strip(), _("in mm") if graphic.dimensions == 3 else ""


def temporal_words(temporal: Temporal) -> str:
    if temporal.samples:
        found = ", ".join(map(str, temporal.samples[:_POINTS_SHOWN]))
        return _("{kind}: sample {found}").format(kind=temporal.kind, found=found)
    if temporal.seconds:
        found = ", ".join(f"{second:.6g} s" for second in temporal.seconds[:_POINTS_SHOWN])
        return f"{temporal.kind}: {found}"
    return f"{temporal.kind}: " + ", ".join(moment_words(each) for each in temporal.moments[:_POINTS_SHOWN])


def links_of(reference: Reference, held: Mapping[str, HeldObject]) -> list[Link]:
    """Where a reference leads: each frame it names, or the object; with no address what is not held."""
    found = held.get(reference.sop_instance_uid)
    note = _parts(reference, held)
    if found is None:
        name = uid_name(reference.sop_class_uid).removesuffix(" Storage") or _("Object")
        where = reference.sop_instance_uid or _("without a UID")
        return [Link(f"{name} {where}", "", note)]
    name = (
        f"{found.modality} {found.instance_number}" if found.instance_number is not None else found.modality
    )
    if not found.number_of_frames or codec_of(found.transfer_syntax_uid):
        return [Link(name, reverse("object", args=[found.pk]), note)]
    address = reverse("viewer", args=[found.study_id]) + f"?instance={found.pk}"
    if not reference.frames:
        return [Link(name, address, note)]
    frames = [frame for frame in reference.frames if 1 <= frame <= found.number_of_frames]
    links = [
        Link(_("{name}, frame {n}").format(name=name, n=frame), f"{address}&frame={frame}", note)
        for frame in frames[:_FRAMES_SHOWN]
    ]
    if wrong := len(reference.frames) - len(frames):
        text = ngettext("{n} frame the object does not have", "{n} frames the object does not have", wrong)
        links.append(Link(text.format(n=wrong), ""))
    if len(frames) > _FRAMES_SHOWN:
        more = len(frames) - _FRAMES_SHOWN
        text = ngettext("and {n} more frame", "and {n} more frames", more).format(n=more)
        links.append(Link(text, address))
    return links


def _parts(reference: Reference, held: Mapping[str, HeldObject]) -> str:
    """Which part of an object is meant: segments, channels, and the view it is shown with."""
    found = [reference.purpose]
    if reference.segments:
        found.append(_("segment {n}").format(n=", ".join(map(str, reference.segments[:_POINTS_SHOWN]))))
    pairs = zip(reference.channels[::2], reference.channels[1::2], strict=False)
    channels = [f"{group}.{channel}" if channel else f"{group}" for group, channel in pairs]
    if channels:
        found.append(_("channel {n}").format(n=", ".join(channels[:_POINTS_SHOWN])))
    for state in reference.presentation:
        name = uid_name(state.sop_class_uid).removesuffix(" Storage") or _("Object")
        there = state.sop_instance_uid in held
        found.append(
            _("with {name}").format(name=name) if there else _("with {name}, not here").format(name=name)
        )
    return ", ".join(text for text in found if text)


_SAID: Final[dict[str, Callable[[ContentItem], tuple[str, str]]]] = {
    "": _plain,
    "TEXT": _plain,
    "PNAME": _plain,
    "IMAGE": _plain,
    "WAVEFORM": _plain,
    "COMPOSITE": _plain,
    "CODE": _code,
    "NUM": _measured,
    "DATE": lambda item: (date_words(item.text), ""),
    "TIME": lambda item: (time_words(item.text), ""),
    "DATETIME": lambda item: (moment_words(item.text), ""),
    "UIDREF": lambda item: (item.text, uid_name(item.text)),
    "SCOORD": _graphic,
    "SCOORD3D": _graphic,
    "TCOORD": lambda item: (temporal_words(item.temporal) if item.temporal else "", ""),
    "CONTAINER": lambda item: ("", item.template),
}
