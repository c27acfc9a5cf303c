"""The frame socket's protocol: text in, typed requests or named errors out; pictures in binary messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.imaging.params import JPEG, PNG, View, VoiFunction, Window
from viewer.protocol import (
    CHUNK,
    Drawn,
    Fault,
    Flag,
    FrameHeader,
    FrameRequest,
    Ping,
    PrefetchRequest,
    ProbeRequest,
    ProtocolError,
    Quality,
    request_parse,
)

FRAME: dict[str, Any] = {
    "op": "frame",
    "seq": 7,
    "viewport": 1,
    "instance": 42,
    "frame": 3,
    "voi": {"center": 40, "width": 400},
    "invert": False,
    "size": [512, 400],
    "quality": "moving",
}


def parse(**changes: Any) -> Any:
    return request_parse(json.dumps({**FRAME, **changes}))


def fault_of(text: str | None) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        request_parse(text)
    return caught.value


def test_a_frame_request_is_read_whole() -> None:
    assert parse() == FrameRequest(
        seq=7,
        viewport=1,
        instance=42,
        frame=3,
        view=View(window=Window(40.0, 400.0), box=(512, 400)),
        quality=Quality.MOVING,
    )


def test_no_voi_leaves_the_choice_to_the_object() -> None:
    assert parse(voi=None).view == View(box=(512, 400))


@pytest.mark.parametrize(
    ("voi", "view"),
    [
        ({"auto": True}, View(auto=True, box=(512, 400))),
        ({"lut": 1}, View(voi_lut=1, box=(512, 400))),
        (
            {"center": 0.5, "width": 0.25, "function": "SIGMOID"},
            View(window=Window(0.5, 0.25, VoiFunction.SIGMOID), box=(512, 400)),
        ),
    ],
)
def test_other_ways_to_ask_for_a_window(voi: dict[str, Any], view: View) -> None:
    assert parse(voi=voi).view == view


def test_moving_is_jpeg_and_settled_is_lossless() -> None:
    assert parse().quality.encoding == JPEG
    assert JPEG.quality == 85
    assert parse(quality="settled").quality.encoding == PNG


def test_prefetch_carries_one_look_for_all_its_frames() -> None:
    request = request_parse(
        json.dumps({**FRAME, "op": "prefetch", "frames": [[8, 43, 1], [9, 44, 1]], "instance": None})
    )
    assert isinstance(request, PrefetchRequest)
    assert [(frame.seq, frame.instance, frame.frame) for frame in request.frames] == [(8, 43, 1), (9, 44, 1)]
    assert all(frame.prefetch and frame.view.window == Window(40.0, 400.0) for frame in request.frames)


def test_small_requests() -> None:
    assert request_parse('{"op": "drawn", "seq": 5}') == Drawn(5)
    assert request_parse('{"op": "ping", "seq": 6}') == Ping(6)
    probe = {"op": "probe", "seq": 1, "viewport": 0, "instance": 2, "frame": 1, "x": 10, "y": 0}
    assert request_parse(json.dumps(probe)) == ProbeRequest(1, 0, 2, 1, 10, 0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, Fault.BINARY),
        ("", Fault.NOT_JSON),
        ("{", Fault.NOT_JSON),
        ("[" * 4000, Fault.NOT_JSON),
        ('{"op": "ping", "seq": NaN}', Fault.NOT_JSON),
        ("9" * 4096, Fault.NOT_AN_OBJECT),
        ("[]", Fault.NOT_AN_OBJECT),
        ('"frame"', Fault.NOT_AN_OBJECT),
        ("{}", Fault.UNKNOWN_OP),
        ('{"op": "delete"}', Fault.UNKNOWN_OP),
        ('{"op": ["frame"]}', Fault.UNKNOWN_OP),
        (" " * 5000, Fault.TOO_LONG),
    ],
)
def test_what_is_no_request_is_named(text: str | None, fault: Fault) -> None:
    assert fault_of(text).fault is fault


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", -1),
        ("seq", 2**32),
        ("seq", True),
        ("seq", "7"),
        ("viewport", 64),
        ("instance", 0),
        ("instance", 2**63),
        ("instance", "1 OR 1=1"),
        ("frame", 0),
        ("frame", 1.5),
        ("frame", None),
        ("voi", "lung"),
        ("voi", {}),
        ("voi", {"center": 40}),
        ("voi", {"center": 40, "width": 0}),
        ("voi", {"center": 40, "width": -1}),
        ("voi", {"center": 1e300, "width": 1}),
        ("voi", {"center": 10**400, "width": 1}),
        ("voi", {"center": 0, "width": 1, "function": "CUBIC"}),
        ("voi", {"lut": -1}),
        ("invert", 1),
        ("invert", None),
        ("size", []),
        ("size", [512]),
        ("size", [0, 512]),
        ("size", [512, 8193]),
        ("size", "512x512"),
        ("quality", "best"),
        ("quality", []),
    ],
)
def test_a_wrong_value_names_its_field_and_request(field: str, value: Any) -> None:
    error = fault_of(json.dumps({**FRAME, field: value}))
    assert (error.fault, error.field) == (Fault.WRONG_VALUE, field)
    assert error.seq == (None if field == "seq" else 7)


def test_infinity_by_exponent_is_refused() -> None:
    text = json.dumps(FRAME).replace("400", "1e999", 1)
    assert fault_of(text).fault is Fault.WRONG_VALUE


@pytest.mark.parametrize("field", ["seq", "viewport", "instance", "frame", "size", "quality"])
def test_a_missing_field_is_named(field: str) -> None:
    error = fault_of(json.dumps({name: value for name, value in FRAME.items() if name != field}))
    assert (error.fault, error.field) == (Fault.MISSING, field)
    assert error.reply() == {
        "op": "error",
        "code": "missing",
        "field": field,
        "seq": None if field == "seq" else 7,
    }


@pytest.mark.parametrize(
    "frames", [None, {}, [[1, 2]], [[1, 2, 0]], [[1, "2", 3]], [1], [[n, 1, 1] for n in range(17)]]
)
def test_a_prefetch_list_is_short_and_regular(frames: Any) -> None:
    error = fault_of(json.dumps({**FRAME, "op": "prefetch", "frames": frames}))
    assert (error.fault, error.field) == (Fault.WRONG_VALUE, "frames")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def outcome_of(text: str) -> str:
    try:
        request_parse(text)
    except ProtocolError as error:
        return error.reply()["op"]
    return "request"


@given(st.text() | JSON.map(json.dumps))
def test_no_text_raises_anything_else(text: str) -> None:
    assert outcome_of(text) in {"request", "error"}


@given(st.sampled_from(sorted(FRAME)), JSON)
def test_no_field_raises_anything_else(field: str, value: Any) -> None:
    assert outcome_of(json.dumps({**FRAME, field: value})) in {"request", "error"}


HEADER = FrameHeader(
    seq=4_000_000_000,
    viewport=2,
    flags=Flag.PREVIEW | Flag.WINDOW,
    width=512,
    height=256,
    full_width=70_000,
    full_height=35_000,
    milliseconds=1.5,
    center=-600.0,
    window_width=1500.0,
)


def test_the_header_is_52_little_endian_bytes() -> None:
    (message,) = HEADER.messages(b"JPEG")
    assert (
        message
        == bytes.fromhex(
            "01 03 0200 00286bee 00020000 00010000 70110100 b8880000 0000c03f"
            "0000000000c082c0 0000000000709740 04000000 00000000"
        )
        + b"JPEG"
    )


def test_a_large_picture_goes_in_parts_below_the_servers_limit() -> None:
    data = bytes(range(256)) * 2500
    messages = list(HEADER.messages(data))
    assert [len(message) - 52 for message in messages] == [CHUNK, CHUNK, len(data) - 2 * CHUNK]
    assert max(map(len, messages)) < 1024 * 1024
    assert b"".join(message[52:] for message in messages) == data
    assert [FrameHeader.LAYOUT.unpack(message[:52])[-2:] for message in messages] == [
        (640_000, 0),
        (640_000, CHUNK),
        (640_000, 2 * CHUNK),
    ]
