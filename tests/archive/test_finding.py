"""What a query finds at each level, by which keys, and what the answers say."""

from __future__ import annotations

import io
import random
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from archive import finding, leading
from archive.dicom.identifier import PATIENT_ROOT, STUDY_ROOT, Mode, query_read
from archive.dicom.reader import read_header
from archive.finding import entities_find
from archive.models import Instance, Patient, Study
from tests.archive.arrivals import receive
from tests.objects import ct_slice, dataset_bytes

pytestmark = pytest.mark.django_db

SAID = {"ae_title": "LIGHTBOX", "availability": "ONLINE"}


def find(level: str, *wanted: str, root=STUDY_ROOT, mode: Mode = Mode(), **keys: Any) -> list[dict[str, Any]]:  # noqa: B008
    """The answers to a query, by keyword."""
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword in wanted:
        setattr(identifier, keyword, None)
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    header = read_header(io.BytesIO(dataset_bytes(identifier)), transfer_syntax_uid="1.2.840.10008.1.2.1")
    query = query_read(header, levels=root, mode=mode)
    found = [answer for page in entities_find(query=query, said=SAID) for answer in page]
    return [{keyword_for_tag(tag): value for tag, value in answer.items()} for answer in found]


def ids(answers: list[dict[str, Any]], keyword: str = "StudyID") -> list[str]:
    return sorted(answer[keyword] for answer in answers)


def person(number: int, name: str, **changes: Any) -> Study:
    """A patient with one study of one image, called by ``number``."""
    given = {"PatientID": f"P{number}", "PatientName": name, "StudyID": str(number)} | changes
    given.setdefault("SpecificCharacterSet", "ISO_IR 192")
    outcome = receive(ct_slice(**given))
    return Instance.objects.select_related("series__study").get(pk=outcome.instance_id).series.study


# ---------------------------------------------------------------------- names


@pytest.fixture
def people() -> None:
    for number, name in enumerate(
        [
            "Wang^Xiaoming=王^小明", "WANG^XIAOHONG", "Wang", "Wangari^Maathai", "=张^小东", "Müller^Jürgen",
            "Zhang^Xiaodong", "Li^Xiao^Ming", "王小红", "100%^Rate_1", "10[0-9]^X", "==やまだ^たろう",
        ]
    ):  # fmt: skip
        person(number, name)


NAMES = [
    ("WANG^XIAO*", ["0", "1"]),
    ("wang^xiaoming", ["0"]),
    ("Wang*", ["0", "1", "2", "3"]),
    ("Wang", ["2"]),
    ("Wang^*", ["0", "1", "2"]),
    ("*ming*", ["0", "7"]),
    ("*xiao*", ["0", "1", "6", "7"]),
    ("*^xiao*", ["0", "1", "6", "7"]),
    ("li^xiao^ming", ["7"]),
    ("?ang^xiao*", ["0", "1"]),
    ("王*", ["0", "8"]),
    ("王^小*", ["0", "8"]),
    ("王小明", ["0"]),
    ("*小*", ["0", "4", "8"]),
    ("张小东", ["4"]),
    ("张^小东", ["4"]),
    ("muller^j*", ["5"]),
    ("MÜLLER^JÜRGEN", ["5"]),
    ("ＷＡＮＧ^xiaoming", ["0"]),
    ("やまだ*", ["11"]),
    ("wang*=王*", ["0"]),
    ("=王*", ["0", "8"]),
    ("zhang^xiao*", ["6"]),
    ("zxd", []),
    ("100%*", ["9"]),
    ("1%*", []),
    ("*rate_1", ["9"]),
    ("*rate?1", ["9"]),
    ("*ratex1", []),
    ("10[0-9]*", ["10"]),
    ("10[[]*", []),
    ("wang'; DROP TABLE archive_study; --*", []),
    ("*", [str(number) for number in range(12)]),
    ("*^*=*", [str(number) for number in range(12)]),
]


@pytest.mark.parametrize(("asked", "found"), NAMES, ids=[asked for asked, _ in NAMES])
@pytest.mark.parametrize("level", ["PATIENT", "STUDY"])
def test_a_name_finds(people: None, level: str, asked: str, found: list[str]) -> None:
    keyword = "PatientID" if level == "PATIENT" else "StudyID"
    answers = find(level, keyword, root=PATIENT_ROOT if level == "PATIENT" else STUDY_ROOT, PatientName=asked)
    assert sorted(ids(answers, keyword)) == sorted(
        ("P" if level == "PATIENT" else "") + number for number in found
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("zhang^xiao*", ["4", "6"]),
        ("zhangxiaodong", ["4", "6"]),
        ("zxd", ["4"]),
        ("xiaodong^zhang", ["4", "6"]),
        ("wang^xiaohong", ["1", "8"]),
        ("*dong", ["4", "6"]),
        ("zx", ["6"]),
    ],
)  # fmt: skip
def test_hanzi_by_pinyin_when_names_are_fuzzy(people: None, asked: str, found: list[str]) -> None:
    assert ids(find("STUDY", "StudyID", PatientName=asked, mode=Mode(fuzzy=True))) == found


def test_a_name_without_any_value_is_found_by_all_and_by_no_name() -> None:
    person(1, "")
    assert ids(find("STUDY", "StudyID", PatientName="")) == ["1"]
    assert find("STUDY", "StudyID", PatientName="W*") == []


def test_physicians_are_found_as_patients_are() -> None:
    for number, name in enumerate(["Grün^Eva", "GRUN^Otto", "Wang^Li=王^丽", ""]):
        person(number, "Doe", ReferringPhysicianName=name)
    assert ids(find("STUDY", "StudyID", ReferringPhysicianName="grun*")) == ["0", "1"]
    assert ids(find("STUDY", "StudyID", ReferringPhysicianName="王丽")) == ["2"]
    [answer] = find("STUDY", "ReferringPhysicianName", ReferringPhysicianName="*eva", StudyDate="20260101-")
    assert answer["ReferringPhysicianName"] == "Grün^Eva"


# ---------------------------------------------------------------------- values


@pytest.fixture
def values() -> None:
    person(0, "A", StudyDate="20260101", StudyTime="080000", AccessionNumber="ACC-1")
    person(1, "B", StudyDate="20260101", StudyTime="1530", AccessionNumber="acc-1")
    person(2, "C", StudyDate="20260102", StudyTime="075959.5", AccessionNumber="ACC_2")
    person(3, "D", StudyDate="20260102", StudyTime="10", AccessionNumber="ACCX2")
    person(4, "E", StudyDate="", StudyTime="", AccessionNumber="A\\C%")
    person(5, "F", StudyDate="20270301", StudyTime="235959", AccessionNumber="ACC*3")


VALUES = [
    ("StudyDate", "20260101", "01"),
    ("StudyDate", "2026.01.02", "23"),
    ("StudyDate", "2026-01-02", "23"),
    ("StudyDate", "20260101-20260102", "0123"),
    ("StudyDate", "-20260101", "01"),
    ("StudyDate", "20260102-", "235"),
    ("StudyDate", "20260131-20260228", ""),
    ("StudyDate", "20260102-20260101", ""),
    ("StudyDate", "20260102 - 20260102", "23"),
    ("StudyTime", "080000", "0"),
    ("StudyTime", "08", "0"),
    ("StudyTime", "0759", "2"),
    ("StudyTime", "0800-1000", "03"),
    ("StudyTime", "08-10", "03"),
    ("StudyTime", "-0800", "02"),
    ("StudyTime", "153000-", "15"),
    ("StudyTime", "075959.5-080000.000", "02"),
    ("StudyTime", "075959.6-100000", "03"),
    ("StudyTime", "23:59:59", "5"),
    ("AccessionNumber", "ACC-1", "0"),
    ("AccessionNumber", "ACC*", "0235"),
    ("AccessionNumber", "ACC_2", "2"),
    ("AccessionNumber", "ACC?2", "23"),
    ("AccessionNumber", "*2", "23"),
    ("AccessionNumber", "A?C%", "4"),
    ("AccessionNumber", "A%", ""),
    ("AccessionNumber", "ACC_?", "2"),
    ("AccessionNumber", "ACC*3", "5"),
    ("PatientID", "P3", "3"),
    ("PatientID", "p3", ""),
    ("PatientID", "P*", "012345"),
    ("PatientID", "?3", "3"),
    ("StudyID", "0?", ""),
    ("StudyID", "3", "3"),
    ("StudyInstanceUID", "1.2.*", ""),
]


@pytest.mark.parametrize(("keyword", "asked", "found"), VALUES)
def test_a_value_finds(values: None, keyword: str, asked: str, found: str) -> None:
    identifier = {keyword: asked}
    assert "".join(ids(find("STUDY", "StudyID", **identifier))) == found


def test_dates_and_times_match_each_alone_unless_it_was_agreed_to_join_them(values: None) -> None:
    """PS3.4 C.2.2.2.5."""
    asked = {"StudyDate": "20260101-20260102", "StudyTime": "1000-0800"}
    assert ids(find("STUDY", "StudyID", **asked)) == []
    assert ids(find("STUDY", "StudyID", **asked, mode=Mode(combined=True))) == ["1", "2"]
    asked = {"StudyDate": "20260101-20260102", "StudyTime": "0900-1200"}
    assert ids(find("STUDY", "StudyID", **asked)) == ["3"]
    assert ids(find("STUDY", "StudyID", **asked, mode=Mode(combined=True))) == ["1", "2", "3"]
    asked = {"StudyDate": "20260102-", "StudyTime": "0900-"}
    assert ids(find("STUDY", "StudyID", **asked, mode=Mode(combined=True))) == ["3", "5"]


def test_a_list_of_uids() -> None:
    uids = [person(number, "A").study_instance_uid for number in range(4)]
    asked = [uids[0], uids[2], "1.2.3.4.5"]
    assert ids(find("STUDY", "StudyID", StudyInstanceUID=asked)) == ["0", "2"]


def test_modalities_in_study_match_when_one_of_them_does() -> None:
    first = person(1, "A")
    same = {"StudyInstanceUID": first.study_instance_uid, "PatientID": "P1", "PatientName": "A"}
    receive(ct_slice(**same, Modality="SR"))
    person(2, "B", Modality="DX")
    assert ids(find("STUDY", "StudyID", ModalitiesInStudy="SR")) == ["1"]
    assert ids(find("STUDY", "StudyID", ModalitiesInStudy="ct")) == ["1"]
    assert ids(find("STUDY", "StudyID", ModalitiesInStudy=["DX", "SR"])) == ["1", "2"]
    assert ids(find("STUDY", "StudyID", ModalitiesInStudy="?R")) == ["1"]
    assert ids(find("STUDY", "StudyID", ModalitiesInStudy="C")) == []
    [answer] = find("STUDY", "ModalitiesInStudy", StudyID="1")
    assert answer["ModalitiesInStudy"] == "CT\\SR"


# ---------------------------------------------------------------------- levels


@pytest.fixture
def tree() -> dict[str, Any]:
    """A patient with two studies: three series of 2, 1 and 1 images; and another patient."""
    same = {"PatientID": "T1", "PatientName": "Tree^A", "SpecificCharacterSet": "ISO_IR 192"}
    uids = {name: f"1.2.3.{number}" for number, name in enumerate(("s1", "s2", "a", "b", "c"), 1)}
    request = Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureID = "SPS1", "RP1"
    request.RequestedProcedureDescription = "胸部"
    for study, series, number, changes in (
        ("s1", "a", 1, {"ContentDate": "20260105", "ImageType": ["ORIGINAL", "PRIMARY"]}),
        ("s1", "a", 2, {"ContentDate": "20260106", "ImageType": ["DERIVED", "PRIMARY"]}),
        ("s1", "b", 3, {"Modality": "SR", "SOPClassUID": SecondaryCaptureImageStorage, "PixelData": None}),
        ("s2", "c", 4, {"BodyPartExamined": "KNEE", "SeriesNumber": 7}),
    ):
        own = {
            "SeriesDescription": series,
            "StudyID": study,
            "StudyInstanceUID": uids[study],
            "SeriesInstanceUID": uids[series],
            "SOPInstanceUID": f"1.2.9.{number}",
            "InstanceNumber": number,
            "RequestAttributesSequence": [request] if series == "a" else [],
        }
        receive(ct_slice(**(same | own | changes)))
    person(9, "Other^B")
    return uids


def test_one_answer_for_each_patient(tree: dict[str, Any]) -> None:
    counts = [f"NumberOfPatientRelated{what}" for what in ("Studies", "Series", "Instances")]
    answers = find("PATIENT", "PatientName", "PatientBirthDate", "PatientSex", *counts, root=PATIENT_ROOT)
    assert [tuple(answer.values()) for answer in answers] == [
        ("Other^B", "19700101", "F", "1", "1", "1"),
        ("Tree^A", "19700101", "F", "2", "3", "4"),
    ]


def test_a_study_says_what_it_holds(tree: dict[str, Any]) -> None:
    asked = (
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "SOPClassesInStudy",
        "StudyDescription",
    )
    asked += ("InstanceAvailability", "RetrieveAETitle", "NumberOfPatientRelatedStudies", "InstitutionName")
    [answer] = find("STUDY", *asked, StudyInstanceUID=tree["s1"])
    assert answer == {
        "StudyInstanceUID": tree["s1"],
        "NumberOfStudyRelatedSeries": "2",
        "NumberOfStudyRelatedInstances": "3",
        "SOPClassesInStudy": f"{CTImageStorage}\\{SecondaryCaptureImageStorage}",
        "StudyDescription": "Chest",
        "InstanceAvailability": "ONLINE",
        "RetrieveAETitle": "LIGHTBOX",
        "NumberOfPatientRelatedStudies": "2",
        "InstitutionName": "",
    }


def test_a_study_is_found_by_a_class_in_it(tree: dict[str, Any]) -> None:
    assert ids(find("STUDY", "StudyID", SOPClassesInStudy=str(SecondaryCaptureImageStorage))) == ["s1"]


def test_what_the_archive_says_of_itself_is_matched(tree: dict[str, Any]) -> None:
    assert len(find("STUDY", InstanceAvailability="ONLINE")) == 3
    assert find("STUDY", InstanceAvailability="OFFLINE") == []


def test_series_of_a_study(tree: dict[str, Any]) -> None:
    answers = find(
        "SERIES",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
        "PatientName",
        StudyInstanceUID=tree["s1"],
    )
    asked = ("SeriesDescription", "NumberOfSeriesRelatedInstances", "PatientName")
    said = [tuple(answer[keyword] for keyword in asked) for answer in answers]
    assert said == [("a", "2", "Tree^A"), ("b", "1", "Tree^A")]
    assert ids(
        find("SERIES", "SeriesDescription", StudyInstanceUID=tree["s1"], Modality="sr"), "SeriesDescription"
    ) == ["b"]
    asked = {"StudyInstanceUID": tree["s2"], "BodyPartExamined": "KN*", "SeriesNumber": "007"}
    [answer] = find("SERIES", **asked)
    assert (answer["BodyPartExamined"], answer["SeriesNumber"]) == ("KNEE", "7")


def test_images_of_a_series(tree: dict[str, Any]) -> None:
    above = {"StudyInstanceUID": tree["s1"], "SeriesInstanceUID": tree["a"]}
    asked = (
        "SOPInstanceUID",
        "Rows",
        "NumberOfFrames",
        "ContentDate",
        "ImageType",
        "AvailableTransferSyntaxUID",
    )
    [first, second] = find("IMAGE", *asked, **above)
    assert first["SOPInstanceUID"] == "1.2.9.1"
    assert (first["Rows"], first["NumberOfFrames"], first["ContentDate"]) == ("16", "1", "20260105")
    assert (first["ImageType"], first["AvailableTransferSyntaxUID"]) == (
        "ORIGINAL\\PRIMARY",
        "1.2.840.10008.1.2.1",
    )
    for keys, found in (
        ({"InstanceNumber": "02"}, ["1.2.9.2"]),
        ({"ContentDate": "20260106-"}, ["1.2.9.2"]),
        ({"ContentDate": "-20260105"}, ["1.2.9.1"]),
        ({"ImageType": "DERIVED"}, ["1.2.9.2"]),
        ({"ImageType": "PRI*"}, ["1.2.9.1", "1.2.9.2"]),
        ({"ImageType": "RIMARY"}, []),
        ({"BitsAllocated": 16}, ["1.2.9.1", "1.2.9.2"]),
        ({"Rows": 15}, []),
        ({"SOPClassUID": str(CTImageStorage), "SOPInstanceUID": ["1.2.9.2", "1.2.9.3"]}, ["1.2.9.2"]),
    ):
        assert ids(find("IMAGE", "SOPInstanceUID", **above, **keys), "SOPInstanceUID") == found, keys
    assert second["SOPInstanceUID"] == "1.2.9.2"
    [answer] = find("IMAGE", "NumberOfFrames", StudyInstanceUID=tree["s1"], SeriesInstanceUID=tree["b"])
    assert answer["NumberOfFrames"] == ""


def test_the_path_has_to_hold_from_the_patient_down(tree: dict[str, Any]) -> None:
    asked = {"StudyInstanceUID": tree["s1"], "root": PATIENT_ROOT}
    assert len(find("SERIES", "Modality", PatientID="T1", **asked)) == 2
    assert find("SERIES", "Modality", PatientID="P9", **asked) == []
    assert find("IMAGE", StudyInstanceUID=tree["s2"], SeriesInstanceUID=tree["a"]) == []


def test_an_item_of_a_sequence_has_to_match_whole(tree: dict[str, Any]) -> None:
    """PS3.4 C.2.2.2.6."""

    def item(**values: str) -> list[Dataset]:
        made = Dataset()
        for keyword, value in values.items():
            setattr(made, keyword, value)
        return [made]

    above = {"StudyInstanceUID": tree["s1"]}
    [answer] = find(
        "SERIES",
        "SeriesDescription",
        RequestAttributesSequence=item(ScheduledProcedureStepID="SPS*"),
        **above,
    )
    assert answer["SeriesDescription"] == "a"
    [returned] = answer["RequestAttributesSequence"]
    assert list(returned.values()) == ["SPS1"]
    both = item(ScheduledProcedureStepID="SPS1", RequestedProcedureID="RP2")
    assert find("SERIES", RequestAttributesSequence=both, **above) == []
    answers = find("SERIES", RequestAttributesSequence=[], **above)
    assert [len(answer["RequestAttributesSequence"]) for answer in answers] == [1, 0]
    assert answers[0]["RequestAttributesSequence"][0][0x00321060] == "胸部"


def test_relational_queries_reach_over_the_levels(tree: dict[str, Any]) -> None:
    """PS3.4 C.4.1.3.2.2: keys of any level."""
    relational = {"mode": Mode(relational=True), "root": PATIENT_ROOT}
    assert ids(
        find("SERIES", "SeriesDescription", Modality="CT", PatientName="tree*", **relational),
        "SeriesDescription",
    ) == ["a", "c"]
    assert ids(find("STUDY", "StudyID", Modality="SR", **relational)) == ["s1"]
    assert ids(find("STUDY", "StudyID", SeriesInstanceUID=tree["c"], **relational)) == ["s2"]
    assert ids(find("STUDY", "StudyID", SOPInstanceUID="1.2.9.4", Modality="CT", **relational)) == ["s2"]
    assert ids(find("STUDY", "StudyID", SOPInstanceUID="1.2.9.4", Modality="SR", **relational)) == []
    assert ids(
        find("SERIES", "SeriesDescription", InstanceNumber="2", **relational), "SeriesDescription"
    ) == ["a"]
    assert ids(find("PATIENT", "PatientID", BodyPartExamined="KNEE", **relational), "PatientID") == ["T1"]
    assert ids(find("PATIENT", "PatientID", StudyID="9", PatientSex="F", **relational), "PatientID") == ["P9"]
    assert len(find("IMAGE", "SOPInstanceUID", **relational)) == 5
    [answer] = find("IMAGE", "StudyID", SOPInstanceUID="1.2.9.3", **relational)
    assert answer["StudyID"] == "s1"


# ---------------------------------------------------------------------- who is whose


def test_one_id_for_two_people_gives_two_answers() -> None:
    person(1, "Wang^Xiaoming", PatientID="X", PatientBirthDate="19700101")
    person(2, "Li^Na", PatientID="X", PatientBirthDate="19800202")
    answers = find("PATIENT", "PatientName", root=PATIENT_ROOT, PatientID="X")
    assert ids(answers, "PatientName") == ["Li^Na", "Wang^Xiaoming"]
    assert ids(find("STUDY", "StudyID", root=PATIENT_ROOT, PatientID="X")) == ["1", "2"]


def test_one_study_uid_for_two_patients_gives_two_answers() -> None:
    uid = person(1, "Wang^Xiaoming").study_instance_uid
    person(2, "Li^Na", StudyInstanceUID=uid)
    answers = find("STUDY", "PatientName", StudyInstanceUID=uid)
    assert ids(answers, "PatientName") == ["Li^Na", "Wang^Xiaoming"]
    assert len(find("SERIES", "Modality", StudyInstanceUID=uid)) == 2
    assert len(find("SERIES", "Modality", StudyInstanceUID=uid, PatientID="P2", root=PATIENT_ROOT)) == 1


def test_the_rejected_are_not_there(tree: dict[str, Any]) -> None:
    Instance.objects.filter(sop_instance_uid__in=["1.2.9.2", "1.2.9.3"]).update(rejected_at=timezone.now())
    above = {"StudyInstanceUID": tree["s1"]}
    assert ids(find("SERIES", "SeriesDescription", **above), "SeriesDescription") == ["a"]
    assert ids(find("IMAGE", "SOPInstanceUID", SeriesInstanceUID=tree["a"], **above), "SOPInstanceUID") == [
        "1.2.9.1"
    ]
    assert find("STUDY", "StudyID", SOPClassesInStudy=str(SecondaryCaptureImageStorage)) == []
    relational = {"mode": Mode(relational=True)}
    assert find("STUDY", "StudyID", Modality="SR", **relational) == []
    Study.objects.filter(patient__patient_id="T1").update(rejected_at=timezone.now())
    assert ids(find("PATIENT", "PatientID", root=PATIENT_ROOT), "PatientID") == ["P9"]
    assert ids(find("STUDY", "StudyID")) == ["9"]
    assert find("SERIES", **above) == []
    assert find("IMAGE", SeriesInstanceUID=tree["a"], **above) == []


# ---------------------------------------------------------------------- whichever way


@pytest.mark.parametrize("few", [0, 5_000])
def test_every_combination_of_keys_means_the_same_whichever_leads(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "FEW", few)
    draw = random.Random(3)
    rows = []
    for number in range(60):
        row = {
            "StudyID": str(number),
            "PatientName": draw.choice(["Wang^Li", "Wang^Ming", "Li^Na", "Zhao"]),
            "PatientID": f"{draw.choice(['00', 'A', 'B'])}{number}",
            "StudyDate": f"202601{draw.randrange(1, 6):02d}",
            "AccessionNumber": f"{draw.choice(['A', 'B'])}{draw.randrange(4)}",
            "ModalitiesInStudy": draw.choice(["CT", "MR", "DX"]),
            "StudyDescription": draw.choice(["Chest", "Knee", ""]),
        }
        changes = {
            key: value for key, value in row.items() if key not in ("PatientName", "ModalitiesInStudy")
        }
        person(number, row["PatientName"], Modality=row["ModalitiesInStudy"], **changes)
        rows.append(row)
    asked = {
        "PatientName": ["Wang*", "Wang^Li", "*a*", ""],
        "StudyDate": ["20260102", "20260102-20260104", ""],
        "AccessionNumber": ["A1", "A*", "?2", ""],
        "PatientID": ["00*", "A*", ""],
        "ModalitiesInStudy": ["CT", "?R", ""],
        "StudyDescription": ["Chest", "*e*", ""],
    }
    combinations = draw.sample(list(product(*asked.values())), 150)
    for combination in combinations:
        keys = dict(zip(asked, combination, strict=True))
        expected = [row["StudyID"] for row in rows if all(_met(row[k], k, v) for k, v in keys.items())]
        assert ids(find("STUDY", "StudyID", **keys)) == sorted(expected), keys


def _met(value: str, keyword: str, asked: str) -> bool:
    if keyword == "StudyDate" and "-" in asked:
        first, last = asked.split("-")
        return first <= value <= last
    if keyword == "PatientName":
        value, asked = value.lower(), asked.lower()
    return not asked or fnmatchcase(value, asked)


def test_more_than_one_page_of_ids_is_walked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, size in (
        ("_IDS", 7),
        ("_FIRST", 2),
        ("_ROWS", 3),
        ("_STUDIES", {finding.Level.SERIES: 4, finding.Level.INSTANCE: 4}),
    ):
        monkeypatch.setattr(finding, name, size)
    patient = Patient.objects.create(patient_id="M")
    Study.objects.bulk_create(
        Study(patient=patient, study_instance_uid=f"1.{n}", study_id=str(n), sort_key="20260101")
        for n in range(40)
    )
    answers = find("STUDY", "StudyID")
    assert [answer["StudyID"] for answer in answers] == [str(number) for number in reversed(range(40))]
    for number in range(8):
        person(100 + number, "A")
    assert len(find("SERIES", "Modality", mode=Mode(relational=True))) == 8
    assert len(find("IMAGE", "InstanceNumber", mode=Mode(relational=True))) == 8
