"""Tags by the keywords of PS3.6, as plain integers: looked up once, when this is imported."""

from __future__ import annotations

from functools import lru_cache

from pydicom.datadict import dictionary_VR, tag_for_keyword


class UnknownKeyword(LookupError):
    """A keyword that the data dictionary does not have."""


def tag(keyword: str) -> int:
    """The tag of a keyword of the standard."""
    found = tag_for_keyword(keyword)
    if found is None:
        raise UnknownKeyword(keyword)
    return int(found)


@lru_cache(maxsize=4096)
def dictionary_vr(tag: int) -> bytes:
    """The VR of a tag; the first where there is a choice, ``UN`` for private and unknown ones."""
    try:
        return dictionary_VR(tag).encode()[:2]
    except KeyError:
        return b"UN"
