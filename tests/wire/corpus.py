"""Real files as a sender has them: SOP class, UID, transfer syntax and the bytes of the data set."""

from __future__ import annotations

import csv
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.wire.peer import CT, EXPLICIT, IMPLICIT

_UID = re.compile(r"[0-9.]{1,64}")
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}


@dataclass(frozen=True, slots=True)
class Sendable:
    name: str
    sop_class: str
    uid: str
    syntax: str
    data: bytes


def dataset_offset(content: bytes) -> int:
    """Where group 2 ends. A file that is not what it should be is sent from where it makes any sense."""
    if content[128:132] != b"DICM":
        return 0
    offset = 132
    while content[offset : offset + 2] == b"\x02\x00" and offset + 12 <= len(content):
        vr = content[offset + 4 : offset + 6]
        head, length = (12, "<L") if vr in _LONG else (8, "<H")
        (size,) = struct.unpack_from(length, content, offset + head - struct.calcsize(length))
        if offset + head + size > len(content):
            break
        offset += head + size
    return offset


def sendable(path: Path, *, sop_class: str = "", uid: str = "", syntax: str = "") -> Sendable:
    content = path.read_bytes()
    offset = dataset_offset(content)
    return Sendable(
        path.name,
        sop_class if _UID.fullmatch(sop_class) else CT,
        uid or f"1.2.3.{abs(hash(path.name))}",
        syntax if _UID.fullmatch(syntax) else EXPLICIT if offset else IMPLICIT,
        content[offset:],
    )


def folder(root: Path, *names: str) -> Iterator[Sendable]:
    """The files of these folders of the corpus."""
    with (root / "dicom" / "manifest.csv").open(newline="") as manifest:
        for row in csv.DictReader(manifest):
            if not names or row["file"].split("/")[0] in names:
                yield sendable(
                    root / "dicom" / row["file"],
                    sop_class=row["sop_class_uid"],
                    uid=row["sop_instance_uid"],
                    syntax=row["transfer_syntax_uid"],
                )
