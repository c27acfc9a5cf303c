"""The files that ship inside the pydicom package: odd and old objects, one of each identity."""

from __future__ import annotations

from pathlib import Path

import pydicom.data

from archive.dicom.extract import extract
from archive.dicom.reader import Unreadable, read_header


def samples() -> tuple[dict[str, Path], int]:
    """Local files by SOP Instance UID, the first of each, and how many are left out.

    Nothing is downloaded: only what was installed with the package is looked at. Left out is what no
    archive could identify, and what has no study date: the list would show it above today's studies.
    """
    folder = Path(pydicom.data.__file__).parent / "test_files"
    found: dict[str, Path] = {}
    refused = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in {".txt", ".json", ".dump", ".gz", ".icc", ".py", ".zip"}:
            continue
        try:
            record = extract(read_header(path))
        except Unreadable:
            refused += 1
            continue
        if not record.study.study_date:
            refused += 1
            continue
        found.setdefault(record.sop_instance_uid, path)
    return found, refused
