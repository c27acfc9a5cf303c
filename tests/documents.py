"""Builders of what is not an image: reports, waveforms, documents, videos."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, generate_uid

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
ECG_12_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
CDA = "1.2.840.10008.5.1.4.1.1.104.2"
VIDEO_ENDOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
H264 = "1.2.840.10008.1.2.4.102"


def plain(sop_class_uid: str, modality: str, **changes: Any) -> Dataset:
    """An object without pixels; ``changes`` set attributes."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = UID(sop_class_uid), generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID = "Doe^Jane", "P1"
    ds.StudyDate, ds.StudyTime, ds.Modality = "20261123", "024700", modality
    ds.SeriesNumber, ds.InstanceNumber = 9, 1
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def code(value: str, scheme: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def content(value_type: str, concept: str = "", relationship: str = "CONTAINS", **changes: Any) -> Dataset:
    """A content item (PS3.3 C.17.3)."""
    item = Dataset()
    item.RelationshipType = relationship
    if value_type:
        item.ValueType = value_type
    if concept:
        item.ConceptNameCodeSequence = code("1", "99TEST", concept)
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def reference(sop_instance_uid: str, **changes: Any) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = sop_instance_uid
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def number(value: str, unit: Sequence | None = None) -> Sequence:
    item = Dataset()
    item.NumericValue = value
    if unit is not None:
        item.MeasurementUnitsCodeSequence = unit
    return Sequence([item])


def report(*items: Dataset, **changes: Any) -> Dataset:
    """A report whose tree holds ``items``."""
    ds = plain(BASIC_TEXT_SR, "SR", CompletionFlag="COMPLETE", VerificationFlag="UNVERIFIED")
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = code("18782-3", "LN", "Radiology Report")
    ds.ContentSequence = Sequence(items)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def channel(label: str, sensitivity: str = "1", unit: str = "mV", **changes: Any) -> Dataset:
    item = Dataset()
    item.ChannelLabel = label
    item.ChannelSensitivity, item.ChannelSensitivityUnitsSequence = sensitivity, code(unit, "UCUM", unit)
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def group(
    samples: np.ndarray[Any, Any], channels: list[Dataset], interpretation: str = "SS", **changes: Any
) -> Dataset:
    """A multiplex group of ``samples`` (sample, channel)."""
    item = Dataset()
    item.WaveformOriginality, item.SamplingFrequency = "ORIGINAL", "100"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = samples.shape[1], samples.shape[0]
    item.ChannelDefinitionSequence = Sequence(channels)
    item.WaveformBitsAllocated = samples.dtype.itemsize * 8
    item.WaveformSampleInterpretation = interpretation
    item.WaveformData = samples.tobytes() + b"\0" * (samples.nbytes % 2)
    item["WaveformData"].VR = "OW" if samples.dtype.itemsize > 1 else "OB"
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def waveform(*groups: Dataset, **changes: Any) -> Dataset:
    return plain(ECG_12_LEAD, "ECG", WaveformSequence=Sequence(groups), **changes)


def wrapped(data: bytes, media_type: str, sop_class_uid: str = PDF, **changes: Any) -> Dataset:
    """A document inside an object (PS3.3 C.24)."""
    padded = data + b"\0" * (len(data) % 2)
    return plain(
        sop_class_uid,
        "DOC",
        MIMETypeOfEncapsulatedDocument=media_type,
        EncapsulatedDocument=padded,
        EncapsulatedDocumentLength=len(data),
        **changes,
    )


def video(stream: bytes, **changes: Any) -> Dataset:
    """A video in one frame's worth of encapsulated pixel data; write it with H264."""
    ds = plain(VIDEO_ENDOSCOPIC, "ES", NumberOfFrames=25, Rows=240, Columns=320, SamplesPerPixel=3)
    ds.PhotometricInterpretation, ds.BitsAllocated, ds.BitsStored = "YBR_PARTIAL_420", 8, 8
    ds.HighBit, ds.PixelRepresentation, ds.PlanarConfiguration = 7, 0, 0
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].is_undefined_length = True
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds
