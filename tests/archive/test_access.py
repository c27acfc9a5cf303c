"""Who may do what, told of people."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from archive.access import Act, Role, may, require, roles_ensure, roles_of
from archive.models import Patient, Study
from tests import people

pytestmark = pytest.mark.django_db

LOOKS = {Act.VIEW, Act.ANNOTATE}
WORKS = LOOKS | {Act.PRINT, Act.SEND, Act.RETRIEVE, Act.EXPORT, Act.SCHEDULE}
EVERYTHING = WORKS | {Act.DELETE, Act.ADMINISTER}


@pytest.mark.parametrize(
    ("person", "acts"),
    [
        (people.rita_reader, LOOKS),
        (people.omar_operator, WORKS),
        (people.ada_administrator, EVERYTHING),
        (people.nobody_nil, set()),
        (lambda: User.objects.create_superuser("root"), EVERYTHING),
        (AnonymousUser, set()),
    ],
    ids=["reader", "operator", "administrator", "no role", "superuser", "nobody"],
)
def test_a_person_may_what_their_role_says(person: object, acts: set[Act]) -> None:
    user = person()  # type: ignore[operator]
    assert {act for act in Act if may(user=user, act=act)} == acts


def test_two_roles_add_up() -> None:
    rita = people.rita_reader()
    rita.groups.add(Group.objects.get(name=Role.OPERATOR))
    assert {act for act in Act if may(user=rita, act=act)} == WORKS


def test_a_role_taken_away_is_gone_at_once() -> None:
    rita = people.rita_reader()
    assert may(user=rita, act=Act.VIEW)
    User.objects.get(pk=rita.pk).groups.clear()
    assert not may(user=rita, act=Act.VIEW)


def test_an_account_that_is_switched_off_has_no_role() -> None:
    ada = people.ada_administrator()
    ada.is_active = False
    assert roles_of(ada) == frozenset()


def test_a_group_of_another_name_is_no_role() -> None:
    nil = people.nobody_nil()
    nil.groups.add(Group.objects.create(name="radiology"))
    assert roles_of(nil) == frozenset()


def test_a_rejected_study_is_there_for_nobody() -> None:
    patient = Patient.objects.create(patient_id="P1")
    study = Study(patient=patient, study_instance_uid="1.2", sort_key="2026", rejected_at=timezone.now())
    assert not may(user=people.ada_administrator(), act=Act.VIEW, study=study)


def test_a_refusal_is_said_in_words() -> None:
    with pytest.raises(PermissionDenied) as refusal:
        require(user=people.nobody_nil(), act=Act.VIEW)
    assert str(refusal.value) == "Your account has no role yet. An administrator can give it one."


def test_roles_come_back_with_the_permissions_of_the_admin() -> None:
    Group.objects.all().delete()
    roles_ensure()
    roles_ensure()
    assert set(Group.objects.values_list("name", flat=True)) == {"reader", "operator", "administrator"}
    ada = people.ada_administrator()
    assert ada.has_perm("dicomnet.change_aenode")
    assert ada.has_perm("auth.add_user")
    assert ada.has_perm("archive.view_auditevent")
    assert not people.omar_operator().has_perm("dicomnet.view_aenode")
