"""A picture in two parts, its steps and the table of their greys: together they are the picture."""

from __future__ import annotations

import numpy as np
import pytest

from archive.imaging.params import EncodingFormat, Undecodable, View, Window
from archive.imaging.pipeline import grey_parts, picture, raster_read
from archive.imaging.raster import Raster
from archive.imaging.source import ImageSource, source_read
from tests.objects import ct_slice
from tests.pure.test_pipeline import file_of, small

STEPS, TABLE = EncodingFormat.STEPS, EncodingFormat.TABLE


def read(ds: object) -> tuple[Raster, ImageSource]:
    file = file_of(ds)  # type: ignore[arg-type]
    source = source_read(file)
    return raster_read(source, file, 0), source


def test_steps_count_from_the_lowest_value_and_the_table_has_a_grey_for_each() -> None:
    """LINEAR, centre 0, width 5: y = ((x + 0.5) / 4 + 0.5) * 255 for x = -2, -1, 0, 1."""
    raster, source = read(small([-2, 1, 0, -2]))
    steps, none = grey_parts(raster, source.greyscale(0), View(), STEPS)
    table, window = grey_parts(raster, source.greyscale(0), View(window=Window(0, 5)), TABLE)
    assert (steps, none) == (b"\0\0\3\0\2\0\0\0", None)
    assert (list(table), window) == ([32, 96, 159, 223], Window(0, 5))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    "view", [View(), View(auto=True), View(window=Window(300, 77.5)), View(window=Window(9, 3), invert=True)]
)
def test_the_parts_give_the_pixels_of_the_picture(view: View, photometric: str) -> None:
    noise = np.random.default_rng(3).integers(-1024, 3072, (40, 64)).astype("<i2")
    ds = ct_slice(Rows=40, Columns=64, PixelData=noise.tobytes(), PhotometricInterpretation=photometric)
    raster, source = read(ds)
    for one in (raster, raster.resized((32, 20))):
        steps, _ = grey_parts(one, source.greyscale(0), view, STEPS)
        table, window = grey_parts(one, source.greyscale(0), view, TABLE)
        values, expected = picture(one, source.greyscale(0), view)
        greys = np.frombuffer(table, np.uint8)[np.frombuffer(steps, "<u2")]
        assert np.array_equal(greys.reshape(values.shape), values)
        assert window == expected


def test_what_is_more_than_its_greys_has_no_parts() -> None:
    colour = ct_slice(
        Rows=1,
        Columns=1,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=b"\1\2\3\0",
    )
    overlaid = small([1, 2])
    overlaid.add_new(0x60000010, "US", 1)
    overlaid.add_new(0x60000011, "US", 2)
    overlaid.add_new(0x60000040, "CS", "G")
    overlaid.add_new(0x60000050, "SS", [1, 1])
    overlaid.add_new(0x60000100, "US", 1)
    overlaid.add_new(0x60000102, "US", 0)
    overlaid.add_new(0x60003000, "OW", b"\1\0")
    for ds in (colour, overlaid):
        raster, source = read(ds)
        for part in (STEPS, TABLE):
            with pytest.raises(Undecodable) as refused:
                grey_parts(raster, source.greyscale(0), View(), part)
            assert refused.value.code == "no-steps"
