"""Queries of the modality worklist (PS3.4 K.6.1): from an identifier to the items that agree, as bytes.

Any attribute of an item can be matched, those of Table K.6-1 and the others. Days and times of day
combine into one range whenever both are asked for (K.6.1.2.2, remark on Scheduled Procedure Step Start
Time): July 5 to 7, 10 to 18 o'clock is from the 5th at 10 to the 7th at 18.

What a device cannot read is written for it: names in the form and texts in the character set that are set
for its node. A text that the set does not hold is spelt in Latin letters; nothing arrives as question marks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.db.models import QuerySet
from pydicom.datadict import keyword_for_tag

from archive.dicom import charset
from archive.dicom.attributes import Attribute, KeyType, Level
from archive.dicom.header import Values
from archive.dicom.identifier import Unclear
from archive.dicom.latin import name_in_latin, text_in_latin
from archive.dicom.matching import (
    BadKey,
    Match,
    Moments,
    Numbers,
    Open,
    Span,
    Texts,
    is_range,
    match_of,
    moments_of,
)
from archive.dicom.name_keys import NameKey
from archive.dicom.names import PersonName
from archive.dicom.reader import read_message
from archive.dicom.tags import dictionary_vr, tag
from archive.dicom.writing import data_set_encoded
from dicomnet.contexts import Answered
from dicomnet.models import AENode, ScheduledStep
from dicomnet.querying import charset_for, charsets_preferred
from dicomnet.worklist_items import STEPS, Item, NameForm, item_of, names_written

_ROWS: Final = 200  # read at once; between two pages nothing is open in the database
_STATION: Final = tag("ScheduledStationAETitle")
_DATE, _TIME = tag("ScheduledProcedureStepStartDate"), tag("ScheduledProcedureStepStartTime")
# They say how the others are to be read, or belong to other queries.
_CONTEXT: Final = frozenset(map(tag, ("SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveLevel")))
_SEVERAL: Final = frozenset({b"AE", b"CS", b"LO", b"SH", b"UI", b"PN"})  # VRs whose values are a list here


@dataclass(slots=True)
class Keys:
    """The keys of a data set, or of the one item of a sequence: tag to match, or to nothing (return it)."""

    matches: dict[int, Match | None] = field(default_factory=dict)
    items: dict[int, Keys] = field(default_factory=dict)  # an empty one wants whole items

    def meets(self, item: Item, shown: Item) -> bool:
        """Whether an item agrees, as it is kept or as it is shown to the device."""
        for key, match in self.matches.items():
            if match is None or key not in item:
                continue  # a key that is not supported does not narrow (C.2.2.1.3)
            if not any(_agrees(key, match, one) for one in (item, shown)):
                return False
        for key, inner in self.items.items():
            kept, seen = item.get(key), shown.get(key)
            if not isinstance(kept, list) or not isinstance(seen, list) or not inner.narrows:
                continue
            if not any(inner.meets(one, other) for one, other in zip(kept, seen, strict=True)):
                return False
        return True

    @property
    def narrows(self) -> bool:
        return any(self.matches.values()) or any(inner.narrows for inner in self.items.values())

    def chosen(self, item: Item) -> Item:
        """Of an item what was asked for; what it does not have is empty."""
        if not self.matches and not self.items:
            return item
        found: Item = {key: item.get(key, "") for key in self.matches}
        for key, inner in self.items.items():
            value = item.get(key, [])
            found[key] = [inner.chosen(one) for one in value] if isinstance(value, list) else ""
        return found

    def supported(self, item: Item) -> bool:
        """Whether everything that was asked for is something an item has."""
        if not all(key in item for key in (*self.matches, *self.items)):
            return False
        for key, inner in self.items.items():
            values = item[key]
            if isinstance(values, list) and values and not inner.supported(values[0]):
                return False
        return True


def _agrees(key: int, match: Match, item: Item) -> bool:
    text = item[key]
    if not isinstance(text, str):
        return True
    if isinstance(match, Moments):
        day, moment = text, item.get(match.time.tag, "")
        return isinstance(moment, str) and _within(match.span, day + moment)
    if key == _STATION and not text:
        return True  # planned for any station
    values = text.split("\\") if dictionary_vr(key) in _SEVERAL else [text]
    return any(_value_agrees(key, match, value) for value in values)


def _value_agrees(key: int, match: Match, text: str) -> bool:
    if isinstance(match, NameKey):
        return match.meets(PersonName.parse(text))
    if isinstance(match, Texts):
        return match.meets(text.upper() if dictionary_vr(key) == b"CS" else text)
    if isinstance(match, Numbers):
        return text.isdecimal() and int(text) in match.numbers
    if isinstance(match, Span):
        return _within(match, text)
    return True


def _within(span: Span, text: str) -> bool:
    return bool(text) and span.first <= text and (not span.behind or text < span.behind)


@dataclass(frozen=True, slots=True)
class Wish:
    """A worklist query, and for whom its answers are written."""

    keys: Keys
    transfer_syntax: str
    charsets: tuple[str, ...]  # in order of preference
    fixed_charset: bool  # the device reads the first of them and no other
    form: str
    calling: str
    own_only: bool


def wish_read(*, identifier: bytes, context: Answered, node: AENode | None, calling: str) -> Wish:
    """Read the identifier of a worklist C-FIND.

    Raises ``archive.dicom.identifier.Unclear`` or ``archive.dicom.reader.Unreadable``.
    """
    default = node.default_charset if node is not None else ""
    found = read_message(identifier, transfer_syntax_uid=context.transfer_syntax, default_charset=default)
    fuzzy = bool((context.extended or b"").ljust(3, b"\0")[2]) or (node is not None and node.fuzzy_names)
    form = node.worklist_name_form if node is not None else NameForm.KEPT
    own = charset.defined(node.worklist_charset.split("\\")) if node is not None else ""
    latin_only = form == NameForm.LATIN and not own
    return Wish(
        keys=_keys_read(found, fuzzy=fuzzy),
        transfer_syntax=context.transfer_syntax,
        charsets=("",) if latin_only else (own,) if own else charsets_preferred(found.charsets, default),
        fixed_charset=latin_only or bool(own),
        form=form,
        calling=calling,
        own_only=node is not None and node.worklist_own_only,
    )


def _keys_read(found: Values, *, fuzzy: bool) -> Keys:
    keys = Keys()
    for key, value in sorted(found.elements.items()):
        if key in _CONTEXT or key >> 16 < 0x0008 or not key & 0xFFFF:
            continue
        if isinstance(value, list) or dictionary_vr(key) == b"SQ":
            items = found.items(key)
            keys.items[key] = _keys_read(items[0], fuzzy=fuzzy) if items else Keys()
        else:
            keys.matches[key] = _match(key, found.text(key), fuzzy=fuzzy)
    day, time = keys.matches.get(_DATE), keys.matches.get(_TIME)
    if isinstance(day, Span) and isinstance(time, Span) and is_range(found.text(_TIME)):
        keys.matches[_DATE] = moments_of(day, _attribute(_TIME), time)
        keys.matches[_TIME] = None
    return keys


def _match(key: int, text: str, *, fuzzy: bool) -> Match | None:
    attribute = _attribute(key)
    try:
        match = match_of(attribute, text, fuzzy=fuzzy)
    except BadKey as error:
        raise Unclear(key, f"{attribute.keyword} {error.comment}") from None
    return None if isinstance(match, Open) else match


def _attribute(key: int) -> Attribute:
    """A key of the worklist, which has one level only."""
    vr = dictionary_vr(key).decode()
    return Attribute(keyword_for_tag(key) or f"{key:08X}", key, Level.STUDY, vr, KeyType.OPTIONAL, "")


def answers_worklist(wish: Wish) -> Iterator[list[tuple[bytes, bool]]]:
    """The items that agree, in order of time, in pages: each encoded, and whether every key is supported.

    Raises ``DatabaseError`` while it runs.
    """
    steps = _narrowed(wish)
    ids = list(steps.order_by("start_date", "start_time", "id").values_list("id", flat=True))
    for start in range(0, len(ids), _ROWS):
        rows = ScheduledStep.objects.in_bulk(ids[start : start + _ROWS])
        page = (rows[pk] for pk in ids[start : start + _ROWS] if pk in rows)
        yield [answer for step in page if (answer := _answer(step, wish)) is not None]


def _narrowed(wish: Wish) -> QuerySet[ScheduledStep]:
    """What the database can tell quickly: items that are on the list, of the days asked for."""
    steps = ScheduledStep.objects.filter(state__in=ScheduledStep.OPEN)
    inner = wish.keys.items.get(STEPS)
    match = inner.matches.get(_DATE) if inner is not None else None
    span = match.span if isinstance(match, Moments) else match
    if isinstance(span, Span):
        first, last = (f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else "" for day in span.days)
        steps = steps.filter(start_date__gte=first) if first else steps
        steps = steps.filter(start_date__lte=last) if last else steps
    return steps


def _answer(step: ScheduledStep, wish: Wish) -> tuple[bytes, bool] | None:
    if wish.own_only and step.stations and wish.calling not in step.stations:
        return None
    item = item_of(step)
    shown = names_written(item, wish.form)
    if not wish.keys.meets(item, shown):
        return None
    if not step.stations:  # the key is of type 1: for any station is for the one that asks
        for part in shown[STEPS]:
            assert not isinstance(part, str)
            part[_STATION] = wish.calling
    chosen = wish.keys.chosen(shown)
    if wish.fixed_charset:
        chosen = written_in(chosen, wish.charsets[0])
    charsets = charset_for(chosen, wish.charsets)
    encoded = data_set_encoded(chosen, transfer_syntax_uid=wish.transfer_syntax, charsets=charsets)
    return encoded, wish.keys.supported(item)


def written_in(item: Item, charsets: str) -> Item:
    """The item with every text in letters that the character set holds; empty stands for ASCII."""
    written: Item = {}
    for key, value in item.items():
        if isinstance(value, list):
            written[key] = [written_in(one, charsets) for one in value]
        elif _held(value, charsets):
            written[key] = value
        elif dictionary_vr(key) == b"PN":
            latin = value.split("=")[0]
            written[key] = (
                latin if latin and _held(latin, charsets) else name_in_latin(PersonName.parse(value))
            )
        else:
            written[key] = text_in_latin(value)
    return written


def _held(text: str, charsets: str) -> bool:
    return text.isascii() or (bool(charsets) and charset.encodable(text, charsets))
