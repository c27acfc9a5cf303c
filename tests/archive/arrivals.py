"""Objects arriving: over the network (bytes without group 2) or as files."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from archive.ingest import Outcome, file_ingest, instance_ingest
from archive.models import Instance, Study
from archive.storage import Origin, stage_open, store
from tests.objects import encoded, part10

SCANNER = Origin("CT1")
IMPORT = Origin("import")


def receive(
    ds: Dataset,
    *,
    syntax: str = ExplicitVRLittleEndian,
    labelled: str = "",
    data: bytes | None = None,
    origin: Origin = SCANNER,
) -> Outcome:
    """The object as a C-STORE would bring it, in pieces; ``labelled`` is the syntax the sender claims."""
    data = encoded(ds, syntax) if data is None else data
    stage = stage_open(
        sop_class_uid=ds.get("SOPClassUID", ""),
        sop_instance_uid=ds.get("SOPInstanceUID", ""),
        transfer_syntax_uid=labelled or syntax,
        source_ae=origin.source,
    )
    for start in range(0, len(data), 500):
        stage.write(data[start : start + 500])
    return instance_ingest(stage=stage, origin=origin)


def take_file(
    folder: Path, data: bytes | Dataset, *, name: str = "a.dcm", origin: Origin = IMPORT
) -> Outcome:
    path = folder / name
    path.write_bytes(part10(data) if isinstance(data, Dataset) else data)
    return file_ingest(path=path, origin=origin)


def stored_bytes(key: str) -> bytes:
    with store().open(key) as file:
        return file.read()


def files_of_store(data_dir: Path) -> list[str]:
    """Every file in the store except the notes on origins, relative to it."""
    root = data_dir / "store"
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.startswith("origins/"))


def study_of(outcome: Outcome) -> Study:
    return Instance.objects.select_related("series__study__patient").get(pk=outcome.instance_id).series.study
