"""Half an hour of reading by eight clients: no growth, no lost socket, no error in the log."""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser.conftest import new_site
from tests.torture.reading import read_for

SECONDS = float(os.environ.get("PACS_TORTURE_READING", "1800"))


def test_half_an_hour_of_reading(tmp_path: Path) -> None:
    # A page tells the site that somebody moves the mouse; these clients have none.
    with new_site(tmp_path / "site", PACS_IDLE_LOCK_MINUTES="600") as site:
        soak = read_for(site, clients=8, seconds=SECONDS)
        print(soak)
    assert soak.wrong == []
    assert soak.log == ""
    assert soak.unopened < soak.sockets / 20
    assert soak.pictures > 20 * SECONDS
    assert soak.grown < 50 << 20
