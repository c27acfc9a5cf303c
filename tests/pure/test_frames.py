"""One frame's bytes out of a file, however its pixel data is laid out (PS3.5 8.1.1, A.4)."""

from __future__ import annotations

import io
import struct

import pytest

from archive.dicom.frames import FrameUnreadable, encapsulated_index, native_index

SOI = b"\xff\xd8\xff\xe0"


def item(data: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data


def encapsulated(*fragments: bytes, table: bytes = b"") -> io.BytesIO:
    """Something before, the offset table, the fragments, the delimiter, something behind."""
    body = item(table) + b"".join(item(part) for part in fragments)
    return io.BytesIO(b"head" + body + b"\xfe\xff\xdd\xe0\0\0\0\0" + b"trailing element")


def frames_of(file: io.BytesIO, count: int, **tables: bytes) -> list[bytes]:
    index = encapsulated_index(file, offset=4, frames=count, **tables)
    return [index.read(file, frame).data for frame in range(index.frames)]


class CountingFile(io.BytesIO):
    """Counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_native_frames_lie_side_by_side() -> None:
    file = io.BytesIO(b"head" + bytes(range(12)) + b"tail")
    index = native_index(file, offset=4, length=12, frame_bits=32, frames=3)
    assert index.read(file, 0).data == b"\0\1\2\3"
    assert index.read(file, 2).data == b"\x08\x09\x0a\x0b"


def test_reading_one_native_frame_does_not_read_the_others() -> None:
    file = CountingFile(bytes(1_000_000))
    index = native_index(file, offset=0, length=1_000_000, frame_bits=8_000, frames=1000)
    file.taken = 0
    index.read(file, 500)
    assert file.taken == 1000


def test_frames_of_single_bits_may_start_inside_a_byte() -> None:
    """PS3.5 8.1.1: three frames of 5 bits in two bytes."""
    file = io.BytesIO(bytes([0b11100000, 0b01111111]))
    index = native_index(file, offset=0, length=2, frame_bits=5, frames=3)
    read = [index.read(file, frame) for frame in range(3)]
    assert [part.bit_offset for part in read] == [0, 5, 2]
    assert [part.data for part in read] == [b"\xe0", b"\xe0\x7f", b"\x7f"]


def test_big_endian_words_of_bytes_are_swapped_in_pairs() -> None:
    """OW in Explicit VR Big Endian: odd frames start in the middle of a word."""
    file = io.BytesIO(b"\1\0\3\2\5\4")
    index = native_index(file, offset=0, length=6, frame_bits=24, frames=2, word_aligned=True)
    assert index.read(file, 0).data[:3] == b"\0\1\2"
    assert index.read(file, 1).data[:3] == b"\3\4\5"


def test_a_native_frame_beyond_the_end_of_the_file_is_short_and_says_so() -> None:
    file = io.BytesIO(b"abcdef")
    index = native_index(file, offset=0, length=3_000_000_000, frame_bits=32, frames=2)
    assert index.read(file, 0).complete
    short = index.read(file, 1)
    assert (short.data, short.complete) == (b"ef", False)


@pytest.mark.parametrize("frame", [-1, 3])
def test_a_frame_that_is_not_there_is_named(frame: int) -> None:
    file = io.BytesIO(bytes(12))
    index = native_index(file, offset=0, length=12, frame_bits=32, frames=3)
    with pytest.raises(FrameUnreadable) as caught:
        index.read(file, frame)
    assert caught.value.code == "no-such-frame"


def test_without_a_table_as_many_fragments_as_frames_are_one_each() -> None:
    assert frames_of(encapsulated(b"aa", b"bbbb"), 2) == [b"aa", b"bbbb"]


def test_a_single_frame_takes_all_fragments() -> None:
    assert frames_of(encapsulated(b"aa", b"bbbb", b"cc"), 1) == [b"aabbbbcc"]


def test_the_basic_offset_table_tells_which_fragments_make_a_frame() -> None:
    table = struct.pack("<2I", 0, 20)  # the second frame starts behind two fragments of 8 + 2 bytes
    assert frames_of(encapsulated(b"aa", b"bb", b"cc", table=table), 2) == [b"aabb", b"cc"]


def test_a_basic_offset_table_that_points_nowhere_is_not_believed() -> None:
    table = struct.pack("<2I", 0, 19)
    assert frames_of(encapsulated(b"aa", b"bb", table=table), 2) == [b"aa", b"bb"]


def test_without_a_table_frames_of_several_fragments_are_told_apart_by_their_start() -> None:
    file = encapsulated(SOI + b"11", b"1111", SOI + b"22", b"2222", b"22")
    assert frames_of(file, 2) == [SOI + b"111111", SOI + b"22222222"]


def test_fragments_without_start_markers_cannot_be_told_apart() -> None:
    with pytest.raises(FrameUnreadable) as caught:
        frames_of(encapsulated(b"aa", b"bb", b"cc"), 2)
    assert caught.value.code == "fragments"


def test_the_extended_offset_table_goes_before_the_basic_one_and_cuts_padding_off() -> None:
    """PS3.3 C.7.6.3.1.8: offsets and lengths of 64 bits."""
    offsets, lengths = struct.pack("<2Q", 0, 12), struct.pack("<2Q", 3, 2)
    file = encapsulated(b"aaa\0", b"bb")
    assert frames_of(file, 2, extended_offsets=offsets, extended_lengths=lengths) == [b"aaa", b"bb"]


def test_fewer_fragments_than_frames_leave_the_last_frames_out() -> None:
    assert frames_of(encapsulated(b"aa", b"bb"), 5) == [b"aa", b"bb"]


def test_a_fragment_cut_off_by_the_end_of_the_file_is_incomplete() -> None:
    whole = encapsulated(b"aaaa", b"bbbb").getvalue()
    file = io.BytesIO(whole[: whole.index(b"bbbb") + 2])
    index = encapsulated_index(file, offset=4, frames=2)
    assert index.read(file, 0).complete
    last = index.read(file, 1)
    assert (last.data, last.complete) == (b"bb", False)


def test_a_delimiter_inside_a_fragment_does_not_end_the_frame() -> None:
    inside = b"\xfe\xff\xdd\xe0\0\0\0\0more"
    assert frames_of(encapsulated(inside), 1) == [inside]


@pytest.mark.parametrize("body", [b"", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\0" * 40, item(b"")])
def test_pixel_data_without_fragments_is_named(body: bytes) -> None:
    with pytest.raises(FrameUnreadable) as caught:
        encapsulated_index(io.BytesIO(b"head" + body), offset=4, frames=1)
    assert caught.value.code == "no-fragments"


def test_a_hostile_number_of_frames_takes_no_memory() -> None:
    file = encapsulated(b"aa", b"bb")
    assert encapsulated_index(file, offset=4, frames=2**31 - 1).nbytes < 1000
    assert native_index(file, offset=0, length=8, frame_bits=8, frames=2**31 - 1).nbytes < 1000


def test_an_item_that_declares_three_gigabytes_is_read_as_far_as_it_is_there() -> None:
    file = io.BytesIO(b"head" + item(b"") + b"\xfe\xff\x00\xe0" + struct.pack("<I", 3_000_000_000) + b"abc")
    read = encapsulated_index(file, offset=4, frames=1).read(file, 0)
    assert (read.data, read.complete) == (b"abc", False)
