"""Who is in the demonstration, and what was done with them: invented people, names as they come.

UIDs follow from the keys here, so a second load finds what the first one made.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from archive.dicom.values import derived_uid


@dataclass(frozen=True, slots=True)
class Patient:
    patient_id: str
    name: str
    charset: str  # Specific Character Set, as its sender writes it
    birth_date: str
    sex: str


@dataclass(frozen=True, slots=True)
class Series:
    """``builder`` names the function of ``archive.demonstration.building`` that makes the objects."""

    number: int
    modality: str
    description: str
    count: int
    builder: str
    body_part: str = ""
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    key: str
    patient: Patient
    days_ago: int
    time: str
    accession: str
    description: str
    station: str
    referring: str
    series: tuple[Series, ...]

    @property
    def study_instance_uid(self) -> str:
        return derived_uid("demonstration", self.key)

    def series_instance_uid(self, series: Series) -> str:
        return derived_uid("demonstration", f"{self.key}/{series.number}")

    def sop_instance_uid(self, series: Series, number: int) -> str:
        return derived_uid("demonstration", f"{self.key}/{series.number}/{number}")


@dataclass(frozen=True, slots=True)
class Part:
    """Objects of a study that are made in one go: instances ``first`` to ``last`` of some of its series."""

    study: Study
    builder: str
    first: int
    last: int

    @property
    def objects(self) -> tuple[tuple[Series, int], ...]:
        return tuple(
            (series, number)
            for series in self.study.series
            if series.builder == self.builder
            for number in range(1, series.count + 1)
            if self.first <= self._place(series, number) <= self.last
        )

    def _place(self, series: Series, number: int) -> int:
        """Where an instance falls among those of the longest series of its builder."""
        longest = max(other.count for other in self.study.series if other.builder == self.builder)
        return (number - 1) * longest // series.count + 1

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(self.study.sop_instance_uid(series, number) for series, number in self.objects)


_GB, _UTF_8, _LATIN_1 = "GB18030", "ISO_IR 192", "ISO_IR 100"
_GB_2022, _KANJI, _HANGUL = "\\ISO 2022 IR 58", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149"

WANG: Final = Patient("00482913", "Wang^Xiaoming=王^小明", _GB, "19680314", "M")
CHEN: Final = Patient("00731204", "Chen^Lihua=陈^丽华", _UTF_8, "19590722", "F")
LI: Final = Patient("00519926", "Li^Na=李^娜", _GB_2022, "19970503", "F")
LI_NAN: Final = Patient("00519926", "Li^Nan=李^楠", _GB, "19841109", "M")  # the same ID by mistake
YAMADA: Final = Patient("90017735", "Yamada^Tarou=山田^太郎=やまだ^たろう", _KANJI, "19820208", "M")
OBRIEN: Final = Patient("20558140", "O'Brien^Siobhán", _LATIN_1, "19950617", "F")
HONG: Final = Patient("90018002", "Hong^Gildong=洪^吉洞=홍^길동", _HANGUL, "19750830", "M")
MUELLER: Final = Patient("20551093", "Müller^Jürgen", _LATIN_1, "19540411", "M")
OUYANG: Final = Patient("00618837", "Ouyang^Xue=欧阳^雪", _GB, "19900125", "F")
SHAN: Final = Patient("00307751", "单^雄", _GB, "19631012", "M")  # hanzi where letters belong
ZENG: Final = Patient("00734410", "ZENG^JIAYI", "", "20180316", "F")  # pinyin only
NGUYEN: Final = Patient("20560217", "Nguyễn^Văn Hùng", _UTF_8, "19790902", "M")

_CHEST_CT: Final = (
    Series(1, "CT", "Scout", 1, "scout", "CHEST"),
    Series(2, "CT", "Soft 5.0", 64, "chest_ct", "CHEST"),
    Series(4, "CT", "Lung 2.5", 128, "chest_ct", "CHEST"),
)
_BRAIN_MR: Final = (
    Series(2, "MR", "T1 SE tra", 24, "brain_mr", "BRAIN"),
    Series(3, "MR", "T2 TSE tra", 24, "brain_mr", "BRAIN"),
    Series(4, "MR", "FLAIR tra", 24, "brain_mr", "BRAIN"),
)
_MAMMOGRAPHY: Final = (
    Series(1, "MG", "R CC", 1, "breast", "BREAST", "R"),
    Series(2, "MG", "L CC", 1, "breast", "BREAST", "L"),
)


def _chest(modality: str, description: str = "Chest PA") -> tuple[Series, ...]:
    return (Series(1, modality, description, 1, "chest_small", "CHEST"),)


STUDIES: Final = (
    Study(
        "wang-ct", WANG, 0, "024700", "LB00107", "Chest with contrast", "CT1_5F", "Zhao^Min=赵^敏", _CHEST_CT
    ),
    Study("wang-dx", WANG, 5, "092600", "LB00114", "Chest PA", "DX_ROOM3", "Zhao^Min=赵^敏", _chest("DX")),
    Study("chen-mr", CHEN, 0, "013215", "LB00121", "头颅平扫", "MR2_1F", "Sun^Qiang=孙^强", _BRAIN_MR),
    Study(
        "li-cr",
        LI,
        1,
        "154012",
        "LB00128",
        "胸部正侧位",
        "CR_ROOM1",
        "Zhao^Min=赵^敏",
        (
            Series(1, "CR", "Chest PA", 1, "chest_cr", "CHEST"),
            Series(2, "CR", "Chest lateral", 1, "chest_cr", "CHEST", "L"),
        ),
    ),
    Study(
        "obrien-us",
        OBRIEN,
        0,
        "031020",
        "LB00135",
        "Echocardiography",
        "US_CARDIO",
        "Byrne^Aoife",
        (Series(1, "US", "Apical four chambers", 1, "echo", "HEART"),),
    ),
    Study("ouyang-mg", OUYANG, 1, "101530", "LB00142", "双乳摄影", "MG_1", "Lin^Fang=林^芳", _MAMMOGRAPHY),
    Study(
        "yamada-ct",
        YAMADA,
        1,
        "221845",
        "LB00149",
        "Head without contrast",
        "CT2_ER",
        "Suzuki^Ken=鈴木^健",
        (Series(2, "CT", "Brain 5.0", 28, "head_ct", "HEAD"),),
    ),
    Study(
        "hong-dx",
        HONG,
        3,
        "113305",
        "LB00156",
        "Forearm",
        "DX_ROOM3",
        "Kim^Minseo=김^민서",
        (Series(1, "DX", "Forearm AP", 1, "forearm", "FOREARM", "R"),),
    ),
    Study(
        "mueller-dx",
        MUELLER,
        2,
        "083011",
        "LB00163",
        "Thorax p.a.",
        "DX_ROOM1",
        "Schäfer^Ute",
        _chest("DX", "Thorax p.a."),
    ),
    Study(
        "shan-cr",
        SHAN,
        4,
        "171200",
        "LB00170",
        "床旁胸片",
        "CR_MOBILE",
        "Zhao^Min",
        _chest("CR", "Chest AP portable"),
    ),
    Study("zeng-dx", ZENG, 2, "140405", "LB00177", "Chest PA", "DX_ROOM1", "LIN^FANG", _chest("DX")),
    Study("nguyen-cr", NGUYEN, 6, "093300", "LB00184", "Chest PA", "CR_ROOM1", "Trần^Thị Mai", _chest("CR")),
    Study(
        "li-nan-dx",
        LI_NAN,
        3,
        "161640",
        "LB00191",
        "前臂正位",
        "DX_ROOM3",
        "Sun^Qiang=孙^强",
        (Series(1, "DX", "Forearm AP", 1, "forearm", "FOREARM", "L"),),
    ),
)

_PIECES: Final = {"chest_ct": 8, "brain_mr": 2}  # long ones are made in pieces, side by side


def parts(studies: tuple[Study, ...] = STUDIES) -> list[Part]:
    """The work, the longest first."""
    found = []
    for study in studies:
        for builder in dict.fromkeys(series.builder for series in study.series):
            longest = max(series.count for series in study.series if series.builder == builder)
            pieces = _PIECES.get(builder, 1)
            borders = [longest * piece // pieces for piece in range(pieces + 1)]
            found += [Part(study, builder, low + 1, high) for low, high in pairwise(borders)]
    order = ("chest_cr", "chest_ct", "breast", "echo", "chest_small", "scout", "brain_mr")
    return sorted(found, key=lambda part: order.index(part.builder) if part.builder in order else len(order))
