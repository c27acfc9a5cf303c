"""The class of a DIMSE status (PS3.7 Annex C)."""

from __future__ import annotations

import pytest

from dicomnet.status import Category, category


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x0000, Category.SUCCESS),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCEL),
        (0x0001, Category.WARNING),
        (0x0107, Category.WARNING),
        (0x0116, Category.WARNING),
        (0xB000, Category.WARNING),
        (0xB006, Category.WARNING),
        (0xB604, Category.WARNING),
        (0x0106, Category.FAILURE),
        (0x0110, Category.FAILURE),
        (0x0122, Category.FAILURE),
        (0xA700, Category.FAILURE),
        (0xA900, Category.FAILURE),
        (0xC000, Category.FAILURE),
        (0x4711, Category.FAILURE),
    ],
)
def test_category(status: int, expected: Category) -> None:
    assert category(status) is expected
