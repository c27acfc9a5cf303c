"""The server under test: prepared once, copied for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.server import Scp, folder_copy, folder_prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with its tables and the nodes of ``server.NODES``."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    folder_prepare(folder)
    return folder


@pytest.fixture
def start(prepared: Path, tmp_path: Path) -> Iterator[Callable[..., Scp]]:
    """Start servers with arguments of one's own; all are stopped at the end."""
    running: list[Scp] = []

    def begin(
        *arguments: str, data_dir: Path | None = None, log_path: Path | None = None, **changes: str
    ) -> Scp:
        folder = data_dir or folder_copy(prepared, tmp_path / f"data{len(running)}")
        running.append(Scp(folder, *arguments, log_path=log_path, **changes))
        return running[-1]

    yield begin
    for scp in running:
        scp.stop()


@pytest.fixture
def scp(start: Callable[..., Scp]) -> Scp:
    """A server of this test's own."""
    return start()


@pytest.fixture(scope="module")
def shared_scp(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """One server for the tests of a module that do not get in each other's way."""
    running = Scp(folder_copy(prepared, tmp_path_factory.mktemp("shared") / "data"))
    yield running
    running.stop()
