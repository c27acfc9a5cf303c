"""Data sets around pixels: what all demonstration objects have in common, and how they are written."""

from __future__ import annotations

import datetime
import io
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from archive.demonstration.cast import Part, Series, Study
from archive.dicom import charset
from archive.dicom.tags import tag
from archive.dicom.values import derived_uid

Built = Iterator[tuple[Series, int, Dataset, str]]  # of what series, its number, itself, transfer syntax
_INSTITUTION: Final = "Lightbox Demonstration Hospital"


def data_set(
    study: Study, series: Series, number: int, sop_class_uid: str, today: datetime.date, **more: Any
) -> Dataset:
    """Patient, study, series and object; ``more`` attributes by keyword."""
    ds = Dataset()
    taken = (today - datetime.timedelta(days=study.days_ago)).strftime("%Y%m%d")
    patient = study.patient
    if patient.charset:
        ds.SpecificCharacterSet = patient.charset.split("\\")
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, study.sop_instance_uid(series, number)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = taken
    ds.StudyTime, ds.SeriesTime = study.time, study.time
    ds.ContentTime = ds.AcquisitionTime = _later(study.time, series.number * 40 + number)
    ds.AccessionNumber, ds.StudyID = study.accession, study.accession[-3:]
    ds.Modality, ds.Manufacturer = series.modality, "Lightbox"
    ds.InstitutionName, ds.StationName = _INSTITUTION, study.station
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex = patient.patient_id, patient.birth_date, patient.sex
    ds.StudyInstanceUID = study.study_instance_uid
    ds.SeriesInstanceUID = study.series_instance_uid(series)
    ds.FrameOfReferenceUID = derived_uid("demonstration", f"{study.key}/frame")
    ds.SeriesNumber, ds.InstanceNumber = series.number, number
    ds.SeriesDescription, ds.BodyPartExamined = series.description, series.body_part
    if series.laterality:
        ds.Laterality = ds.ImageLaterality = series.laterality
    for keyword, text in (
        ("PatientName", patient.name),
        ("StudyDescription", study.description),
        ("ReferringPhysicianName", study.referring),
    ):
        _set_text(ds, keyword, text, patient.charset)
    ds.update(attributes(**more))
    return ds


def attributes(**values: Any) -> Dataset:
    """Attributes by keyword."""
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def seed_of(part: Part, number: int = 0) -> int:
    """The seed of everything random in an object."""
    return zlib.crc32(f"{part.study.key}/{part.builder}/{number}".encode())


def _later(time: str, seconds: int) -> str:
    start = datetime.datetime.strptime(time, "%H%M%S").replace(tzinfo=datetime.UTC)
    return (start + datetime.timedelta(seconds=seconds)).strftime("%H%M%S")


def _set_text(ds: Dataset, keyword: str, text: str, terms: str) -> None:
    """Encoded here: pydicom does not write the escapes of ISO 2022 IR 58."""
    where = tag(keyword)
    raw = charset.encode(text, terms)
    raw += b" " * (len(raw) % 2)
    vr = "PN" if keyword.endswith("Name") else "LO"
    ds[Tag(where)] = RawDataElement(Tag(where), vr, len(raw), raw, 0, False, True)


def set_pixels(
    ds: Dataset,
    pixels: npt.NDArray[Any],
    bits: int = 12,
    *,
    photometric: str = "MONOCHROME2",
    signed: bool = False,
) -> None:
    """Native grey pixels, 16 bits allocated."""
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = np.ascontiguousarray(pixels, dtype="<i2" if signed else "<u2").tobytes()


def set_frames(ds: Dataset, frames: list[bytes], ratio: float) -> None:
    """Encapsulated frames, one fragment each, with an offset table (PS3.5 A.4)."""
    ds.PixelData = encapsulate(frames, has_bot=True)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    if ratio:
        ds.LossyImageCompression = "01"
        ds.LossyImageCompressionRatio = f"{ratio:.1f}"
        ds.LossyImageCompressionMethod = "ISO_10918_1"


def written(ds: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """The object as a file (PS3.10 7.1)."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
