"""Person names (PS3.5 6.2.1): three groups, and the many ways in which one person is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from pypinyin import lazy_pinyin

from archive.dicom.surnames import COMPOUND_SURNAMES, SURNAME_READINGS

_TERM_LENGTH: Final = 128
_TERMS: Final = 96
_WORDS: Final = re.compile(r"[\s^=,;/\\·・．.()（）\[\]<>\"]+")
_JOINERS: Final = re.compile(r"['\-]")
_QUOTES: Final = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-"}
)
# Letters that Unicode does not take apart into a base and an accent.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n"}
)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A PN value: alphabetic, ideographic and phonetic group, each ``family^given^middle^prefix^suffix``."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""

    @classmethod
    def parse(cls, text: str) -> PersonName:
        """The groups of ``A=I=P``; only the first of several values, a fourth group is dropped."""
        groups = [_tidy(group) for group in text.split("\\", 1)[0].split("=")[:3]]
        return cls(*groups)

    @property
    def groups(self) -> tuple[str, str, str]:
        return self.alphabetic, self.ideographic, self.phonetic

    def display(self, script: str = "alphabetic") -> str:
        """One line for people: ``ideographic`` or ``alphabetic`` first choice, else what there is.

        Hanzi run together (张小东), everything else as ``Family, Given Middle``.
        """
        first, second = self.alphabetic, self.ideographic
        if script == "ideographic":
            first, second = second, first
        chosen = first or second or self.phonetic
        parts = [" ".join(part.split()) for part in chosen.split("^")]
        family, given, middle, prefix, suffix = (parts + [""] * 5)[:5]
        if has_ideographs(chosen) or _has_hangul(chosen):
            return "".join((family, given, middle))
        rest = " ".join(part for part in (prefix, given, middle, suffix) if part)
        return ", ".join(part for part in (family, rest) if part)

    def __str__(self) -> str:
        return "=".join(self.groups).rstrip("=")


def _tidy(group: str) -> str:
    components = [" ".join(component.split()) for component in group.split("^")]
    return "^".join(components).rstrip("^")


def fold(text: str) -> str:
    """What is equal to everybody who searches: case, accents, width and compatibility forms gone.

    Hanzi, kana and hangul stay as they are.
    """
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    if not text.isascii():
        apart = unicodedata.normalize("NFD", text.casefold().translate(_LETTERS))
        text = unicodedata.normalize("NFC", "".join(ch for ch in apart if not "\u0300" <= ch <= "\u036f"))
        text = text.translate(_QUOTES)
    return " ".join(text.casefold().split())


def _is_ideograph(ch: str) -> bool:
    return "\u3400" <= ch <= "\u9fff" or "\U00020000" <= ch <= "\U0003ffff" or "\uf900" <= ch <= "\ufaff"


def has_ideographs(text: str) -> bool:
    return any(_is_ideograph(ch) for ch in text)


def _has_hangul(text: str) -> bool:
    return any("\uac00" <= ch <= "\ud7af" for ch in text)


def terms(name: PersonName) -> frozenset[str]:
    """The folded words by which a person is found.

    Each component of each group, the components run together, initials; for hanzi also the pinyin
    of whole, family and given name and its initials, with the readings that surnames have.
    """
    found: set[str] = set()
    for group in name.groups:
        if not group:
            continue
        if has_ideographs(group):
            found |= _ideographic_terms(group)
        else:
            found |= _alphabetic_terms(group)
    wanted = {term[:_TERM_LENGTH] for term in found if term}
    # However many there are, those that tell how the name begins are among them: queries count on it.
    whole = {form[:_TERM_LENGTH] for group in name.groups for form in joined_forms(group.split("^")) if form}
    return frozenset([*sorted(wanted & whole), *sorted(wanted - whole)][:_TERMS])


def joined_forms(components: Iterable[str]) -> tuple[str, str]:
    """The first two components run together, as the terms of a name hold them: of a name in Latin letters
    without blanks, hyphens and the like; of one in hanzi without blanks."""
    folded = [fold(component) for component in components][:2]
    latin = "".join(_JOINERS.sub("", _WORDS.sub("", component)) for component in folded)
    return latin, "".join(component.replace(" ", "") for component in folded)


def _alphabetic_terms(group: str) -> set[str]:
    raw = [component for component in unicodedata.normalize("NFC", group).split("^")[:5] if component.strip()]
    found: set[str] = set()
    for spelling in _spellings(raw):
        components = [fold(component) for component in spelling]
        words = [word for component in components for word in _WORDS.split(component) if word]
        for word in words:
            found |= {word, _JOINERS.sub("", word), *_JOINERS.split(word)}
        names = [_JOINERS.sub("", _WORDS.sub("", component)) for component in components[:2]]
        found |= {"".join(names), "".join(reversed(names))}
        found.add("".join(word[0] for word in words))
    return found


def _spellings(components: list[str]) -> Iterable[list[str]]:
    """ü is typed as u, v or yu in pinyin (吕 Lü: lu, lv, lyu) and as ue in German."""
    yield components
    if any(ch in component for component in components for ch in "üÜ"):
        for letters in ("v", "yu", "ue"):
            yield [component.replace("ü", letters).replace("Ü", letters) for component in components]


def _ideographic_terms(group: str) -> set[str]:
    components = [fold(component).replace(" ", "") for component in group.split("^")[:3]]
    whole = "".join(components)
    family, given = components[0], "".join(components[1:])
    if not given:
        family, given = split_hanzi(family)
    found = {whole, family, given}
    for reading in _family_readings(family):
        given_syllables = _pinyin(given)
        for syllables in {(*reading, *given_syllables), *_umlauts((*reading, *given_syllables))}:
            first, last = syllables[: len(reading)], syllables[len(reading) :]
            found |= {"".join(syllables), "".join(first), "".join(last), "".join(last + first)}
            found |= {_initials(syllables), _initials(last), *last}
    return found


def _initials(syllables: Iterable[str]) -> str:
    return "".join(syllable[0] for syllable in syllables if syllable)


def split_hanzi(name: str) -> tuple[str, str]:
    """Family and given name of hanzi written in one: a compound surname, else the first character."""
    if len(name) > 2 and name[:2] in COMPOUND_SURNAMES:
        return name[:2], name[2:]
    return (name[:1], name[1:]) if 2 <= len(name) <= 4 else (name, "")


def _family_readings(family: str) -> set[tuple[str, ...]]:
    """As a surname is read (曾 Zeng), and as the character is read elsewhere (ceng): both get typed."""
    readings = {_pinyin(family)}
    if family in SURNAME_READINGS:
        readings.add(SURNAME_READINGS[family])
    return readings


def _pinyin(text: str) -> tuple[str, ...]:
    """Toneless syllables, ü as v; characters without a reading fall out."""
    return tuple(lazy_pinyin(text, errors="ignore")) if text else ()


def _umlauts(syllables: tuple[str, ...]) -> set[tuple[str, ...]]:
    if not any("v" in syllable for syllable in syllables):
        return set()
    return {tuple(s.replace("v", letters) for s in syllables) for letters in ("u", "yu")}


class _Person(Protocol):
    """What ``person_conflict`` looks at: an ``extract.PatientRecord``."""

    @property
    def name(self) -> PersonName: ...
    @property
    def birth_date(self) -> str: ...
    @property
    def sex(self) -> str: ...


def person_conflict(a: _Person, b: _Person) -> bool:
    """Whether two records under one Patient ID cannot be one person.

    So it is when both have a birth date and they differ, when one is male and one female, or when
    both have names and no way of writing the one agrees with a way of writing the other.
    """
    if a.birth_date and b.birth_date and not _dates_agree(a.birth_date, b.birth_date):
        return True
    if {a.sex, b.sex} == {"M", "F"}:
        return True
    ours, theirs = _writings(a.name), _writings(b.name)
    return bool(ours) and bool(theirs) and ours.isdisjoint(theirs)


def _dates_agree(a: str, b: str) -> bool:
    """A partial date (1970, 19700000) agrees with the dates it leaves open."""
    a, b = (re.sub(r"(0000|00)$", "", date) if len(date) == 8 else date for date in (a, b))
    return a.startswith(b) or b.startswith(a)


def _writings(name: PersonName) -> set[str]:
    """Forms that can be compared across groups, order of components and spaces set aside."""
    found: set[str] = set()
    for group in name.groups:
        components = [fold(component) for component in group.split("^")[:3]]
        words = [_JOINERS.sub("", w) for component in components for w in _WORDS.split(component) if w]
        if not words:
            continue
        found |= {"".join(words), "".join(sorted(words))}
        if has_ideographs(group):
            family = components[0] if len(words) > 1 else split_hanzi(words[0])[0]
            given = "".join(words)[len(family) :]
            found |= {
                "".join((*reading, *_pinyin(given))).replace("v", "u") for reading in _family_readings(family)
            }
    return found
