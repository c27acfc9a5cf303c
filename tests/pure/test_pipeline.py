"""From a file to display values: objects made for the purpose, literal greys."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from archive.imaging.params import Undecodable, View, VoiFunction, Window
from archive.imaging.pipeline import picture, picture_size, raster_read, stored_value
from archive.imaging.source import ImageSource, pixel_handle, source_read
from tests.objects import ct_slice, part10


def file_of(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> io.BytesIO:
    return io.BytesIO(part10(ds, syntax))


def shown(ds: Dataset, view: View | None = None, *, frame: int = 0, **options: Any) -> np.ndarray:
    file = file_of(ds)
    source = source_read(file)
    return picture(raster_read(source, file, frame), source.greyscale(frame), view or View(), **options)[0]


def small(values: list[int], **changes: Any) -> Dataset:
    """One row of 16-bit signed values."""
    ds = ct_slice(Rows=1, Columns=len(values), **changes)
    ds.PixelData = np.array(values, "<i2").tobytes()
    return ds


def lut_item(descriptor: list[int], data: list[int], order: str = "<") -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = descriptor, np.array(data, f"{order}u2").tobytes()
    return item


def test_modality_window_and_presentation_in_that_order() -> None:
    """Rescale -1000, window 0/200 LINEAR: 900 and 1100 stored are 0.6 % and 100 % of white."""
    ds = small([0, 900, 1000, 1100, 2000], RescaleIntercept=-1000, WindowCenter=0, WindowWidth=200)
    assert shown(ds).tolist() == [[0, 0, 128, 255, 255]]
    assert shown(ds, View(invert=True)).tolist() == [[255, 255, 127, 0, 0]]
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert shown(ds).tolist() == [[255, 255, 127, 0, 0]]
    assert shown(ds, View(invert=True)).tolist() == [[0, 0, 128, 255, 255]]


def test_monochrome1_with_presentation_lut_shape_inverse_is_turned_once() -> None:
    """DX objects say the same thing twice (PS3.3 C.8.11.3.1.3)."""
    ds = small([0, 100], WindowCenter=50.5, WindowWidth=101, PresentationLUTShape="INVERSE")
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert shown(ds).tolist() == [[255, 0]]


def test_signed_and_negative_values_look_up_the_right_grey() -> None:
    ds = small([-32768, -1, 0, 1, 32767], WindowCenter=0.5, WindowWidth=65536)
    assert shown(ds).tolist() == [[0, 127, 128, 128, 255]]


def test_the_voi_lut_function_of_the_object_is_used() -> None:
    ds = small([-50, 0, 50], WindowCenter=0, WindowWidth=100)
    ds.VOILUTFunction = "SIGMOID"
    assert shown(ds).tolist() == [[30, 128, 225]]
    ds.VOILUTFunction = "LINEAR_EXACT"
    assert shown(ds).tolist() == [[0, 128, 255]]


def test_the_first_window_holds_and_the_others_are_offered() -> None:
    ds = small([0, 1], WindowCenter=[40, 300], WindowWidth=[400, 1500])
    ds.WindowCenterWidthExplanation = ["SOFT", "BONE"]
    source = source_read(file_of(ds))
    assert source.greyscale(0).windows == (
        Window(40, 400, explanation="SOFT"),
        Window(300, 1500, explanation="BONE"),
    )


@pytest.mark.parametrize("width", [0, -1])
def test_a_window_without_width_is_none_at_all(width: int) -> None:
    assert shown(small([10, 20, 30], WindowCenter=0, WindowWidth=width)).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_modality_lut_and_voi_lut_sequences(syntax: str) -> None:
    """Stored 0..3 become 40, 30, 20, 10; the VOI LUT maps 10..40 in its own 8 bits."""
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    ds = small([0, 1, 2, 3], WindowCenter=None, WindowWidth=None, PixelRepresentation=0)
    ds.PixelData = np.array([0, 1, 2, 3], f"{order}u2").tobytes()
    ds.ModalityLUTSequence = Sequence([lut_item([4, 0, 16], [40, 30, 20, 10], order)])
    ds.VOILUTSequence = Sequence([lut_item([31, 10, 8], list(range(0, 241, 8)), order)])
    file = file_of(ds, syntax)
    source = source_read(file)
    for view in (View(), View(voi_lut=0)):
        values, window = picture(raster_read(source, file, 0), source.greyscale(0), view)
        assert values.tolist() == [[240, 160, 80, 0]]
        assert window is None


def test_padding_is_left_out_of_the_full_range_only() -> None:
    """PS3.3 C.7.5.1.1.2: -2000 is no tissue; it is drawn black, 0..100 takes all the greys."""
    ds = small([-2000, 0, 50, 100], WindowCenter=None, WindowWidth=None, PixelPaddingValue=-2000)
    assert shown(ds).tolist() == [[0, 0, 128, 255]]
    ds.PixelPaddingRangeLimit = -1900
    ds.PixelData = np.array([-1950, 0, 50, 100], "<i2").tobytes()
    assert shown(ds).tolist() == [[0, 0, 128, 255]]
    explicit = View(window=Window(-950, 2101))
    assert shown(ds, explicit).tolist()[0][1] > 200


def test_twelve_bits_for_film() -> None:
    ds = small([0, 4095], WindowCenter=2048, WindowWidth=4096)
    assert shown(ds, bits=12).tolist() == [[0, 4095]]
    assert shown(ds, bits=12).dtype == np.uint16


def test_values_of_thirty_two_bits_with_a_range_beyond_a_table() -> None:
    ds = ct_slice(Rows=1, Columns=3, BitsAllocated=32, BitsStored=32, HighBit=31, PixelRepresentation=0)
    ds.WindowCenter, ds.WindowWidth = 1_000_000_000.5, 2_000_000_001
    ds.PixelData = np.array([0, 1_000_000_000, 2_000_000_000], "<u4").tobytes()
    assert shown(ds).tolist() == [[0, 128, 255]]


def test_float_pixel_data_and_what_is_no_number() -> None:
    ds = ct_slice(Rows=1, Columns=4, BitsAllocated=32, WindowCenter=None, WindowWidth=None, PixelData=None)
    ds.FloatPixelData = np.array([0.0, 0.5, 1.0, np.nan], "<f4").tobytes()
    view = View(window=Window(0.5, 1.0, VoiFunction.LINEAR_EXACT))
    assert shown(ds, view).tolist() == [[0, 128, 255, 0]]
    assert shown(ds).shape == (1, 4)


def functional_groups(ds: Dataset, frames: int) -> None:
    """Per-frame rescale and window, PS3.3 C.7.6.16.2.9 and .10: frame n adds 100 n."""
    items = []
    for number in range(frames):
        transformation, voi, item = Dataset(), Dataset(), Dataset()
        transformation.RescaleIntercept, transformation.RescaleSlope = 100 * number, 1
        transformation.RescaleType = "US"
        voi.WindowCenter, voi.WindowWidth = 100 * number + 0.5, 3
        item.PixelValueTransformationSequence = Sequence([transformation])
        item.FrameVOILUTSequence = Sequence([voi])
        items.append(item)
    ds.PerFrameFunctionalGroupsSequence = Sequence(items)


def test_each_frame_has_its_own_rescale_and_window() -> None:
    ds = ct_slice(Rows=1, Columns=3, NumberOfFrames=3)
    ds.PixelData = np.tile(np.array([-1, 0, 1], "<i2"), 3).tobytes()
    functional_groups(ds, 3)
    for frame in range(3):
        assert shown(ds, frame=frame).tolist() == [[0, 128, 255]]
    source = source_read(file_of(ds))
    assert source.greyscale(2).intercept == 200
    assert source.greyscale(2).windows == (Window(200.5, 3),)


def test_the_shared_group_holds_where_frames_say_nothing() -> None:
    ds = small([0, 100], NumberOfFrames=1, WindowCenter=None, WindowWidth=None)
    shared, voi = Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = 50.5, 101
    shared.FrameVOILUTSequence = Sequence([voi])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    assert source_read(file_of(ds)).greyscales[0].windows == (Window(50.5, 101),)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_native_syntaxes_show_the_same(syntax: str) -> None:
    ds = small([0, 100, 200], WindowCenter=100, WindowWidth=200)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.array([0, 100, 200], ">i2").tobytes()
    file = file_of(ds, syntax)
    source = source_read(file)
    assert picture(raster_read(source, file, 0), source.greyscale(0), View())[0].tolist() == [[0, 128, 255]]


def deflated(ds: Dataset) -> io.BytesIO:
    return file_of(ds, DeflatedExplicitVRLittleEndian)


def test_a_deflated_object_is_read_through_its_inflated_copy() -> None:
    file = deflated(small([0, 100, 200], WindowCenter=100, WindowWidth=200))
    source = source_read(file)
    assert source.deflated is not None
    raster = raster_read(source, pixel_handle(source, file), 0)
    assert picture(raster, source.greyscale(0), View())[0].tolist() == [[0, 128, 255]]


def test_a_deflated_object_that_explodes_is_inflated_no_further_than_its_frames() -> None:
    plain = deflated(small([1, 2])).getvalue()
    honest = source_read(io.BytesIO(plain)).deflated
    assert honest is not None
    body = zlib.decompressobj(-15).decompress(plain[honest.start :])
    bomb = zlib.compressobj(wbits=-15)
    data = bomb.compress(body) + bomb.compress(bytes(16 << 20)) + bomb.flush()
    file = io.BytesIO(plain[: honest.start] + data)
    source = source_read(file)
    assert len(pixel_handle(source, file).read()) < 2_000
    assert raster_read(source, pixel_handle(source, file), 0).stored_range == (1, 2)


def palette_image(**changes: Any) -> Dataset:
    ds = ct_slice(Rows=1, Columns=4, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    ds.PhotometricInterpretation = "PALETTE COLOR"
    ds.PixelData = bytes([9, 10, 11, 200])
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [2, 10, 16])
        entries = np.array([0x1000 * (number + 1), 0xFF00], "<u2").tobytes()
        setattr(ds, f"{colour}PaletteColorLookupTableData", entries)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def test_a_palette_makes_indices_into_colours() -> None:
    low, high = [0x10, 0x20, 0x30], [255, 255, 255]
    assert shown(palette_image()).tolist() == [[low, low, high, high]]


@pytest.mark.parametrize("first", [0, 10])
def test_a_segmented_palette_of_sixteen_bits_makes_indices_into_colours(first: int) -> None:
    """PS3.3 C.7.9.2: a discrete entry of 0, then a line of three up to 65535."""
    ds = ct_slice(Rows=1, Columns=4, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    ds.PhotometricInterpretation, ds.PixelData = "PALETTE COLOR", bytes(range(first, first + 4))
    ramp, flat = np.array([0, 1, 0, 1, 3, 65535], "<u2"), np.array([0, 1, 0x8000, 1, 3, 0x8000], "<u2")
    for colour, data in (("Red", ramp), ("Green", flat), ("Blue", ramp)):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [4, first, 16])
        setattr(ds, f"Segmented{colour}PaletteColorLookupTableData", data.tobytes())
    assert shown(ds).tolist() == [[[grey, 128, grey] for grey in (0, 85, 170, 255)]]


def test_a_palette_that_is_missing_is_named() -> None:
    ds = palette_image()
    del ds.GreenPaletteColorLookupTableData
    with pytest.raises(Undecodable) as caught:
        source_read(file_of(ds))
    assert caught.value.code == "palette"


def test_colour_stays_colour_on_screen_and_becomes_grey_on_grey_film() -> None:
    ds = ct_slice(Rows=1, Columns=2, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = bytes([255, 0, 0, 100, 100, 100])
    assert shown(ds).tolist() == [[[255, 0, 0], [100, 100, 100]]]
    assert shown(ds, colour=False).tolist() == [[76, 100]]
    assert shown(ds, bits=12, colour=False).tolist() == [[1220, 1605]]
    assert shown(ds, View(invert=True)).tolist() == [[[0, 255, 255], [155, 155, 155]]]
    assert shown(ds, View(window=Window(100.5, 1)))[0, 1].tolist() == [0, 0, 0]


def test_a_ybr_422_frame_written_in_full_is_read_in_full() -> None:
    ds = ct_slice(Rows=1, Columns=2, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "YBR_FULL_422", 0
    ds.PixelData = bytes([10, 128, 128, 20, 128, 128])
    assert shown(ds).tolist() == [[[10] * 3, [20] * 3]]
    ds.PixelData = bytes([10, 20, 128, 128])
    assert shown(ds).tolist() == [[[10] * 3, [20] * 3]]


def test_smaller_pictures_average_stored_values_before_the_window() -> None:
    """0 and 100 average to 50, which a threshold at 40 shows white: windowing first would give grey."""
    ds = small([0, 100, 0, 100], WindowCenter=40.5, WindowWidth=1)
    file = file_of(ds)
    source = source_read(file)
    raster = raster_read(source, file, 0).resized((2, 1))
    assert picture(raster, source.greyscale(0), View())[0].tolist() == [[255, 255]]


def test_a_smaller_picture_keeps_the_full_range_of_the_whole_frame() -> None:
    ds = small([0, 0, 0, 200], WindowCenter=None, WindowWidth=None)
    file = file_of(ds)
    source = source_read(file)
    raster = raster_read(source, file, 0).resized((2, 1))
    assert picture(raster, source.greyscale(0), View())[0].tolist() == [[0, 128]]


def test_oblong_pixels_are_made_square() -> None:
    ds = ct_slice(PixelSpacing=None)
    ds.PixelAspectRatio = [4, 2]
    file = file_of(ds)
    source = source_read(file)
    assert picture_size(source, raster_read(source, file, 0), None) == (8, 16)


def test_oblong_pixels_of_functional_groups_are_made_square() -> None:
    ds = ct_slice(Rows=2, Columns=4, PixelSpacing=None, NumberOfFrames=1)
    ds.PixelData = np.arange(8, dtype="<i2").tobytes()
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [2, 1]
    shared.PixelMeasuresSequence = Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    file = file_of(ds)
    source = source_read(file)
    assert source.aspect == (2, 1)
    assert picture_size(source, raster_read(source, file, 0), None) == (2, 2)


def test_a_segment_that_fills_its_frame_is_white_not_black() -> None:
    ds = ct_slice(Rows=2, Columns=4, BitsAllocated=1, BitsStored=1, HighBit=0, PixelRepresentation=0)
    del ds.WindowCenter, ds.WindowWidth
    ds.PixelData = b"\xff\x00"
    assert (shown(ds) == 255).all()


def test_what_lies_under_the_pointer() -> None:
    ds = small([-7, 9], RescaleIntercept=-1000, RescaleType="HU")
    file = file_of(ds)
    source = source_read(file)
    raster = raster_read(source, file, 0)
    assert stored_value(raster, source.greyscale(0), 1, 0) == {"stored": 9, "value": -991, "unit": "HU"}
    with pytest.raises(Undecodable) as caught:
        stored_value(raster, source.greyscale(0), 2, 0)
    assert caught.value.code == "outside"


def test_multi_frame_jpeg_ls_reads_each_frame() -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    frames = [np.full((4, 4), value, np.uint16) for value in (10, 20, 30)]
    ds = ct_slice(Rows=4, Columns=4, NumberOfFrames=3, PixelRepresentation=0)
    ds.PixelData = encapsulate([imagecodecs.jpegls_encode(frame) for frame in frames])
    ds["PixelData"].is_undefined_length = True
    file = file_of(ds, JPEGLSLossless)
    source = source_read(file)
    assert [raster_read(source, file, frame).low for frame in range(3)] == [10, 20, 30]


def test_an_object_without_pixels_says_so() -> None:
    with pytest.raises(Undecodable) as caught:
        source_read(file_of(ct_slice(PixelData=None)))
    assert caught.value.code == "no-pixels"


def test_bytes_that_are_no_object_say_so() -> None:
    with pytest.raises(Undecodable) as caught:
        source_read(io.BytesIO(b"not dicom at all" * 20))
    assert caught.value.code == "broken-header"


def test_a_frame_cut_off_near_its_end_shows_and_says_that_it_is_not_whole() -> None:
    whole = part10(ct_slice())
    file = io.BytesIO(whole[:-100])
    source = source_read(file)
    assert not raster_read(source, file, 0).complete
    file = io.BytesIO(whole)
    assert raster_read(source_read(file), file, 0).complete


def test_three_gigabytes_declared_in_a_short_file_are_refused_quickly() -> None:
    whole = part10(ct_slice(Rows=15_000, Columns=17_000))
    file = io.BytesIO(whole)
    source = source_read(file)
    with pytest.raises(Undecodable) as caught:
        raster_read(source, file, 0)
    assert caught.value.code == "truncated"


def test_the_source_is_small_whatever_the_object() -> None:
    ds = ct_slice(NumberOfFrames=100)
    ds.PixelData = ds.PixelData * 100
    source: ImageSource = source_read(file_of(ds))
    assert source.frames == 100
    assert source.nbytes < 10_000
