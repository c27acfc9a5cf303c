"""Builders of synthetic DICOM objects. Append small functions; keep names of the standard."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid


def ct_slice(**changes: Any) -> Dataset:
    """A small CT image (16 x 16, 16 bit signed, a ramp); ``changes`` set attributes, None removes."""
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID = generate_uid()
    ds.SeriesInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID = "Doe^Jane", "P1"
    ds.PatientBirthDate, ds.PatientSex = "19700101", "F"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20261123", "024700", "A1"
    ds.StudyDescription, ds.SeriesDescription = "Chest", "Soft 5.0"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 2, 1
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 1
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.WindowCenter, ds.WindowWidth = 40, 400
    ds.PixelSpacing = [0.7, 0.7]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [0, 0, 0]
    ds.PixelData = np.arange(256, dtype="<i2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def part10(ds: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a DICOM file (PS3.10 7.1)."""
    ds = Dataset(ds)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = transfer_syntax_uid
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dataset_bytes(ds: Dataset, *, implicit: bool = False, big_endian: bool = False) -> bytes:
    """The data set alone, as it goes over the wire."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, not big_endian
    write_dataset(buffer, Dataset(ds))
    return bytes(buffer.getvalue())


def encoded(ds: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """The data set alone, as it travels over the network: without group 2, whatever it lacks."""
    syntax = UID(transfer_syntax_uid)
    buffer = io.BytesIO()
    Dataset(ds).save_as(buffer, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    if not syntax.is_deflated:
        return buffer.getvalue()
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # PS3.5 A.5: a raw stream, of even length
    data = deflate.compress(buffer.getvalue()) + deflate.flush()
    return data + bytes(len(data) % 2)


def presentation_state(*images: Dataset, **changes: Any) -> Dataset:
    """A small Grayscale Softcopy Presentation State of these images; ``changes`` as for ``ct_slice``."""
    first = images[0]
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.11.1", generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = first.StudyInstanceUID, generate_uid()
    ds.PatientName, ds.PatientID = first.PatientName, first.PatientID
    ds.PatientBirthDate, ds.PatientSex = first.PatientBirthDate, first.PatientSex
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "PR", 90, 1
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = "LABEL", "", "Wang^Fang"
    ds.PresentationCreationDate, ds.PresentationCreationTime = "20261123", "081500"
    by_series: dict[str, list[Dataset]] = {}
    for image in images:
        by_series.setdefault(image.SeriesInstanceUID, []).append(image)
    ds.ReferencedSeriesSequence = [
        item(SeriesInstanceUID=uid, ReferencedImageSequence=[referenced(one) for one in found])
        for uid, found in by_series.items()
    ]
    corners = {"DisplayedAreaTopLeftHandCorner": [1, 1]}
    corners["DisplayedAreaBottomRightHandCorner"] = [first.Columns, first.Rows]
    ds.DisplayedAreaSelectionSequence = [
        item(PresentationSizeMode="SCALE TO FIT", PresentationPixelAspectRatio=[1, 1], **corners)
    ]
    ds.PresentationLUTShape = "IDENTITY"
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def referenced(image: Dataset, *frames: int) -> Dataset:
    """An item that refers to an image, or to frames of it."""
    found = item(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID)
    if frames:
        found.ReferencedFrameNumber = list(frames)
    return found


def item(**values: Any) -> Dataset:
    """Attributes by keyword, as an item of a sequence."""
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds
