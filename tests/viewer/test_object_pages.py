"""Pages of what is not an image: who sees them, where they lead, that nothing in them becomes markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from archive.ingest import Origin, file_ingest
from archive.models import AuditEvent, Instance
from tests import people
from tests.documents import (
    CDA,
    H264,
    channel,
    code,
    content,
    group,
    number,
    reference,
    report,
    video,
    waveform,
    wrapped,
)
from tests.objects import ct_slice, part10
from viewer.ranges import range_asked

pytestmark = pytest.mark.django_db
EVIL = '<script>alert("1")</script><img src=x onerror=alert(2)>'


@pytest.fixture
def keep(tmp_path: Path) -> Any:
    def keep_one(ds: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> Instance:
        path = tmp_path / f"{generate_uid()}.dcm"
        path.write_bytes(part10(ds, syntax))
        outcome = file_ingest(path=path, origin=Origin(source="TEST"))
        return Instance.objects.select_related("series__study").get(pk=outcome.instance_id)

    return keep_one


def page(client: Client, instance: Instance, query: str = "") -> str:
    answer = client.get(f"/instances/{instance.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_report_shows_values_with_units_and_opens_the_frame(as_rita: Client, keep: Any) -> None:
    image = keep(ct_slice(NumberOfFrames=3, Rows=4, Columns=4, PixelData=bytes(96)))
    key = reference(image.sop_instance_uid, ReferencedFrameNumber=[2, 9])
    size = number("12.4", code("mm", "UCUM", "millimeter"))
    found = keep(
        report(
            content("NUM", "Length", MeasuredValueSequence=size),
            content("IMAGE", "Key image", ReferencedSOPSequence=Sequence([key])),
            content("IMAGE", ReferencedSOPSequence=Sequence([reference("1.2.999")])),
            content("DATETIME", "When", DateTime="20261123024705+0800"),
            content("", relationship="INFERRED FROM", ReferencedContentItemIdentifier=[1, 1]),
        )
    )
    text = page(as_rita, found)
    assert '12.4 mm <span class="faint">millimeter</span>' in text
    viewer = f"/studies/{image.series.study_id}/view/?instance={image.pk}&amp;frame=2"
    assert f'href="{viewer}"' in text
    assert "1 frame the object does not have" in text
    assert "CT Image 1.2.999" in text
    assert "not in this archive" in text
    assert "2026-11-23 02:47:05 +08:00" in text
    assert 'href="#item-1.1"' in text


def test_hostile_text_stays_text(as_rita: Client, keep: Any) -> None:
    names = {"PatientName": EVIL[:60], "SeriesDescription": EVIL, "StudyDescription": EVIL}
    said = content("TEXT", EVIL, TextValue=EVIL * 3)
    lead = channel(EVIL[:16], "1", "mV")
    flat = group(np.zeros((9, 1), "<i2"), [lead], MultiplexGroupLabel=EVIL[:16])
    letter = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&lt;script&gt;x</title></ClinicalDocument>'
    for ds in (
        report(said, **names),
        waveform(flat, **names),
        wrapped(letter, EVIL[:60], CDA, DocumentTitle=EVIL, **names),
        wrapped(EVIL.encode(), "text/html", **names),
    ):
        found = keep(ds)
        for text in (
            page(as_rita, found),
            page(as_rita, found, "attributes/"),
            page(as_rita, found, "attributes/?q=" + EVIL),
        ):
            assert "<script>alert" not in text
            assert "<script>x" not in text
            assert "<img src=x" not in text


def test_waveform_is_drawn_at_the_speed_and_gain_asked_for(as_rita: Client, keep: Any) -> None:
    found = keep(waveform(group(np.array([[0], [1]], "<i2"), [channel("II")])))
    assert 'd="M20 15L20.25 5"' in page(as_rita, found)
    assert 'd="M20 25L20.5 5"' in page(as_rita, found, "?speed=50&gain=20")
    assert 'd="M20 15L20.25 5"' in page(as_rita, found, "?speed=7&gain=x&from=nan&group=-1")


def test_pdf_is_given_in_a_sandbox_and_only_for_what_it_is(as_rita: Client, keep: Any) -> None:
    letter = keep(wrapped(b"%PDF-1.4 letter", "application/pdf"))
    assert f'src="/instances/{letter.pk}/content"' in page(as_rita, letter)
    answer = as_rita.get(f"/instances/{letter.pk}/content")
    assert answer.content == b"%PDF-1.4 letter"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    other = keep(wrapped(EVIL.encode(), "text/html"))
    assert as_rita.get(f"/instances/{other.pk}/content").status_code == 404
    assert "another program can open it" in page(as_rita, other)


def test_taking_a_document_out_needs_the_right_and_is_recorded(client: Client, keep: Any) -> None:
    other = keep(wrapped(EVIL.encode(), "text/html"))
    address = f"/instances/{other.pk}/content?download=1"
    client.force_login(people.rita_reader(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address).status_code == 403
    client.force_login(people.omar_operator(), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(address)
    assert answer.content == EVIL.encode()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="doc-{other.pk}.bin"'
    assert AuditEvent.objects.get(action="exported").object == other.sop_instance_uid


def test_video_is_given_in_ranges(as_rita: Client, keep: Any) -> None:
    stream = b"\0\0\0\x20ftypisom" + bytes(range(200))
    found = keep(video(stream), H264)
    assert "<video " in page(as_rita, found)
    answer = as_rita.get(f"/instances/{found.pk}/content", headers={"Range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, b"ftyp")
    assert answer.headers["Content-Range"] == "bytes 4-7/212"
    assert as_rita.get(f"/instances/{found.pk}/content", headers={"Range": "bytes=900-"}).status_code == 416
    whole = as_rita.get(f"/instances/{found.pk}/content")
    assert (whole.status_code, whole.content) == (200, stream)
    bare = keep(video(b"\0\0\0\x01\x67" + bytes(95)), H264)
    assert "bare H.264 stream" in page(as_rita, bare)
    assert as_rita.get(f"/instances/{bare.pk}/content").status_code == 404


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=100-", (0, 0)),
        ("bytes=-0", (0, 0)),
        ("bytes=5-3", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("", None),
    ],
)
def test_range_is_read_as_rfc_9110_says(header: str, asked: tuple[int, int] | None) -> None:
    assert range_asked(header, 100) == asked


def test_attributes_of_an_image_are_searched_by_name_tag_and_value(as_rita: Client, keep: Any) -> None:
    inner = Dataset()
    inner.CodeValue = "needle"
    found = keep(ct_slice(ViewCodeSequence=Sequence([inner])))
    assert as_rita.get(f"/instances/{found.pk}/").headers["Location"].endswith(f"/view/?instance={found.pk}")
    for words in ("rescale slope", "00281053", "0028,1053"):
        assert "Rescale Slope" in page(as_rita, found, f"attributes/?q={words}")
    text = page(as_rita, found, "attributes/?q=needle")
    assert text.index("View Code Sequence") < text.index("Item 1") < text.index("needle</td>")
    assert "Rescale Slope" not in text
    part = as_rita.get(f"/instances/{found.pk}/attributes/?q=rows", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()


def test_tile_and_strip_lead_to_the_page(as_rita: Client, keep: Any) -> None:
    image = keep(ct_slice())
    shared = {"StudyInstanceUID": image.series.study.study_instance_uid}
    found = keep(report(content("TEXT", TextValue="a"), **shared))
    clip = keep(video(b"\0\0\0\x20ftypisom", **shared), H264)
    study = image.series.study_id
    for text in (as_rita.get(f"/studies/{study}/{part}").content.decode() for part in ("", "view/")):
        assert f'href="/instances/{found.pk}/"' in text
        assert f'href="/instances/{clip.pk}/"' in text
    assert (
        f'href="/instances/{image.pk}/attributes/"' in as_rita.get(f"/studies/{study}/view/").content.decode()
    )
    answer = as_rita.get(f"/studies/{study}/view/?instance={found.pk}")
    assert answer.headers["Location"] == f"/instances/{found.pk}/"


@pytest.mark.parametrize("part", ["", "attributes/", "content"])
def test_what_was_rejected_or_is_not_for_somebody_is_not_there(part: str, client: Client, keep: Any) -> None:
    found = keep(wrapped(b"%PDF-1.4 letter", "application/pdf"))
    address = f"/instances/{found.pk}/{part}"
    assert client.get(address).status_code == 302  # to the log-in
    client.force_login(people.nobody_nil(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address).status_code == 403
    client.force_login(people.rita_reader(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address).status_code == 200
    assert AuditEvent.objects.filter(action="study-viewed", patient_id="P1").count() == 1
    Instance.objects.update(rejected_at=timezone.now())
    assert client.get(address).status_code == 404
    assert client.get(f"/instances/{found.pk + 1}/{part}").status_code == 404


def test_study_without_images_offers_its_documents(as_rita: Client, keep: Any) -> None:
    found = keep(report(content("TEXT", TextValue="a")))
    text = as_rita.get(f"/studies/{found.series.study_id}/view/").content.decode()
    assert "No images to show in this study." in text
    assert text.count(f'href="/instances/{found.pk}/"') == 2
