"""C-FIND at 200,000 studies against Orthanc at 20,000, both asked over the network by the same peer.

``python -m tests.bench.find [--studies N]``. One association a server; each kind of question in many
variations, drawn from what is there. The time is that from the request to the last response. The bar: no
slower with ten times as many studies. Orthanc gets the newest studies of the same archive, one small image
each; where it is not installed only our own times are printed.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.ingest import ORTHANC, Orthanc
from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import CT, EXPLICIT, Peer, command, pdu, pdv, status_of
from tests.wire.server import Scp, node_insert

OURS, THEIRS = 200_000, 20_000
ROUNDS = 25
STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
Study = dict[str, str]
Keys = dict[int, tuple[bytes, str]]

# What a workstation's list shows; the keys asked by are put over it.
LIST: Keys = {
    0x00080005: (b"CS", "ISO_IR 192"),
    0x00080020: (b"DA", ""),
    0x00080030: (b"TM", ""),
    0x00080050: (b"SH", ""),
    0x00080052: (b"CS", "STUDY"),
    0x00080061: (b"CS", ""),
    0x00081030: (b"LO", ""),
    0x00100010: (b"PN", ""),
    0x00100020: (b"LO", ""),
    0x0020000D: (b"UI", ""),
    0x00201206: (b"IS", ""),
    0x00201208: (b"IS", ""),
}
_COLUMNS = """s.study_instance_uid, s.accession_number, s.study_date, s.study_time, s.modalities,
    s.description, p.patient_id, p.name_alphabetic, p.name_ideographic"""


def kinds() -> dict[str, Callable[[Study, random.Random], dict[int, str]]]:
    """Kinds of question, each a function that draws a variation around a study."""
    return {
        "study UID": lambda study, draw: {0x0020000D: study["study_instance_uid"]},
        "accession number": lambda study, draw: {0x00080050: study["accession_number"]},
        "patient ID": lambda study, draw: {0x00100020: study["patient_id"]},
        "start of a patient ID": lambda study, draw: {0x00100020: study["patient_id"][:5] + "*"},
        "name": lambda study, draw: {0x00100010: study["name_alphabetic"]},
        "start of a name": lambda study, draw: {0x00100010: study["name_alphabetic"][:-1] + "*"},
        "name in hanzi": lambda study, draw: {
            0x00100010: study["name_ideographic"] or study["name_alphabetic"]
        },
        "part of a name": lambda study, draw: {0x00100010: f"*{study['name_alphabetic'][2:]}*"},
        "one day": lambda study, draw: {0x00080020: study["study_date"]},
        "one day, a modality": lambda study, draw: {0x00080020: study["study_date"], 0x00080061: "CT"},
        "ten days, start of a name": lambda study, draw: {
            0x00080020: f"{study['study_date'][:6]}10-{study['study_date'][:6]}19",
            0x00100010: study["name_alphabetic"][:4] + "*",
        },
        "a rare modality": lambda study, draw: {0x00080061: draw.choice(("NM", "OT"))},
    }  # fmt: skip


def identifier(asked: dict[int, str]) -> bytes:
    keys = LIST | {tag: (LIST[tag][0], value) for tag, value in asked.items()}
    data = b""
    for tag, (vr, value) in sorted(keys.items()):
        raw = value.encode()
        raw += (b"\0" if vr == b"UI" else b" ") * (len(raw) % 2)
        data += struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(raw)) + raw
    return data


def ask(peer: Peer, asked: dict[int, str]) -> tuple[float, int]:
    """Milliseconds to the last response, and the number of answers."""
    request = pdu(4, pdv(1, 3, command(x0002=STUDY_ROOT, x0100=0x0020, x0800=1, x1000=None)))
    request += pdu(4, pdv(1, 2, identifier(asked)))
    began, answers = time.perf_counter(), 0
    peer.send(request)
    while (values := peer.read_message()[0])[0x0800] != b"\x01\x01":
        answers += 1
    took = (time.perf_counter() - began) * 1000
    assert status_of(values) == 0, hex(status_of(values))
    return took, answers


def measured(port: int, called: str, studies: list[Study]) -> dict[str, tuple[float, float, int]]:
    """(p50, p95, answers at the median) of each kind of question."""
    found = {}
    with Peer.associated(
        port,
        [(1, STUDY_ROOT, [EXPLICIT])],
        called=called.encode(),
        calling=b"FINDSCU",
        max_length=131072,  # type: ignore[arg-type]
    ) as peer:
        for kind, question in kinds().items():
            draw = random.Random(kind)
            times = [ask(peer, question(draw.choice(studies), draw)) for _ in range(ROUNDS)]
            counts = sorted(count for _, count in times)
            milliseconds = sorted(took for took, _ in times)
            middle, slow = milliseconds[len(times) // 2], milliseconds[int(len(times) * 0.95)]
            found[kind] = (middle, slow, counts[len(counts) // 2])
    return found


def newest(database: Path, count: int) -> list[Study]:
    with sqlite3.connect(database) as opened:
        rows = opened.execute(
            f"SELECT {_COLUMNS} FROM archive_study s JOIN archive_patient p ON p.id = s.patient_id "
            "ORDER BY s.id DESC LIMIT ?",
            [count],
        ).fetchall()
    names = [column.strip().split(".")[1] for column in _COLUMNS.split(",")]
    return [dict(zip(names, row, strict=True)) for row in rows]


@contextmanager
def ours(folder: Path, size: int) -> Iterator[Scp]:
    """Our server on an archive of this size, filled by a process of its own."""
    data = folder / "ours"
    environment = os.environ | {"PACS_DATA_DIR": str(data), "PACS_DEMO": "0", "DATABASE_URL": ""}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    print(f"filling {size:,} studies ...", file=sys.stderr, flush=True)
    subprocess.run(
        [sys.executable, "-m", "tests.bench.find", "--fill", str(size)], env=environment, check=True
    )
    with sqlite3.connect(data / "pacs.sqlite3") as database:
        node_insert(database, "FINDSCU")
    scp = Scp(data)
    try:
        yield scp
    finally:
        scp.stop()


def orthanc_filled(folder: Path, studies: list[Study]) -> Orthanc:
    """Orthanc with one small image for each study."""
    folder.mkdir()
    server = Orthanc(folder)
    print(f"sending {len(studies):,} studies to Orthanc ...", file=sys.stderr, flush=True)
    with Peer.associated(server.port, [(1, CT, [EXPLICIT])], called=b"ORTHANC") as peer:
        for study in studies:
            name = f"{study['name_alphabetic']}={study['name_ideographic']}".rstrip("=")
            ds = ct_slice(
                SpecificCharacterSet="ISO_IR 192",
                StudyInstanceUID=study["study_instance_uid"],
                AccessionNumber=study["accession_number"],
                StudyDate=study["study_date"],
                StudyTime=study["study_time"],
                Modality=study["modalities"].split("\\")[0],
                StudyDescription=study["description"],
                PatientID=study["patient_id"],
                PatientName=name,
            )
            assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0
    return server


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=OURS)
    parser.add_argument("--fill", type=int)
    given = parser.parse_args(arguments or [])
    if given.fill:
        _fill(given.fill)
        return
    with tempfile.TemporaryDirectory(prefix="lightbox-bench-") as name:
        folder = Path(name)
        with ours(folder, given.studies) as scp:
            studies = newest(scp.data_dir / "pacs.sqlite3", THEIRS)
            mine = measured(scp.port, "LIGHTBOX", studies)
        theirs = None
        if ORTHANC is not None:
            orthanc = orthanc_filled(folder / "orthanc", studies)
            try:
                theirs = measured(orthanc.port, "ORTHANC", studies)
            finally:
                orthanc.stop()
    report(given.studies, mine, theirs)


def report(
    size: int,
    mine: dict[str, tuple[float, float, int]],
    theirs: dict[str, tuple[float, float, int]] | None,
) -> None:
    print(f"Milliseconds of a C-FIND for studies, p50 / p95. The bar is Orthanc at {THEIRS:,}.\n")
    print(f"| question | answers | Lightbox, {size:,} | Orthanc, {THEIRS:,} | ratio |")
    print("|---|---:|---:|---:|---:|")
    for kind, (middle, slow, answers) in mine.items():
        cells = [kind, str(answers), f"{middle:.1f} / {slow:.1f}"]
        if theirs is None:
            cells += ["not installed", ""]
        else:
            cells += [f"{theirs[kind][0]:.1f} / {theirs[kind][1]:.1f}", f"{middle / theirs[kind][0]:.2f}"]
        print("| " + " | ".join(cells) + " |")


def _fill(size: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "pacs_site.settings"
    django.setup()
    from django.core.management import call_command

    from tests.bench.archive_of import archive_fill

    call_command("migrate", verbosity=0)
    archive_fill(studies=size)


if __name__ == "__main__":
    main(sys.argv[1:])
