"""Names as they are asked for (PS3.4 C.2.2.2.1 and C.2.2.2.4 leave it to us how).

Case, accents and width never count. A key names one group or several (``Wang*=王*``); each has to agree
with one of the groups of the stored name, whichever: senders disagree about which script goes where.
Components are compared one by one: a star in a component that another follows stays within it, one in
the last reaches to the end of the name. Without ``^`` the key is compared with the group as written,
so ``Wang*`` and ``*ming*`` do what they look like. Hanzi are compared without ``^`` and blanks as well:
王小明 is 王^小明.

Fuzzy (PS3.4 C.2.2.2.1.1): besides, each word of the key may be one of the words by which the archive's
own search finds the person: parts of the name in any order, hanzi by pinyin and initials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from archive.dicom.names import PersonName, fold, has_ideographs, joined_forms, terms
from archive.dicom.wildcards import Pattern, Wild, pattern_of

_SEPARATORS: Final = re.compile(r"[\s^=,;，；、。]+")
_STAR: Final = (Wild.ANY,)


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What one group of a name has to look like: folded patterns, one for each component."""

    components: tuple[Pattern, ...]
    run_together: Pattern | None  # of hanzi: all components as one, blanks gone

    def meets(self, group: str) -> bool:
        """``group`` is folded."""
        if self.run_together is not None and self.run_together.meets(_run_together(group)):
            return True
        *before, last = self.components
        parts = [part.strip() for part in group.split("^")]
        parts += [""] * (len(self.components) - len(parts))
        if not all(pattern.meets(part) for pattern, part in zip(before, parts, strict=False)):
            return False
        return last.meets("^".join(parts[len(before) :]).rstrip("^"))

    def beginnings(self) -> tuple[str, ...]:
        """What the run-together forms of any name that agrees begin with, one of these at least.

        Empty when the key does not say how a name begins.
        """
        first = self.components[0]
        known = [first.prefix]
        if first.is_exact and len(self.components) > 1:
            known.append(self.components[1].prefix)
        forms = joined_forms(known)
        return tuple(dict.fromkeys(forms)) if all(forms) else ()

    def pieces(self) -> Iterator[str]:
        """Texts that occur in any name that agrees, in this order."""
        for component in self.components:
            for text in component.texts():
                if self.run_together is None:
                    yield text
                else:  # a ^ or a blank may stand between any two hanzi
                    yield from (character for character in text if not character.isspace())


@dataclass(frozen=True, slots=True)
class NameKey:
    """A name asked for. ``words`` are those of a fuzzy key; none otherwise."""

    groups: tuple[GroupKey, ...]
    words: tuple[Pattern, ...] = ()

    def meets(self, name: PersonName) -> bool:
        """Whether a stored name is one that is asked for."""
        groups = [_stored(group) for group in name.groups if group]
        if all(any(key.meets(group) for group in groups) for key in self.groups):
            return True
        if not self.words:
            return False
        found = terms(name)
        return all(any(word.meets(term) for term in found) for word in self.words)


# Names are shared by many: folding one costs more than all the rest of a comparison.
_stored: Final = lru_cache(maxsize=50_000)(fold)


def name_key(text: str, *, fuzzy: bool = False) -> NameKey | None:
    """Read the value of a key. None when it asks for every name, as ``*=*`` and ``*^*`` do."""
    text = text.split("\\", 1)[0]
    groups = tuple(found for part in text.split("=")[:3] if (found := _group(part)) is not None)
    if not groups:
        return None
    written = _SEPARATORS.split(text) if fuzzy else []
    words = (pattern_of(word, _folded) for word in written)
    return NameKey(groups, tuple(word for word in words if word.tokens not in ((), _STAR)))


def _group(text: str) -> GroupKey | None:
    written = text.strip().split("^")[:8]
    while len(written) > 1 and not written[-1].strip():
        written.pop()
    components = tuple(_component(component) for component in written)
    if all(component.tokens in ((), _STAR) for component in components):
        return None
    literal = "".join(token for component in components for token in component.texts())
    together = None
    if has_ideographs(literal):
        together = pattern_of("".join(written), lambda piece: _run_together(_folded(piece)))
    return GroupKey(components, together)


def _component(text: str) -> Pattern:
    """Blanks at its ends mean nothing; one beside a wildcard inside does."""
    return pattern_of(" ".join(text.split()), _folded)


def _folded(piece: str) -> str:
    """A piece of a text, folded, with the blanks at its ends."""
    folded = fold(piece)
    if not folded:
        return " " if piece else ""
    return f"{' ' * piece[0].isspace()}{folded}{' ' * piece[-1].isspace()}"


def _run_together(text: str) -> str:
    return "".join(text.replace("^", "").split())
