"""The frame socket: who may open it, what it sends, what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group
from django.test import override_settings
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from archive.ingest import Origin, file_ingest
from archive.models import Instance, Study
from archive.rendering import RENDER_POOL, STAMP
from tests import people
from tests.objects import ct_slice, item, part10, presentation_state
from tests.viewer.sockets import Page, Picture, log_in, socket_to
from viewer.consumers import flow, frames
from viewer.protocol import CHUNK, Flag

pytestmark = pytest.mark.django_db(transaction=True)


def keep(folder: Path, **changes: Any) -> Instance:
    """Ingest a small CT image: 16 x 16, stored value = column + 16 * row."""
    return keep_object(folder, ct_slice(**changes))


def keep_object(folder: Path, ds: Dataset) -> Instance:
    path = folder / f"{generate_uid()}.dcm"
    path.write_bytes(part10(ds))
    outcome = file_ingest(path=path, origin=Origin(source="TEST"))
    return Instance.objects.select_related("series__study").get(pk=outcome.instance_id)


@pytest.fixture
def image(transactional_db: None, tmp_path: Path) -> Instance:
    return keep(tmp_path)


@pytest.fixture
def rita(transactional_db: None) -> AbstractUser:
    return people.rita_reader()


def page_of(image: Instance, user: AbstractUser, query: str = "") -> Page:
    return Page(image.series.study_id, user, query)


# PS3.3 C.11.2.1.2.1, worked out by hand for centre 128, width 256: y = (x - 127.5) / 255 + 0.5
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


async def test_a_settled_frame_is_lossless_and_exact(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        picture = await page.picture(image.pk, voi={"center": 128, "width": 256})
    assert np.array_equal(picture.pixels, RAMP)
    assert picture.flags == Flag.PNG | Flag.WINDOW
    assert (picture.fields["full_width"], picture.fields["full_height"]) == (16, 16)
    assert (picture.fields["center"], picture.fields["window_width"]) == (128.0, 256.0)
    assert picture.fields["ms"] > 0


async def test_a_moving_frame_is_a_jpeg_marked_as_preview(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        picture = await page.picture(image.pk, voi={"center": 128, "width": 256}, quality="moving")
    assert picture.data[:3] == b"\xff\xd8\xff"
    assert picture.flags == Flag.PREVIEW | Flag.WINDOW
    assert np.abs(picture.pixels.astype(int) - RAMP).mean() < 3


async def test_while_a_window_is_dragged_steps_come_once_and_a_table_a_window(
    image: Instance, rita: AbstractUser
) -> None:
    async with page_of(image, rita) as page:
        steps = await page.picture(image.pk, quality="steps")
        table = await page.picture(image.pk, voi={"center": 128, "width": 256}, quality="table")
    assert np.array_equal(np.frombuffer(steps.data[STAMP:], "<u2"), np.arange(256))
    assert table.data[STAMP:] == bytes(range(256))
    assert steps.data[:STAMP] == table.data[:STAMP]
    assert (steps.flags, table.flags) == (Flag(0), Flag.WINDOW)
    assert (steps.fields["width"], steps.fields["height"]) == (16, 16)
    assert (table.fields["center"], table.fields["window_width"]) == (128.0, 256.0)


async def test_a_picture_that_is_more_than_its_greys_has_no_steps(tmp_path: Path, rita: AbstractUser) -> None:
    image = await sync_to_async(keep)(
        tmp_path,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=bytes(768),
    )
    async with page_of(image, rita) as page:
        reply = await page.refusal(image.pk, quality="table")
    assert reply["code"] == "no-steps"


async def test_invert_turns_the_greys_round(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        picture = await page.picture(image.pk, voi={"center": 128, "width": 256}, invert=True)
    assert np.array_equal(picture.pixels, 255 - RAMP)


async def test_without_a_window_the_images_own_is_used_and_told(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        picture = await page.picture(image.pk)
    assert (picture.fields["center"], picture.fields["window_width"]) == (40.0, 400.0)


async def test_a_picture_is_never_larger_than_the_frame(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        large = await page.picture(image.pk, size=[4000, 4000])
        small = await page.picture(image.pk, size=[8, 300])
    assert large.pixels.shape == (16, 16)
    assert small.pixels.shape == (8, 8)
    assert (small.fields["full_width"], small.fields["full_height"]) == (16, 16)


async def test_a_large_picture_comes_in_parts(tmp_path: Path, rita: AbstractUser) -> None:
    noise = np.random.default_rng(7).integers(0, 4096, (1024, 1024)).astype("<i2")
    image = await sync_to_async(keep)(tmp_path, Rows=1024, Columns=1024, PixelData=noise.tobytes())
    async with page_of(image, rita) as page:
        await page.want(image.pk, voi={"center": 2048, "width": 4096}, size=[1024, 1024])
        sizes = []
        while sum(sizes) < 3 * CHUNK:
            sizes.append(len((await page.socket.receive_output(30))["bytes"]) - 52)
        assert set(sizes) == {CHUNK}
        await page.say({"op": "drawn", "seq": 1})
        await page.silence()
        while not await page.socket.receive_nothing(0.05):
            await page.socket.receive_output(1)
        picture = await page.picture(image.pk, voi={"center": 2048, "width": 4096}, size=[1024, 1024])
    assert picture.pixels.shape == (1024, 1024)
    expected = np.clip((noise - 2047.5) / 4095 * 255 + 127.5, 0, 255)
    assert np.abs(picture.pixels - expected).max() <= 1


@contextmanager
def busy_pool() -> Iterator[threading.Event]:
    """Every thread that renders is busy until the event is set."""
    free = threading.Event()
    for _ in range(RENDER_POOL._max_workers):
        RENDER_POOL.submit(free.wait, 30)
    try:
        yield free
    finally:
        free.set()


async def test_the_latest_wish_wins(image: Instance, rita: AbstractUser) -> None:
    """While one frame is made, a hundred wishes for the viewport leave one."""
    async with page_of(image, rita) as page:
        with busy_pool() as free:
            first = await page.want(image.pk, voi={"center": 0, "width": 100})
            assert await page.silence()
            for center in range(1, 100):
                last = await page.want(image.pk, voi={"center": center, "width": 100})
            assert await page.silence()
            free.set()
            answered = []
            while not answered or answered[-1] != last:
                reply = await page.hear()
                assert isinstance(reply, Picture)
                answered.append(reply.fields["seq"])
        assert await page.silence()
    assert answered == [first, last]


async def test_a_page_that_draws_nothing_is_sent_no_more(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        came = 0
        for center in range(40):
            await page.want(image.pk, voi={"center": center, "width": 100})
            if not await page.socket.receive_nothing(0.25 if came == 0 else 0.05):
                await page.socket.receive_output(5)  # taken, never told as drawn
                came += 1
        assert came == 24
        await page.say({"op": "drawn", "seq": 1})
        assert isinstance(await page.hear(), Picture)


async def test_neighbours_are_fetched_early_and_marked(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        await page.say(
            {
                "op": "prefetch",
                "viewport": 3,
                "frames": [[5, image.pk, 1], [6, image.pk, 1]],
                "voi": None,
                "size": [16, 16],
                "quality": "moving",
            }
        )
        replies = [await page.hear(), await page.hear()]
    assert [reply.fields["seq"] for reply in replies] == [5, 6]
    assert all(reply.flags & Flag.PREFETCHED for reply in replies)
    assert {reply.fields["viewport"] for reply in replies} == {3}


async def test_the_probe_tells_the_stored_value(tmp_path: Path, rita: AbstractUser) -> None:
    image = await sync_to_async(keep)(tmp_path, RescaleSlope=2, RescaleIntercept=-1000, RescaleType="HU")
    async with page_of(image, rita) as page:
        await page.say(
            {"op": "probe", "seq": 1, "viewport": 0, "instance": image.pk, "frame": 1, "x": 3, "y": 2}
        )
        reply = await page.hear()
        assert isinstance(reply, dict)
        assert {name: reply[name] for name in ("op", "seq", "x", "y", "stored", "value", "unit")} == {
            "op": "probe",
            "seq": 1,
            "x": 3,
            "y": 2,
            "stored": 35,
            "value": -930.0,
            "unit": "HU",
        }
        await page.say(
            {"op": "probe", "seq": 2, "viewport": 0, "instance": image.pk, "frame": 1, "x": 99, "y": 2}
        )
        assert await page.silence()


async def test_a_ping_is_answered(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        await page.say({"op": "ping", "seq": 9})
        assert await page.hear() == {"op": "pong", "seq": 9}


# --- what cannot be shown ---


async def test_a_frame_that_is_not_there_says_so_and_the_neighbours_go_on(
    image: Instance, rita: AbstractUser
) -> None:
    async with page_of(image, rita) as page:
        reply = await page.refusal(image.pk, frame=2)
        assert reply["op"] == "unavailable"
        assert reply["seq"] == 1
        assert len(reply["sentence"]) > 20
        assert isinstance(await page.picture(image.pk), Picture)


async def test_a_sentence_comes_in_the_language_of_the_page(image: Instance, rita: AbstractUser) -> None:
    with mock.patch.object(frames.translation, "override", wraps=frames.translation.override) as override:
        async with page_of(image, rita, "?language=zh-hans") as page:
            await page.refusal(image.pk, frame=2)
        async with page_of(image, rita, "?language=tlh") as page:
            await page.refusal(image.pk, frame=2)
    assert [call.args[0] for call in override.call_args_list] == ["zh-hans", "en"]


async def test_an_error_of_ours_is_a_sentence_and_a_line_in_the_log(
    image: Instance, rita: AbstractUser
) -> None:
    with mock.patch.object(frames, "presentation_frame_render", side_effect=ZeroDivisionError):
        async with page_of(image, rita) as page:
            reply = await page.refusal(image.pk)
    assert (reply["op"], reply["code"]) == ("unavailable", "failed")


async def test_an_image_of_another_study_looks_like_none(
    image: Instance, tmp_path: Path, rita: AbstractUser
) -> None:
    other = await sync_to_async(keep)(tmp_path, PatientID="P2", PatientName="Roe^Richard")
    assert other.series.study_id != image.series.study_id
    async with page_of(image, rita) as page:
        elsewhere = await page.refusal(other.pk)
        nowhere = await page.refusal(999_999)
    assert elsewhere["code"] == "not-in-study"
    assert {**elsewhere, "seq": 0} == {**nowhere, "seq": 0}


async def test_a_frame_under_a_presentation_state_of_its_study(
    image: Instance, tmp_path: Path, rita: AbstractUser
) -> None:
    ds = ct_slice(
        SOPInstanceUID=image.sop_instance_uid, StudyInstanceUID=image.series.study.study_instance_uid
    )
    ours, theirs = (
        presentation_state(ds, PresentationLUTShape="INVERSE"),
        presentation_state(ct_slice(PatientID="P2")),
    )
    ours.SoftcopyVOILUTSequence = [item(WindowCenter=128, WindowWidth=256)]
    state, strange = [await sync_to_async(keep_object)(tmp_path, one) for one in (ours, theirs)]
    async with page_of(image, rita) as page:
        shown = await page.picture(image.pk, quality="settled", presentation=state.pk)
        refused = await page.refusal(image.pk, presentation=strange.pk)
        broken = await page.refusal(image.pk, presentation=image.pk)
    assert np.array_equal(shown.pixels, 255 - RAMP)
    assert (refused["code"], broken["code"]) == ("not-in-study", "presentation")


async def test_an_image_rejected_meanwhile_is_gone(
    image: Instance, rita: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "CHECK_SECONDS", 0.05)
    async with page_of(image, rita) as page:
        await page.picture(image.pk)
        await Instance.objects.filter(pk=image.pk).aupdate(rejected_at="2026-11-23T00:00:00Z")
        for _ in range(100):
            await asyncio.sleep(0.02)
            await page.want(image.pk)
            reply = await page.hear()
            if isinstance(reply, dict):
                break
        assert isinstance(reply, dict)
        assert reply["code"] == "not-in-study"


# --- nonsense ---


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" ", "not-json"),
        ("{" * 100, "not-json"),
        ("[]", "not-an-object"),
        ('{"op": "format-disk"}', "unknown-op"),
        ('{"op": "frame", "seq": 1}', "missing"),
        ('{"op": "drawn", "seq": "all"}', "wrong-value"),
        ("x" * 5000, "too-long"),
    ],
)
async def test_nonsense_gets_a_named_error_and_the_socket_goes_on(
    image: Instance, rita: AbstractUser, text: str, code: str
) -> None:
    async with page_of(image, rita) as page:
        await page.say(text)
        reply = await page.hear()
        assert isinstance(reply, dict)
        assert (reply["op"], reply["code"]) == ("error", code)
        assert isinstance(await page.picture(image.pk), Picture)


async def test_bytes_are_refused_by_name(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        await page.socket.send_to(bytes_data=b"\x00\x01")
        assert await page.hear() == {"op": "error", "code": "binary", "field": "", "seq": None}


async def test_a_number_used_twice_is_refused(image: Instance, rita: AbstractUser) -> None:
    async with page_of(image, rita) as page:
        await page.picture(image.pk)
        reply = await page.refusal(image.pk, seq=1)
    assert (reply["op"], reply["code"], reply["field"]) == ("error", "wrong-value", "seq")


async def test_a_flood_ends_the_socket(image: Instance, rita: AbstractUser) -> None:
    with mock.patch.object(flow, "MESSAGES_PER_SECOND", 0):  # however slow this machine is now
        async with page_of(image, rita) as page:
            for _ in range(flow.MESSAGES_BURST + 1):
                await page.say('{"op": "drawn", "seq": 1}')
            assert await page.hear() == {"op": "close", "code": 4429}


# --- who may ---


async def code_of(study_id: int | str, client: Any) -> int:
    socket = socket_to(study_id, client)
    connected, _ = await socket.connect(timeout=10)
    assert connected  # accepted first, so that the page hears why
    event = await socket.receive_output(10)
    await socket.disconnect(timeout=10)
    assert event["type"] == "websocket.close"
    return int(event["code"])


async def test_nobody_is_told_to_log_in(image: Instance) -> None:
    assert await code_of(image.series.study_id, None) == 4401


async def test_an_account_without_a_role_sees_nothing(image: Instance) -> None:
    client = await sync_to_async(log_in)(await sync_to_async(people.nobody_nil)())
    assert await code_of(image.series.study_id, client) == 4403


@pytest.mark.parametrize("study_id", [999_999, 0, 2**63, "9" * 5000])
async def test_an_unknown_study(rita: AbstractUser, study_id: int | str) -> None:
    assert await code_of(study_id, await sync_to_async(log_in)(rita)) == 4404


async def test_a_rejected_study(image: Instance, rita: AbstractUser) -> None:
    await Study.objects.filter(pk=image.series.study_id).aupdate(rejected_at="2026-11-23T00:00:00Z")
    assert await code_of(image.series.study_id, await sync_to_async(log_in)(rita)) == 4404


async def test_another_sites_page_gets_no_socket(image: Instance, rita: AbstractUser) -> None:
    socket = socket_to(image.series.study_id, await sync_to_async(log_in)(rita))
    socket.scope["headers"] = [
        (name, b"https://evil.example" if name == b"origin" else value)
        for name, value in socket.scope["headers"]
    ]
    connected, _ = await socket.connect(timeout=10)
    assert not connected


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CHECK_SECONDS", 0.05)


async def closed_with(page: Page) -> int:
    reply = await page.hear(timeout=10)
    assert isinstance(reply, dict)
    assert reply["op"] == "close"
    return int(reply["code"])


async def test_logging_out_ends_the_socket(image: Instance, rita: AbstractUser, quick_checks: None) -> None:
    async with page_of(image, rita) as page:
        await page.picture(image.pk)
        await sync_to_async(page.client.logout)()
        assert await closed_with(page) == 4401


async def test_losing_the_role_ends_the_socket(
    image: Instance, rita: AbstractUser, quick_checks: None
) -> None:
    async with page_of(image, rita) as page:
        await sync_to_async(rita.groups.remove)(await Group.objects.aget(name="reader"))
        assert await closed_with(page) == 4403


async def test_the_idle_lock_ends_the_socket(image: Instance, rita: AbstractUser, quick_checks: None) -> None:
    """Asking for frames is no touch: a cine loop in an empty room must not keep the session open."""
    async with page_of(image, rita) as page:

        def touched_long_ago() -> None:
            session = page.client.session
            session["active_at"] = time.time() - 10_000
            session.save()

        with override_settings(IDLE_LOCK_SECONDS=900):
            await sync_to_async(touched_long_ago)()
            await page.want(image.pk)
            replies = [await page.hear(10), await page.hear(10)]
    assert {"op": "close", "code": 4401} in replies


async def test_nothing_is_answered_after_the_close(image: Instance) -> None:
    socket = socket_to(image.series.study_id)
    await socket.connect(timeout=10)
    await socket.send_to(
        text_data=json.dumps(
            {
                "op": "frame",
                "seq": 1,
                "viewport": 0,
                "instance": image.pk,
                "frame": 1,
                "voi": None,
                "size": [16, 16],
                "quality": "moving",
            }
        )
    )
    events = [await socket.receive_output(10)]
    assert await socket.receive_nothing(0.2)
    await socket.disconnect(timeout=10)
    assert [event["type"] for event in events] == ["websocket.close"]


def test_sockets_render_in_a_pool_of_their_own() -> None:
    """Not in the one thread that all consumers share for the database: a decode must not stop the others."""
    assert RENDER_POOL._max_workers > 1
    assert RENDER_POOL._thread_name_prefix == "render"
    assert settings.ASGI_APPLICATION == "pacs_site.asgi.application"
