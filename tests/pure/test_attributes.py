"""The one table of attributes is right about itself."""

from __future__ import annotations

from archive.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, KeyType, Level, attributes_of
from archive.dicom.tags import dictionary_vr, tag


def test_each_level_has_one_unique_key_and_it_comes_first() -> None:
    for level in Level:
        keys = [attribute.key for attribute in attributes_of(level)]
        assert keys[0] is KeyType.UNIQUE
        assert keys.count(KeyType.UNIQUE) == 1


def test_the_keys_that_the_standard_requires_are_there() -> None:
    """PS3.4 tables C.6-1 to C.6-4."""
    required = {attribute.keyword for attribute in ATTRIBUTES if attribute.key is KeyType.REQUIRED}
    assert required == {
        "PatientName",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "StudyID",
        "Modality",
        "SeriesNumber",
        "InstanceNumber",
    }


def test_tags_and_vrs_are_those_of_the_dictionary() -> None:
    assert BY_KEYWORD["PatientName"].tag == 0x00100010
    assert BY_KEYWORD["PatientName"].vr == "PN"
    assert BY_TAG[0x0020000D].keyword == "StudyInstanceUID"
    assert tag("PixelData") == 0x7FE00010
    assert dictionary_vr(0x00091001) == b"UN"


def test_no_attribute_stands_twice() -> None:
    assert len(BY_KEYWORD) == len(BY_TAG) == len(ATTRIBUTES)
