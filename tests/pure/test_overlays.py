"""Overlays (PS3.3 C.9) on every picture: where they lie, what is drawn, and that nothing of it is lost."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from archive.imaging.params import View
from archive.imaging.pipeline import picture, raster_read
from archive.imaging.source import pixel_handle, source_read
from tests.objects import ct_slice, part10

CROSS = np.zeros((8, 8), np.uint8)
CROSS[3, 1:7] = CROSS[1:7, 4] = 1


def overlay(ds: Dataset, mask: np.ndarray, group: int = 0x6000, origin: Any = (1, 1), **more: Any) -> Dataset:
    """Adds an Overlay Plane with its own data; ``mask`` may be (frames, rows, columns)."""
    rows, columns = mask.shape[-2:]
    ds.add_new((group, 0x0010), "US", rows)
    ds.add_new((group, 0x0011), "US", columns)
    ds.add_new((group, 0x0040), "CS", more.get("kind", "G"))
    if origin is not None:
        ds.add_new((group, 0x0050), "SS", list(origin))
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    if mask.ndim == 3:
        ds.add_new((group, 0x0015), "IS", len(mask))
    if "first_frame" in more:
        ds.add_new((group, 0x0051), "US", more["first_frame"])
    data = np.packbits(mask.reshape(-1), bitorder="little").tobytes()
    ds.add_new((group, 0x3000), "OW", data + bytes(len(data) % 2))
    return ds


def embedded(ds: Dataset, bit: int, group: int = 0x6000) -> Dataset:
    for element, vr, value in (
        (0x0010, "US", ds.Rows), (0x0011, "US", ds.Columns), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", ds.BitsAllocated), (0x0102, "US", bit),
    ):  # fmt: skip
        ds.add_new((group, element), vr, value)
    return ds


def flat(grey: int = 20, rows: int = 8, columns: int = 8, frames: int = 1, **changes: Any) -> Dataset:
    """An even image that shows with the grey it is stored with."""
    ds = ct_slice(
        Rows=rows, Columns=columns, WindowCenter=128, WindowWidth=256, PixelRepresentation=0, **changes
    )
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PixelData = np.full((frames, rows, columns), grey, "<u2").tobytes()
    return ds


def shown(
    ds: Dataset, view: View | None = None, *, frame: int = 0, syntax: str = ExplicitVRLittleEndian,
    size: tuple[int, int] | None = None, **options: Any,
) -> np.ndarray:  # fmt: skip
    file = io.BytesIO(part10(ds, syntax))
    source = source_read(file)
    raster = raster_read(source, pixel_handle(source, file), frame)
    if size:
        raster = raster.resized(size)
    return picture(raster, source.greyscale(frame), view or View(), **options)[0]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_an_overlay_is_white_on_the_image_and_leaves_the_rest_alone(syntax: str) -> None:
    ds = overlay(flat(), CROSS)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.full((8, 8), 20, ">u2").tobytes()
        element = ds[0x6000, 0x3000]
        element.value = np.frombuffer(element.value, "<u2").astype(">u2").tobytes()
    np.testing.assert_array_equal(shown(ds, syntax=syntax), np.where(CROSS, 255, 20))


def test_the_view_can_leave_overlays_out() -> None:
    assert (shown(overlay(flat(), CROSS), View(overlays=False)) == 20).all()


def test_an_overlay_on_white_is_black() -> None:
    np.testing.assert_array_equal(shown(overlay(flat(250), CROSS)), np.where(CROSS, 0, 250))


def test_the_tone_follows_what_lies_around_the_line() -> None:
    """A line from a dark half into a bright one: white there, black here."""
    ds = flat(rows=64, columns=64)
    pixels = np.full((64, 64), 10, "<u2")
    pixels[:, 32:] = 255
    ds.PixelData = pixels.tobytes()
    line = np.zeros((64, 64), np.uint8)
    line[32] = 1
    assert shown(overlay(ds, line))[32, [3, 60]].tolist() == [255, 0]


def test_overlays_come_after_window_and_inversion() -> None:
    """The line is white whatever the greys are turned into, also on MONOCHROME1."""
    ds = overlay(flat(100), CROSS)
    assert shown(ds, View(invert=True))[3, 2] == 255
    ds.PhotometricInterpretation = "MONOCHROME1"
    picture_ = shown(ds)
    assert (picture_[3, 2], picture_[0, 0]) == (255, 155)


def test_film_gets_the_overlay_in_its_depth() -> None:
    values = shown(overlay(flat(), CROSS), bits=12)
    assert values.dtype == np.uint16
    assert (values[3, 2], values[0, 0]) == (4095, 321)


def test_an_overlay_smaller_than_the_image_lies_at_its_origin() -> None:
    """Overlay Origin counts from 1; what lies outside the image is cut off, also at negative places."""
    dot = np.ones((2, 3), np.uint8)
    expected = np.full((8, 8), 20)
    expected[1:3, 4:7] = 255
    np.testing.assert_array_equal(shown(overlay(flat(), dot, origin=(2, 5))), expected)
    expected = np.full((8, 8), 20)
    expected[0, 7] = 255
    np.testing.assert_array_equal(shown(overlay(flat(), dot, origin=(0, 8))), expected)
    assert (shown(overlay(flat(), dot, origin=(-30, 400))) == 20).all()
    assert shown(overlay(flat(), dot, origin=None))[0, 0] == 255


def test_several_planes_are_all_drawn() -> None:
    first, second = np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)
    first[0, 0] = second[7, 7] = 1
    values = shown(overlay(overlay(flat(), first), second, group=0x601E))
    assert (values == 255).sum() == 2


def test_colour_images_get_their_overlays() -> None:
    ds = flat(SamplesPerPixel=3, PhotometricInterpretation="RGB", BitsAllocated=8, BitsStored=8, HighBit=7)
    ds.PlanarConfiguration = 0
    ds.PixelData = bytes([200, 10, 10]) * 64
    values = shown(overlay(ds, CROSS))
    assert values[3, 2].tolist() == [255, 255, 255]
    assert values[0, 0].tolist() == [200, 10, 10]
    assert shown(ds, colour=False)[3, 2] == 255


def test_a_region_of_interest_is_drawn_as_its_outline() -> None:
    """Overlay Type R covers an area: filled it would hide what it points at."""
    area = np.zeros((8, 8), np.uint8)
    area[2:6, 2:6] = 1
    expected = np.where(area, 255, 20)
    expected[3:5, 3:5] = 20
    np.testing.assert_array_equal(shown(overlay(flat(), area, kind="R")), expected)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("representation", [0, 1])
def test_overlays_in_unused_bits_are_drawn_and_are_no_grey(syntax: str, representation: int) -> None:
    """PS3.5 8.1.1: twelve bits stored, one plane in bit 12, another in bit 15."""
    ds = flat(BitsStored=12, HighBit=11)
    ds.PixelRepresentation = representation
    words = np.full((8, 8), 20, "<u2") | (CROSS.astype("<u2") << 12)
    words[7, 7] |= 0x8000
    ds.PixelData = words.tobytes()
    if syntax == JPEGLSLossless:
        ds.PixelData = encapsulate([imagecodecs.jpegls_encode(words)])
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    if syntax == RLELossless:
        planes = [b"\x3f" + words.tobytes()[i::2] for i in (1, 0)]
        planes = [plane + bytes(len(plane) % 2) for plane in planes]
        table = np.array([2, 64, 64 + len(planes[0]), *[0] * 13], "<u4").tobytes()
        ds.PixelData = encapsulate([table + b"".join(planes)])
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    embedded(embedded(ds, 12), 15, group=0x6002)
    expected = np.where(CROSS, 255, 20)
    expected[7, 7] = 255
    np.testing.assert_array_equal(shown(ds, syntax=syntax), expected)
    assert (shown(ds, View(overlays=False), syntax=syntax) == 20).all()


def test_a_bit_that_belongs_to_the_pixel_is_no_overlay() -> None:
    assert (shown(embedded(flat(0x15, BitsStored=12, HighBit=11), 4)) == 0x15).all()


def test_a_lossy_codestream_has_no_overlay_in_its_bits() -> None:
    """Compression has smeared them: what is left there are not the lines that were drawn."""
    ds = flat(BitsStored=10, HighBit=9)
    words = np.full((8, 8), 1024 + 200, np.uint16)
    ds.PixelData = encapsulate([imagecodecs.jpeg8_encode(words, 95, bitspersample=12)])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    on, off = (
        shown(embedded(ds, 10), View(overlays=o), syntax="1.2.840.10008.1.2.4.51") for o in (True, False)
    )
    np.testing.assert_array_equal(on, off)


def test_the_frames_of_a_multi_frame_overlay_lie_on_theirs() -> None:
    """Image Frame Origin 2: the planes belong to frames 2 and 3, frame bits are not padded (PS3.5 8.1.1)."""
    planes = np.zeros((2, 3, 3), np.uint8)
    planes[0, 0, 0] = planes[1, 2, 2] = 1
    ds = overlay(flat(rows=3, columns=3, frames=4), planes, first_frame=2)
    marked = [np.argwhere(shown(ds, frame=frame) == 255).tolist() for frame in range(4)]
    assert marked == [[], [[0, 0]], [[2, 2]], []]


def test_an_overlay_of_one_frame_lies_on_all_frames_unless_it_names_one() -> None:
    dot = np.ones((1, 1), np.uint8)
    ds = overlay(flat(frames=3), dot)
    assert [shown(ds, frame=frame)[0, 0] for frame in range(3)] == [255, 255, 255]
    ds = overlay(flat(frames=3), dot, first_frame=3)
    assert [shown(ds, frame=frame)[0, 0] for frame in range(3)] == [20, 20, 255]


@pytest.mark.parametrize("size", [(64, 64), (50, 41), (100, 30)])
def test_no_line_is_lost_when_the_picture_is_made_smaller(size: tuple[int, int]) -> None:
    """Lines of one stored pixel stay white from edge to edge, wherever they lie between display pixels."""
    lines = np.zeros((200, 200), np.uint8)
    lines[20, :] = lines[:, 77] = lines[131, :] = 1
    values = shown(overlay(flat(rows=200, columns=200), lines), size=size)
    width, height = size
    for row in (20, 131):
        at = row * height // 200
        assert values[at : at + 2].astype(int).sum(axis=0).min() >= 255
    at = 77 * width // 200
    assert values[:, at : at + 2].astype(int).sum(axis=1).min() >= 255
    assert values[0, 0] == 20


@pytest.mark.parametrize("spoil", ["short", "empty", "rows", "huge"])
def test_a_broken_overlay_keeps_nobody_from_the_image(spoil: str) -> None:
    ds = overlay(flat(), CROSS)
    if spoil == "short":
        ds[0x6000, 0x3000].value = ds[0x6000, 0x3000].value[:4]
    if spoil == "empty":
        ds[0x6000, 0x3000].value = b""
    if spoil == "rows":
        del ds[0x6000, 0x0010]
    if spoil == "huge":
        ds[0x6000, 0x0010].value = ds[0x6000, 0x0011].value = 65535
    values = shown(ds)
    assert values.shape == (8, 8)
    if spoil in ("empty", "rows"):
        assert (values == 20).all()
    if spoil == "short":
        np.testing.assert_array_equal(values[:4], np.where(CROSS, 255, 20)[:4])


def test_the_overlay_of_a_large_image_is_found_as_well() -> None:
    """Beyond 64 KB the header keeps only where a value lies."""
    mask = np.zeros((1000, 1000), np.uint8)
    mask[999, 999] = 1
    values = shown(overlay(flat(rows=1000, columns=1000), mask))
    assert np.argwhere(values == 255).tolist() == [[999, 999]]


def test_an_image_without_overlay_has_no_layers() -> None:
    """Then nothing is done for them, and nothing held."""
    file = io.BytesIO(part10(flat()))
    source = source_read(file)
    assert (source.overlays, source.shutters) == ((), ())
    assert raster_read(source, file, 0).layers is None
