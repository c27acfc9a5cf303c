"""Screen, thumbnail and print preview of every real file that decodes, against independent decoders.

What ``tests/pure/oracle_exceptions.csv`` names differs for the cause it names. Shown otherwise on purpose,
and left aside: segmentations (in colour) and oblong pixels (made square).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archive import rendering
from archive.imaging.geometry import area_averaged
from archive.imaging.params import STEPS, TABLE
from archive.models import Instance
from archive.rendering import PNG, STAMP, FrameUnavailable, View, frame_picture, frame_render

TOLERANCE = 1.0
EXCEPTIONS = Path(__file__).parents[1] / "pure" / "oracle_exceptions.csv"


@pytest.fixture
def instances(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Instance, Any]]]:
    """Rows that are nowhere but here, each with its file of the corpus."""
    files = json.loads((corpus / "oracle" / "oracle.json").read_text())["files"]
    monkeypatch.setattr(rendering, "file_open", lambda key: (corpus / "dicom" / key).open("rb"))
    drawn = [
        (name, Instance(pk=number, file_key=name, file_digest=name), entry["render"])
        for number, (name, entry) in enumerate(files.items(), 1)
        if any("png" in one for one in entry.get("render", {}).get("pictures", []))
    ]
    yield drawn
    for cache in rendering.CACHES:
        cache.clear()


def _known(*kinds: str) -> set[str]:
    with EXCEPTIONS.open(newline="") as lines:
        return {row["file"] for row in csv.DictReader(lines) if row["kind"] in kinds}


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean()) if a.shape == b.shape else 255.0


def _reduced(screen: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The references are kept at 256 pixels at most, averaged in whole pixels."""
    if screen.shape == reference.shape:
        return screen
    return np.asarray(Image.fromarray(screen).resize(reference.shape[1::-1], Image.Resampling.BOX))


def _decoded(picture: rendering.RenderedFrame) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def test_screen_thumbnail_and_print_preview_are_the_references(
    corpus: Path, instances: list[tuple[str, Instance, Any]]
) -> None:
    screens, thumbnails, compared, aside = set(), set(), 0, {"segmentation": 0, "oblong": 0}
    for name, instance, render in instances:
        with rendering.file_open(name) as file:
            source = rendering.source_read(file)
        if source.segmentation is not None or source.aspect != (1.0, 1.0):
            aside["segmentation" if source.segmentation else "oblong"] += 1
            continue
        arguments = render["render_args"]
        lut, auto, overlays = 0 if "+Wl" in arguments else None, "+Wm" in arguments, "-O" not in arguments
        for drawn in (one for one in render["pictures"] if "png" in one):
            reference = np.asarray(Image.open(corpus / "oracle" / drawn["png"]))
            view = View(voi_lut=lut, auto=auto, overlays=overlays)
            asked: dict[str, Any] = {"instance": instance, "frame": drawn["frame"]}
            screen = _decoded(frame_render(**asked, view=view, encoding=PNG))
            film = frame_picture(**asked, view=view, colour=screen.ndim == 3)
            np.testing.assert_array_equal(film, screen, err_msg=name)
            box = View(voi_lut=lut, auto=auto, overlays=overlays, box=(256, 256))
            thumbnail = _decoded(frame_render(**asked, view=box, encoding=PNG))  # before JPEG has had it
            compared += 1
            if _difference(_reduced(screen, reference), reference) > TOLERANCE:
                screens.add(name)
            if _difference(thumbnail, area_averaged(screen, thumbnail.shape[1::-1])) > TOLERANCE:
                thumbnails.add(name)
    assert compared == 348
    assert screens == {name for name in _known("picture", "padding") if not name.startswith("seg/")}
    assert thumbnails == _known("thumbnail")
    assert aside == {"segmentation": 15, "oblong": 6}


def test_steps_and_table_are_the_lossless_picture(instances: list[tuple[str, Instance, Any]]) -> None:
    compared = 0
    for name, instance, _ in instances:
        for view in (View(box=(512, 512)), View(auto=True, invert=True)):
            asked: dict[str, Any] = {"instance": instance, "frame": 1, "view": view}
            try:
                steps, table = (frame_render(**asked, encoding=part) for part in (STEPS, TABLE))
            except FrameUnavailable:  # colour, overlays, shutters
                continue
            screen = _decoded(frame_render(**asked, encoding=PNG))
            assert steps.data[:STAMP] == table.data[:STAMP]
            greys = np.frombuffer(table.data[STAMP:], np.uint8)[np.frombuffer(steps.data[STAMP:], "<u2")]
            assert np.array_equal(greys.reshape(screen.shape), screen), name
            compared += 1
    assert compared > 300
