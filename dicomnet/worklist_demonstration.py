"""A worklist for the day of the first run: some who came, some who are expected, invented like the rest."""

from __future__ import annotations

from datetime import date, time
from typing import Final

from django.db import transaction

from archive.demonstration.cast import CHEN, LI, MUELLER, OBRIEN, OUYANG, SHAN, STUDIES, WANG, YAMADA, ZENG
from archive.demonstration.cast import Patient as Person
from archive.dicom.names import PersonName
from archive.dicom.values import derived_uid
from dicomnet.models import ScheduledStep
from dicomnet.worklist import Planned, State, step_schedule

_DONE: Final = ("wang-ct", "chen-mr", "obrien-us")  # studies of the demonstration that were made today

# patient, time, modality, station, what, accession, asked by, allergies, state
_PLANNED: Final = (
    (LI, time(8, 30), "DX", "DX_ROOM3", "胸部正位", "LB00201", "Zhao^Min=赵^敏", "", State.NO_SHOW),
    (YAMADA, time(9, 15), "CT", "CT2_ER", "头颅平扫", "LB00202", "Suzuki^Ken=鈴木^健", "", State.IN_PROGRESS),
    (
        ZENG,
        time(10, 0),
        "DX",
        "DX_ROOM1",
        "胸部正侧位",
        "LB00203",
        "Lin^Fang=林^芳",
        "青霉素",
        State.SCHEDULED,
    ),
    (SHAN, time(10, 30), "CT", "CT1_5F", "胸部增强", "LB00204", "Zhao^Min=赵^敏", "", State.SCHEDULED),
    (OUYANG, time(11, 0), "MG", "MG_1", "双乳摄影", "LB00205", "Lin^Fang=林^芳", "", State.SCHEDULED),
    (MUELLER, time(13, 45), "MR", "MR2_1F", "Kopf", "LB00206", "Schäfer^Ute", "Iod", State.SCHEDULED),
    (OBRIEN, time(14, 30), "US", "", "Abdomen", "LB00207", "Byrne^Aoife", "", State.SCHEDULED),
    (WANG, time(15, 0), "CT", "CT1_5F", "腹部增强", "LB00208", "Sun^Qiang=孙^强", "", State.SCHEDULED),
    (CHEN, time(16, 15), "MR", "MR2_1F", "颈椎平扫", "LB00209", "Sun^Qiang=孙^强", "", State.SCHEDULED),
)


@transaction.atomic
def demonstration_plan(*, day: date) -> int:
    """Plan the demonstration's steps for a day, once; return how many were added."""
    added = 0
    for study in (study for study in STUDIES if study.key in _DONE):
        planned = _planned(
            study.patient,
            day,
            time(int(study.time[:2]), int(study.time[2:4])),
            accession=study.accession,
            modality=study.series[0].modality,
            station=study.station,
            what=study.description,
            asked_by=study.referring,
            uid=study.study_instance_uid,
        )
        added += _plan(planned, State.COMPLETED)
    for person, at, modality, station, what, accession, asked_by, allergies, state in _PLANNED:
        planned = _planned(
            person,
            day,
            at,
            accession=accession,
            modality=modality,
            station=station,
            what=what,
            asked_by=asked_by,
            allergies=allergies,
            uid=derived_uid("demonstration", f"worklist/{accession}"),
        )
        added += _plan(planned, state)
    return added


def _planned(
    person: Person,
    day: date,
    at: time,
    *,
    accession: str,
    modality: str,
    station: str,
    what: str,
    asked_by: str,
    uid: str,
    allergies: str = "",
) -> Planned:
    alphabetic, ideographic, phonetic = PersonName.parse(person.name).groups
    if not alphabetic.isascii() and not ideographic and ord(alphabetic[0]) >= 0x2E80:
        alphabetic, ideographic = "", alphabetic  # hanzi where letters belong
    return Planned(
        patient_id=person.patient_id,
        name_alphabetic=alphabetic,
        name_ideographic=ideographic,
        name_phonetic=phonetic,
        birth_date=person.birth_date,
        sex=person.sex,
        allergies=allergies,
        accession_number=accession,
        study_instance_uid=uid,
        step_id="1",
        requested_procedure_description=what,
        step_description=what,
        referring_physician_name=asked_by,
        modality=modality,
        station_ae_titles=station,
        start_date=day,
        start_time=at,
    )


def _plan(planned: Planned, state: State) -> int:
    if ScheduledStep.objects.filter(study_instance_uid=planned.study_instance_uid).exists():
        return 0
    step = step_schedule(planned=planned, by_name="demonstration")
    if state != State.SCHEDULED:
        ScheduledStep.objects.filter(pk=step.pk).update(state=state)
    return 1
