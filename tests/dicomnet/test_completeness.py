"""Is a study whole? What modalities reported, against what is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from archive.ingest import Origin, file_ingest
from archive.models import Study
from dicomnet.completeness import Completeness, Whole, completeness_of, performed_counts
from dicomnet.models import PerformedStep
from dicomnet.mpps import Message, performed_create, performed_set
from tests import objects
from tests.reports import begun, ended

pytestmark = pytest.mark.django_db
STUDY = "1.2.826.5"
Keep = Callable[..., Study]


@pytest.fixture
def keep(settings: object, tmp_path: Path) -> Keep:
    def one(uid: str, study: str = STUDY) -> Study:
        path = tmp_path / f"{uid}.dcm"
        path.write_bytes(objects.part10(objects.ct_slice(SOPInstanceUID=uid, StudyInstanceUID=study)))
        file_ingest(path=path, origin=Origin(source="CT1"))
        return Study.objects.get(study_instance_uid=study)

    return one


def create(uid: str = "1.2.3", study: str = STUDY, **changes: object) -> None:
    data = objects.encoded(begun(study, **changes))  # type: ignore[arg-type]
    performed_create(sop_instance_uid=uid, message=Message(data, ExplicitVRLittleEndian))


def end(*instances: str, uid: str = "1.2.3", state: str = "COMPLETED") -> None:
    data = objects.encoded(ended(state, instances))
    performed_set(sop_instance_uid=uid, message=Message(data, ExplicitVRLittleEndian))


def whole(study: Study) -> Completeness:
    study.refresh_from_db()
    return completeness_of(studies=[study])[study.pk]


def test_nobody_reported_means_unknown(keep: Keep) -> None:
    assert whole(keep("1.1")).state == Whole.UNKNOWN


def test_a_study_grows_from_partial_to_complete(keep: Keep) -> None:
    study = keep("1.1")
    create()
    assert whole(study).state == Whole.PERFORMING
    end("1.1", "1.2", "1.3")
    assert whole(study) == Completeness(Whole.PARTIAL, 3, 1)
    keep("1.2")
    assert whole(study) == Completeness(Whole.PARTIAL, 3, 2)
    keep("1.3")
    assert whole(study) == Completeness(Whole.COMPLETE, 3, 3)
    assert performed_counts(step=PerformedStep.objects.get()) == (3, 3)


def test_an_image_that_was_removed_is_missing(keep: Keep) -> None:
    study = keep("1.1")
    create()
    end("1.1")
    assert whole(study).state == Whole.COMPLETE
    study.series.get().instances.update(rejected_at=timezone.now())
    Study.objects.update(updated_at=timezone.now())
    assert whole(study) == Completeness(Whole.PARTIAL, 1, 0)


def test_every_step_of_a_study_counts(keep: Keep) -> None:
    study = keep("1.1")
    create()
    end("1.1")
    create("1.2.4")
    assert whole(study).state == Whole.PERFORMING
    end("1.2", uid="1.2.4", state="DISCONTINUED")
    assert whole(study) == Completeness(Whole.PARTIAL, 2, 1)


def test_a_step_for_two_studies_asks_each_for_its_own(keep: Keep) -> None:
    first, second = keep("1.1"), keep("2.1", "1.2.826.6")
    ds = begun(STUDY)
    ds.ScheduledStepAttributesSequence += begun("1.2.826.6").ScheduledStepAttributesSequence
    data = objects.encoded(ds)
    performed_create(sop_instance_uid="1.2.3", message=Message(data, ExplicitVRLittleEndian))
    end("1.1", "2.1")
    assert whole(first) == Completeness(Whole.COMPLETE, 1, 1)
    assert whole(second) == Completeness(Whole.COMPLETE, 1, 1)


def test_a_step_that_made_nothing_says_nothing(keep: Keep) -> None:
    study = keep(generate_uid())
    create()
    end()
    assert whole(study).state == Whole.UNKNOWN


def test_a_page_of_studies_costs_one_query_when_nobody_reported(
    keep: Keep, django_assert_num_queries: Callable[[int], object]
) -> None:
    studies = [keep(f"1.{number}", f"1.9.{number}") for number in range(3)]
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        completeness_of(studies=studies)
