"""The study list: what it finds, how it is sorted, what stands in its address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from archive.models import Study

pytestmark = pytest.mark.django_db
Keep = Callable[..., Study]


def shown(client: Client, address: str = "/") -> list[str]:
    """Descriptions in the order of the rows."""
    text = client.get(address).content.decode()
    return re.findall(r'class="tags">.*?</td>\n<td role="gridcell">(.*?)</td>', text)


@pytest.fixture
def three(keep: Keep) -> None:
    today = timezone.localdate()
    keep(
        PatientName="Wang^Xiaoming=王^小明",
        SpecificCharacterSet="ISO_IR 192",
        PatientID="00482913",
        StudyDate=f"{today:%Y%m%d}",
        StudyDescription="Chest",
        Modality="CT",
        AccessionNumber="A100",
    )
    keep(
        PatientName="Müller^Jürgen",
        SpecificCharacterSet="ISO_IR 192",
        PatientID="20551093",
        StudyDate=f"{today - timedelta(days=3):%Y%m%d}",
        StudyDescription="Knee",
        Modality="MR",
        AccessionNumber="A200",
    )
    keep(
        PatientName="Doe^Jane",
        PatientID="7",
        StudyDate="20200101",
        StudyDescription="Abdomen",
        Modality="CR",
        AccessionNumber="B300",
    )


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Chest", "Knee", "Abdomen"]),
        ("q=王", ["Chest"]),
        ("q=小明", ["Chest"]),
        ("q=wang+xm", ["Chest"]),
        ("q=wxm", ["Chest"]),
        ("q=MULLER", ["Knee"]),
        ("q=0048", ["Chest"]),
        ("q=b300", ["Abdomen"]),
        ("q=nobody", []),
        ("date=today", ["Chest"]),
        ("date=week", ["Chest", "Knee"]),
        ("date=range&since=2019-12-31&until=2020-01-02", ["Abdomen"]),
        ("date=range&until=2020-01-02", ["Abdomen"]),
        ("m=MR", ["Knee"]),
        ("m=MR&m=CR", ["Knee", "Abdomen"]),
        ("description=abd", ["Abdomen"]),
        ("state=conflict", []),
        ("q=doe&m=MR", []),
        ("sort=description", ["Abdomen", "Chest", "Knee"]),
        ("sort=-description", ["Knee", "Chest", "Abdomen"]),
        ("sort=date", ["Abdomen", "Knee", "Chest"]),
        ("sort=nonsense", ["Chest", "Knee", "Abdomen"]),
        ("page=999", ["Chest", "Knee", "Abdomen"]),
        ("page=-1&m=%3Cb%3E&date=never&since=x", ["Chest", "Knee", "Abdomen"]),
    ],
)
def test_address_decides_what_is_shown(as_rita: Client, query: str, found: list[str]) -> None:
    assert shown(as_rita, f"/?{query}") == found


@pytest.mark.usefixtures("three")
def test_matched_letters_are_marked(as_rita: Client) -> None:
    text = as_rita.get("/?q=wang+xm").content.decode()
    assert "<span><mark>Wang</mark> <mark>X</mark>iao<mark>m</mark>ing</span>" in text


def test_markup_in_a_name_is_text(as_rita: Client, keep: Keep) -> None:
    keep(
        PatientName="<script>alert(1)</script>^<img src=x>", PatientID="<i>1</i>", StudyDescription="<u>x</u>"
    )
    for address, found in (
        ("/", True),
        ("/?q=script", True),
        ("/?q=%3Ci", True),
        ("/?q=%3Cscript%3E", False),
    ):
        text = as_rita.get(address).content.decode()
        assert ("&lt;img" in text) is found
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<i>1" not in text
        assert "<u>x" not in text


def test_typing_gets_the_results_alone_and_a_short_address(as_rita: Client, keep: Keep) -> None:
    keep()
    query = "q=doe&date=&since=&until=&description=&sort="
    answer = as_rita.get(f"/?{query}", headers={"HX-Request": "true"})
    assert answer.headers["HX-Replace-Url"] == "/?q=doe"
    assert "<html" not in answer.content.decode()
    assert 'id="results"' in answer.content.decode()


def test_page_says_which_part_of_how_many(as_rita: Client, keep: Keep) -> None:
    first = keep()
    Study.objects.bulk_create(
        Study(patient=first.patient, study_instance_uid=f"1.2.{n}", sort_key=f"2000{n:04}")
        for n in range(1204)
    )
    text = as_rita.get("/").content.decode()
    assert "1–50 of 1,205" in text
    assert 'rel="next" href="?page=2"' in text
    text = as_rita.get("/?page=25").content.decode()
    assert "1,201–1,205 of 1,205" in text
    assert 'rel="prev" href="?page=24"' in text


def test_conflict_is_said_in_words(as_rita: Client, keep: Keep) -> None:
    keep(PatientName="Li^Na", PatientBirthDate="19970202", PatientSex="F")
    keep(PatientName="Zhao^Lei", PatientBirthDate="19610909", PatientSex="M")
    text = as_rita.get("/?state=conflict").content.decode()
    assert text.count('<span class="state conflict">One ID, two people</span>') == 2


def test_empty_archive_says_what_will_happen(as_rita: Client) -> None:
    assert "Nothing has arrived yet" in as_rita.get("/").content.decode()


def test_search_without_result_offers_a_way_out(as_rita: Client) -> None:
    text = as_rita.get("/?q=%3Cxyz%3E").content.decode()
    assert "No study matches “&lt;xyz&gt;”" in text
    assert "Clear filters" in text


def test_reader_is_offered_no_printing(as_rita: Client, keep: Keep) -> None:
    keep()
    text = as_rita.get("/").content.decode()
    assert "data-print" not in text
    assert 'id="act-print"' not in text
