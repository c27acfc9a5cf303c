"""A full disk: A700 and a notice, nothing acknowledged is missing, and it goes on when there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.full_disk import disk_fill
from tests.torture.loopdisk import NoDisk


@pytest.mark.parametrize(("image_bytes", "megabytes"), [(8 << 20, 256), (2048, 64)], ids=["large", "2 KB"])
def test_a_full_disk_loses_nothing_and_recovers(
    prepared: Path, tmp_path: Path, image_bytes: int, megabytes: int
) -> None:
    try:
        filled = disk_fill(prepared, tmp_path / "full", megabytes=megabytes, image_bytes=image_bytes)
    except NoDisk as reason:
        pytest.fail(f"no disk can be filled here: {reason}")
    print(
        f"full disk, images of {image_bytes} bytes: {len(filled.acknowledged)} acknowledged, "
        f"{len(filled.missing)} missing, then {sorted(map(hex, filled.statuses))}, notice {filled.notice!r}"
    )
    assert filled.statuses == {0xA700}
    assert filled.missing == []
    assert filled.notice == "The disk is nearly full"
    assert filled.afterwards == 0x0000
    assert filled.fsck[0] == 0, filled.fsck[1]
