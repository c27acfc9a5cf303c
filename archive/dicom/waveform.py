"""Waveforms (PS3.3 C.10.9): multiplex groups, their channels, values in units, annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.dicom.companding import A_LAW, MU_LAW
from archive.dicom.header import Values
from archive.dicom.reports.content import Code, Temporal, code_in, prose
from archive.dicom.tags import tag
from archive.dicom.tree import Tree
from archive.dicom.value_text import seen

Array = npt.NDArray[Any]

# C.10.9.1.5: how a sample is encoded, in how many bits.
_SAMPLES: Final = {
    "SB": "i1",
    "UB": "u1",
    "MB": "u1",
    "AB": "u1",
    "SS": "i2",
    "US": "u2",
    "SL": "i4",
    "UL": "u4",
    "SV": "i8",
    "UV": "u8",
}
_CHANNELS: Final = 512
_ANNOTATIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel. A value is ``sample * sensitivity * correction + baseline`` in ``unit`` (C.10.9.1.4.5).

    Without a sensitivity the samples are numbers without a unit. ``skew`` is in seconds.
    """

    label: str
    source: Code | None
    unit: Code | None
    sensitivity: float
    correction: float
    baseline: float
    skew: float
    calibrated: bool
    low_hz: float | None
    high_hz: float | None
    notch_hz: float | None

    @property
    def name(self) -> str:
        return self.label or (self.source.text if self.source else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Channels sampled together. ``samples`` has a row a channel, as stored, companding undone; ``padding`` a
    row of the same shape that is true where no sample was taken.

    ``problem`` is a slug when there are no samples to draw; ``complete`` is false when some are missing.
    """

    label: str
    originality: str
    frequency: float
    offset_seconds: float
    interpretation: str
    channels: tuple[Channel, ...]
    samples: Array
    padding: Array
    complete: bool
    problem: str = ""

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.frequency if self.frequency > 0 else 0.0

    def values(self, channel: int, start: int = 0, stop: int | None = None) -> Array:
        """Values of a channel in its unit as float64; NaN where no sample was taken."""
        of = self.channels[channel]
        found = self.samples[channel, start:stop].astype(np.float64)
        found = found * (of.sensitivity * of.correction) + of.baseline
        found[self.padding[channel, start:stop]] = np.nan
        return found


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something said about a waveform (C.10.10). ``channels``: (group, channel) from 1, channel 0 for all."""

    concept: Code | None
    text: str
    code: Code | None
    number: str
    unit: Code | None
    channels: tuple[tuple[int, int], ...]
    when: Temporal
    group: int | None

    def seconds(self, group: Group) -> float | None:
        """Where in a group it begins, in seconds from its first sample; None for what concerns the whole."""
        if self.when.samples and group.frequency > 0:
            return (self.when.samples[0] - 1) / group.frequency
        return self.when.seconds[0] if self.when.seconds else None


@dataclass(frozen=True, slots=True)
class Waveform:
    groups: tuple[Group, ...]
    annotations: tuple[Annotation, ...]
    complete: bool


_SEQUENCE, _DATA = tag("WaveformSequence"), tag("WaveformData")
_NONE: Final = np.zeros((0, 0))


def is_waveform(values: Values) -> bool:
    """Whether there are multiplex groups, whatever the object is called."""
    return _SEQUENCE in values


def waveform_of(tree: Tree) -> Waveform:
    """The waveform in a data set; of what cannot be drawn, the reason. Never raises."""
    annotations = tree.values.items(tag("WaveformAnnotationSequence"))[:_ANNOTATIONS]
    return Waveform(
        tuple(_group(item) for item in tree.values.items(_SEQUENCE)),
        tuple(_annotation(item) for item in annotations),
        tree.complete,
    )


def _group(item: Values) -> Group:
    channels = tuple(_channel(each) for each in item.items(tag("ChannelDefinitionSequence"))[:_CHANNELS])
    interpretation = item.text(tag("WaveformSampleInterpretation")).upper()
    samples, problem = _samples(item, len(channels), interpretation)
    padding = _padding(item, samples, interpretation)
    if interpretation in {"MB", "AB"} and not problem:
        samples = (MU_LAW if interpretation == "MB" else A_LAW)[samples]
    declared = item.integer(tag("NumberOfWaveformSamples")) or 0
    return Group(
        label=seen(item.text(tag("MultiplexGroupLabel"))),
        originality=seen(item.text(tag("WaveformOriginality"))),
        frequency=item.decimal(tag("SamplingFrequency")) or 0.0,
        offset_seconds=(item.decimal(tag("MultiplexGroupTimeOffset")) or 0.0) / 1000,
        interpretation=seen(interpretation),
        channels=channels if not problem else (),
        samples=samples,
        padding=padding,
        complete=not problem and samples.shape[1] >= declared,
        problem=problem or ("no-frequency" if (item.decimal(tag("SamplingFrequency")) or 0.0) <= 0 else ""),
    )


def _samples(item: Values, channels: int, interpretation: str) -> tuple[Array, str]:
    """(channels, samples) as stored, of whole samples only; or the reason why not."""
    form = _SAMPLES.get(interpretation)
    bits = item.integer(tag("WaveformBitsAllocated"))
    raw = item.raw(_DATA)
    if form is None or bits not in {None, 8 * int(form[1])}:
        return _NONE, "interpretation"
    if not channels or channels != (item.integer(tag("NumberOfWaveformChannels")) or channels):
        return _NONE, "channels"
    declared = item.integer(tag("NumberOfWaveformSamples"))
    there = len(raw) // (channels * int(form[1]))
    count = there if declared is None or declared < 0 else min(declared, there)
    if not count:
        return _NONE, "no-samples"
    order = ">" if item.big_endian else "<"
    found = np.frombuffer(raw, dtype=order + form, count=count * channels)
    return found.reshape(count, channels).T, ""


def _padding(item: Values, samples: Array, interpretation: str) -> Array:
    """Where samples equal Waveform Padding Value (C.10.9.1.8), which is encoded as they are."""
    raw = item.raw(tag("WaveformPaddingValue"))
    form = _SAMPLES.get(interpretation, "u1")
    if len(raw) < int(form[1]) or not samples.size:
        return np.zeros(samples.shape, dtype=bool)
    value = np.frombuffer(raw, dtype=(">" if item.big_endian else "<") + form, count=1)[0]
    return np.asarray(samples == value)


def _channel(item: Values) -> Channel:
    sensitivity = item.decimal(tag("ChannelSensitivity"))
    frequency_tags = (tag("FilterLowFrequency"), tag("FilterHighFrequency"), tag("NotchFilterFrequency"))
    low, high, notch = (item.decimal(each) for each in frequency_tags)
    correction = item.decimal(tag("ChannelSensitivityCorrectionFactor"))
    return Channel(
        label=seen(item.text(tag("ChannelLabel"))),
        source=code_in(item, tag("ChannelSourceSequence")),
        unit=code_in(item, tag("ChannelSensitivityUnitsSequence")),
        sensitivity=1.0 if sensitivity is None else sensitivity,
        correction=1.0 if correction is None else correction,
        baseline=item.decimal(tag("ChannelBaseline")) or 0.0,
        skew=item.decimal(tag("ChannelTimeSkew")) or 0.0,
        calibrated=sensitivity is not None,
        low_hz=low,
        high_hz=high,
        notch_hz=notch,
    )


def _annotation(item: Values) -> Annotation:
    channels = item.integers(tag("ReferencedWaveformChannels"))
    return Annotation(
        concept=code_in(item, tag("ConceptNameCodeSequence")),
        text=prose(item.text(tag("UnformattedTextValue"))),
        code=code_in(item, tag("ConceptCodeSequence")),
        number=seen(item.text(tag("NumericValue"))),
        unit=code_in(item, tag("MeasurementUnitsCodeSequence")),
        channels=tuple(zip(channels[::2], channels[1::2], strict=False)),
        when=Temporal(
            kind=seen(item.text(tag("TemporalRangeType"))),
            samples=tuple(item.integers(tag("ReferencedSamplePositions"))),
            seconds=tuple(item.floats(tag("ReferencedTimeOffsets"))),
            moments=tuple(map(seen, item.texts(tag("ReferencedDateTime")))),
        ),
        group=item.integer(tag("AnnotationGroupNumber")),
    )
