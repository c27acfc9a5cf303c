"""A whole data set with its sequences, for objects that are read, not looked at: reports, waveforms."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import BinaryIO, Final

from archive.dicom.elements import Item, read_data_set
from archive.dicom.header import Values
from archive.dicom.reader import object_open
from archive.dicom.source import Unreadable

KEPT: Final = 64 << 20  # bytes of one value: a day of a Holter's three channels
_DEPTH: Final = 100  # sequences within sequences; a report of more is cut there
_ITEMS: Final = 100_000  # of one sequence


@dataclass(frozen=True, slots=True)
class Tree:
    """``complete``: false when the object breaks off, or cannot be followed to its end."""

    values: Values
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    complete: bool


def read_tree(file: BinaryIO) -> Tree:
    """The data set with all its sequences. Raises ``Unreadable`` when not even its start can be read.

    Values beyond ``KEPT`` are not there, sequences nested deeper than a hundred are empty.
    """
    opened = object_open(file, keep_bytes=KEPT, depth=_DEPTH)
    elements: Item = {}
    complete = False
    with contextlib.suppress(Unreadable):
        implicit = opened.header.implicit
        read_data_set(opened.cursor, opened.start, opened.end, implicit, _ITEMS, into=elements)
        complete = True
    values = Values(elements, [], big_endian=opened.header.big_endian)
    meta = opened.header.meta
    return Tree(
        values,
        values.uid(0x00080016) or meta.uid(0x00020002),
        values.uid(0x00080018) or meta.uid(0x00020003),
        opened.header.transfer_syntax_uid,
        complete,
    )
