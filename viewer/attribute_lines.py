"""Which attributes of an object a search shows, and how each is told from what surrounds it."""

from __future__ import annotations

from collections.abc import Sequence

from archive.dicom.attributes_listed import Attribute


def lines_found(lines: Sequence[Attribute], words: str) -> list[Attribute]:
    """The lines in which every word is found, each below the sequences and items it lies in.

    A word is looked for in tag (with or without its punctuation), name, VR and value; case does not matter.
    """
    wanted = [word.casefold() for word in words.split()]
    if not wanted:
        return list(lines)
    found: list[Attribute] = []
    above: list[tuple[Attribute, bool]] = []  # what the line lies in, and whether it is in ``found``
    for line in lines:
        while above and not _holds(above[-1][0], line):
            above.pop()
        hit = not line.item and all(word in _text(line) for word in wanted)
        if hit:
            for place, (each, shown) in enumerate(above):
                if not shown:
                    found.append(each)
                    above[place] = (each, True)
            found.append(line)
        if line.items is not None or line.item:
            above.append((line, hit))
    return found


def _holds(outer: Attribute, inner: Attribute) -> bool:
    """A sequence holds the items one deeper, an item the attributes of its own depth."""
    if outer.item:
        return inner.depth > outer.depth or (inner.depth == outer.depth and not inner.item)
    return inner.depth > outer.depth


def _text(line: Attribute) -> str:
    tag = line.tag_text
    return f"{tag} {tag[1:5]}{tag[6:10]} {line.vr} {line.name} {line.value}".casefold()
