"""What we accept of a proposal (PS3.8 9.3.3.2, PS3.7 D.3.3.4)."""

from __future__ import annotations

import pytest

from dicomnet.contexts import (
    STORAGE_CLASSES,
    Answered,
    Proposed,
    Result,
    Rights,
    Service,
    negotiate,
    roles_answered,
    service_of,
    syntax_chosen,
)

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ECHO, STUDY_FIND = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, J2K, HTJ2K = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
GE_PRIVATE = "1.2.840.113619.5.2"
ALL = Rights(frozenset(Service))


@pytest.mark.parametrize(
    "uid",
    [
        CT,
        "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
        "1.2.840.10008.5.1.4.1.1.88.67",  # X-Ray Radiation Dose SR
        "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
        "1.2.840.10008.5.1.4.1.1.66.7",  # newer than pydicom's table
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
        "1.2.840.10008.5.1.4.1.1.6",  # retired: Ultrasound Image
        "1.2.840.10008.5.1.4.1.1.12.3",  # retired: XA Bi-Plane
        "1.2.840.10008.5.1.4.1.1.88.1",  # trial: Text SR
        "1.2.840.10008.5.1.1.27",  # retired: Stored Print
        "1.2.840.10008.5.1.1.29",  # retired: Hardcopy Grayscale
    ],
)
def test_storage_classes_of_every_age_are_stored(uid: str) -> None:
    assert service_of(uid) is Service.STORE


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.3.10",  # a medium's directory
        "1.2.840.10008.1.20.1",  # Storage Commitment
        "1.2.840.10008.5.1.4.38.2",  # Hanging Protocol FIND
        "1.2.840.10008.5.1.4.34.6.1",  # Unified Procedure Step
        "1.2.840.10008.4.2",  # a service class, not a SOP class
        "1.2.840.10008.1.2",  # a transfer syntax
        "",
        "1.2.abc",
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_other_uids_are_no_storage_class(uid: str, private: bool) -> None:
    assert service_of(uid, private_classes=private) is not Service.STORE


def test_there_are_all_of_them() -> None:
    assert len(STORAGE_CLASSES) == 208


@pytest.mark.parametrize(
    "uid", ["1.3.12.2.1107.5.9.1", "1.2.840.113619.4.26", "1.2.840.10008.5.1.4.1.1.9999"]
)
def test_private_and_unheard_of_classes_need_the_switch(uid: str) -> None:
    assert service_of(uid) is None
    assert service_of(uid, private_classes=True) is Service.STORE


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ([IMPLICIT], IMPLICIT),
        ([BIG], BIG),
        ([IMPLICIT, EXPLICIT], EXPLICIT),
        ([BIG, IMPLICIT, EXPLICIT], EXPLICIT),
        ([BIG, IMPLICIT], BIG),
        ([DEFLATED, EXPLICIT], DEFLATED),
        ([J2K, EXPLICIT], J2K),
        ([EXPLICIT, J2K], EXPLICIT),
        ([IMPLICIT, J2K], IMPLICIT),
        ([HTJ2K, J2K], HTJ2K),
        ([GE_PRIVATE], GE_PRIVATE),
        ([GE_PRIVATE, IMPLICIT], IMPLICIT),
        (["1.2.x", EXPLICIT], EXPLICIT),
        (["9" * 65], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_syntax_is_the_requester_s_first_that_keeps_most(proposed: list[str], chosen: str | None) -> None:
    assert syntax_chosen(proposed) == chosen


def one(
    abstract: str, *syntaxes: str, rights: Rights = ALL, roles: dict[str, tuple[bool, bool]] | None = None
) -> Answered:
    [answer] = negotiate([Proposed(1, abstract, syntaxes)], roles or {}, rights)
    return answer


def test_a_storage_context_is_accepted_with_its_service() -> None:
    assert one(CT, J2K) == Answered(1, CT, J2K, Result.ACCEPTANCE, Service.STORE)


def test_an_unknown_class_is_not_supported() -> None:
    assert one("1.2.840.10008.5.1.4.34.6.1", EXPLICIT).result == 3


@pytest.mark.parametrize(
    ("uid", "service"),
    [
        ("1.2.840.10008.5.1.4.31", Service.WORKLIST),
        ("1.2.840.10008.3.1.2.3.3", Service.MPPS),
        ("1.2.840.10008.3.1.2.3.4", Service.MPPS),
    ],
)
def test_worklist_and_step_reports_have_their_rights(uid: str, service: Service) -> None:
    assert service_of(uid) is service
    assert one(uid, EXPLICIT, rights=Rights(frozenset({service}))).result == 0
    assert one(uid, EXPLICIT, rights=Rights(frozenset(Service) - {service})).result == 1


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        (bytes([1, 1, 1]), bytes([1, 1, 1])),
        (bytes([1, 1, 0]), bytes([1, 1, 0])),
        (bytes([1, 1, 1, 1]), bytes([1, 1, 1, 0])),
    ],
)
def test_a_worklist_agrees_to_fuzzy_names_and_no_time_zone(asked: bytes, agreed: bytes) -> None:
    uid = "1.2.840.10008.5.1.4.31"
    rights = Rights(frozenset({Service.WORKLIST}))
    [answer] = negotiate([Proposed(1, uid, (EXPLICIT,))], {}, rights, {uid: asked})
    assert answer.extended == agreed


def test_a_service_that_is_not_allowed_is_rejected_by_the_user() -> None:
    rights = Rights(frozenset({Service.ECHO}))
    assert one(CT, EXPLICIT, rights=rights).result == 1
    assert one(ECHO, EXPLICIT, rights=rights).result == 0


def test_no_usable_syntax_is_said_so() -> None:
    assert one(CT, "not-a-uid").result == 4


def test_every_context_is_answered_in_order() -> None:
    proposed = [Proposed(n, CT if n % 4 == 1 else MR, (EXPLICIT,)) for n in range(1, 256, 2)]
    answers = negotiate(proposed, {}, ALL)
    assert [answer.context_id for answer in answers] == list(range(1, 256, 2))
    assert {answer.result for answer in answers} == {Result.ACCEPTANCE}


@pytest.mark.parametrize(
    ("asked", "result", "answered"),
    [
        ((True, False), 0, {CT: (True, False)}),
        ((True, True), 0, {CT: (True, True)}),  # it sends and gets
        ((False, True), 0, {CT: (False, True)}),  # it gets
        ((False, False), 1, {}),  # nobody would have a role
    ],
)
def test_roles(asked: tuple[bool, bool], result: int, answered: dict[str, tuple[bool, bool]]) -> None:
    answer = one(CT, EXPLICIT, roles={CT: asked})
    assert answer.result == result
    assert roles_answered([answer]) == answered


@pytest.mark.parametrize(
    ("right", "asked", "result", "answered"),
    [
        (Service.STORE, (True, True), 0, {CT: (True, False)}),
        (Service.STORE, (False, True), 1, {}),
        (Service.GET, (True, True), 0, {CT: (False, True)}),
        (Service.GET, (True, False), 1, {}),
    ],
)
def test_a_role_takes_its_right(
    right: Service, asked: tuple[bool, bool], result: int, answered: dict[str, tuple[bool, bool]]
) -> None:
    answer = one(CT, EXPLICIT, roles={CT: asked}, rights=Rights(frozenset({right})))
    assert answer.result == result
    assert roles_answered([answer]) == answered


def test_a_role_for_a_class_that_was_not_proposed_is_not_answered() -> None:
    assert roles_answered([one(CT, EXPLICIT, roles={MR: (True, True)})]) == {}


@pytest.mark.parametrize(
    ("role", "expected"), [((False, True), EXPLICIT), ((True, True), EXPLICIT), ((True, False), J2K)]
)
def test_where_we_send_a_native_syntax_comes_first(role: tuple[bool, bool], expected: str) -> None:
    """What is compressed can be decoded there; what is not could not go over a compressed context."""
    [answer] = negotiate([Proposed(1, CT, (J2K, IMPLICIT, EXPLICIT))], {CT: role}, ALL)
    assert answer.transfer_syntax == expected


def test_where_we_send_a_compressed_syntax_alone_is_taken() -> None:
    [answer] = negotiate([Proposed(1, CT, (J2K,))], {CT: (False, True)}, ALL)
    assert answer.transfer_syntax == J2K


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ([IMPLICIT], IMPLICIT),
        ([J2K, IMPLICIT], IMPLICIT),
        ([DEFLATED], DEFLATED),
        ([BIG, EXPLICIT], EXPLICIT),
    ],
)
def test_identifiers_come_uncompressed(proposed: list[str], chosen: str) -> None:
    assert one(STUDY_FIND, *proposed).transfer_syntax == chosen


def test_a_query_in_a_compressed_syntax_only_is_not_taken() -> None:
    assert one(STUDY_FIND, J2K, HTJ2K).result == Result.TRANSFER_SYNTAXES_NOT_SUPPORTED
