"""Stacks: what scrolls together in one viewport, and what the page's scripts must know of each frame.

A series whose images have one frame each is one stack; an image of many frames is a stack of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.dicom.video import codec_of
from archive.imaging.geometry import edge_letters, facts_aspect, fitted_size
from archive.segments import CLASSES
from viewer.words import dicom_date, dicom_minute


@dataclass(frozen=True, slots=True)
class Stack:
    """One entry of the strip. ``facts`` hold for every image, each of ``images`` adds its own."""

    key: str
    series_id: int
    series: dict[str, Any]
    thumbnail: int  # the instance whose picture stands for it
    length: int
    facts: dict[str, Any]
    images: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        return {"key": self.key, "series": self.series, "facts": self.facts, "images": self.images}

    def holds(self, instance_id: int) -> bool:
        return any(image["id"] == instance_id for image in self.images)


def stacks_of(manifest: Mapping[str, Any]) -> list[Stack]:
    """The stacks of a study, in the order of ``archive.selectors.study_manifest``; without pictures, none."""
    return [stack for series in manifest["series"] for stack in _series_stacks(series)]


def _series_stacks(series: Mapping[str, Any]) -> list[Stack]:
    images = [_image(series["facts"], instance) for instance in series["instances"] if _pictured(instance)]
    single = [image for image in images if image["frames"] == 1]
    stacks = [_stack(f"i{image['id']}", series, [image]) for image in images if image["frames"] > 1]
    if single:
        stacks.insert(0, _stack(f"s{series['id']}", series, single))
    return stacks


def _pictured(instance: Mapping[str, Any]) -> bool:
    """Whether its frames are drawn one by one: not those of a video, which a browser plays."""
    return bool(instance["frames"]) and not codec_of(instance["syntax"])


@dataclass(frozen=True, slots=True)
class Document:
    """A series, or a part of one, without pictures: ``instance`` is the first object of ``length``."""

    instance: int
    number: int | None
    name: str
    modality: str
    video: bool
    length: int


def documents_of(manifest: Mapping[str, Any]) -> list[Document]:
    """What of a study is no stack, in its order: an entry for each series' documents and each video."""
    found: list[Document] = []
    for series in manifest["series"]:
        others = [instance for instance in series["instances"] if not _pictured(instance)]
        videos = [instance for instance in others if instance["frames"]]
        plain = [instance for instance in others if not instance["frames"]]
        groups = ([plain] if plain else []) + [[video] for video in videos]
        for group in groups:
            name = series["description"] or series["modality"]
            video = bool(group[0]["frames"])
            first = group[0]["id"]
            found.append(Document(first, series["number"], name, series["modality"], video, len(group)))
    return found


def is_segmented(manifest: Mapping[str, Any]) -> bool:
    """Whether the study holds a segmentation."""
    return any(one["class"] in CLASSES for series in manifest["series"] for one in series["instances"])


def is_document(manifest: Mapping[str, Any], instance_id: int) -> bool:
    """Whether an instance of the study is none that a stack shows."""
    everything = (instance for series in manifest["series"] for instance in series["instances"])
    return any(instance["id"] == instance_id and not _pictured(instance) for instance in everything)


def _stack(key: str, series: Mapping[str, Any], images: Sequence[dict[str, Any]]) -> Stack:
    first, *others = images
    shared = {
        name: value
        for name, value in first.items()
        if name not in {"id", "frames"} and all(image.get(name) == value for image in others)
    }
    own = tuple({name: value for name, value in image.items() if name not in shared} for image in images)
    described = {
        "number": series["number"],
        "description": series["description"],
        "modality": series["modality"],
        "station": series["station"],
        "frameOfReference": series["frame_of_reference"],
    }
    length = sum(image["frames"] for image in images)
    middle = images[len(images) // 2]["id"]
    return Stack(key, series["id"], described, middle, length, shared, own)


# What a corner or a tool reads, and the fact it comes from.
_COPIED = {
    "bits": "bits_stored",
    "samples": "samples",
    "windows": "windows",
    "voiFunction": "voi_function",
    "spacing": "pixel_spacing",
    "spacingBasis": "spacing_basis",
    "thickness": "slice_thickness",
    "location": "slice_location",
    "position": "image_position",
    "orientation": "image_orientation",
    "regions": "regions",
    "lossy": "lossy",
    "lossyRatio": "lossy_ratio",
    "frameTime": "frame_time_ms",
    "frameTimes": "frame_times_ms",
    "kvp": "kvp",
    "current": "tube_current_ma",
    "kernel": "kernel",
    "viewPosition": "view_position",
}


def _image(shared: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    facts = {**shared, **instance["facts"]}
    columns, rows = instance["columns"] or 0, instance["rows"] or 0
    image = {"id": instance["id"], "frames": instance["frames"], "columns": columns, "rows": rows}
    if columns and rows:
        image["full"] = fitted_size(columns, rows, facts_aspect(facts), None)
    image |= {name: facts[fact] for name, fact in _COPIED.items() if fact in facts}
    letters = edge_letters(facts.get("image_orientation"), facts.get("patient_orientation"))
    if any(letters.values()):
        image["letters"] = letters
    if rescale := facts.get("rescale"):
        image["rescaleType"] = rescale[2]
    when = _when(facts)
    if when:
        image["when"] = when
    return image


def _when(facts: Mapping[str, Any]) -> str:
    """When the image was made, as ``2026-11-23 02:47``."""
    for kind in ("acquisition", "content"):
        day = dicom_date(facts.get(f"{kind}_date", ""))
        if day:
            return f"{day:%Y-%m-%d} {dicom_minute(facts.get(f'{kind}_time', ''))}".strip()
    return ""
