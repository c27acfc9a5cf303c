"""Texts with ``*`` and ``?`` (PS3.4 C.2.2.2.4): any characters, or none; any one character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Wild(Enum):
    ANY = "*"
    ONE = "?"


_TOKENS = re.compile(r"[*?]|[^*?]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Literal texts and wildcards in turn. DICOM knows no escape: a text never holds a wildcard."""

    tokens: tuple[str | Wild, ...]

    @property
    def is_exact(self) -> bool:
        return not any(isinstance(token, Wild) for token in self.tokens)

    @property
    def prefix(self) -> str:
        """The text before the first wildcard: all of an exact pattern."""
        return self.tokens[0] if self.tokens and isinstance(self.tokens[0], str) else ""

    @property
    def is_prefix(self) -> bool:
        """Whether it asks for a beginning and nothing else."""
        return len(self.tokens) == 2 and bool(self.prefix) and self.tokens[1] is Wild.ANY

    def texts(self) -> Iterator[str]:
        """The literal texts, in order."""
        return (token for token in self.tokens if isinstance(token, str))

    def meets(self, text: str) -> bool:
        if self.is_exact:
            return text == self.prefix
        return _compile(self.tokens).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compile(tokens: tuple[str | Wild, ...]) -> re.Pattern[str]:
    """The fixed pieces between the stars as a regular expression.

    A piece in the middle is taken where it first fits and never elsewhere: that finds a match whenever
    there is one, in time that does not explode.
    """
    pieces = [""]
    for token in tokens:
        if token is Wild.ANY:
            pieces.append("")
        else:
            pieces[-1] += "." if token is Wild.ONE else re.escape(str(token))
    first, *others = pieces
    *middle, last = others or [""]
    found = first + "".join(f"(?>.*?{piece})" for piece in middle)
    return re.compile(found + (f".*{last}" if others else ""), re.DOTALL)


def pattern_of(text: str, fold: Callable[[str], str] = str) -> Pattern:
    """The pattern that a key's text is; ``fold`` is applied to its literal pieces."""
    tokens: list[str | Wild] = []
    for token in _TOKENS.findall(text):
        if token == "*":  # noqa: S105  a wildcard
            if not tokens or tokens[-1] is not Wild.ANY:
                tokens.append(Wild.ANY)
        elif token == "?":  # noqa: S105  a wildcard
            tokens.append(Wild.ONE)
        elif folded := fold(token):
            tokens.append(folded)
    return Pattern(tuple(tokens))


def exactly(text: str) -> Pattern:
    """A text in which nothing is a wildcard."""
    return Pattern((text,))
