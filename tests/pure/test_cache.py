"""The cache: bounded, and one maker for many who ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from archive.imaging.cache import ByteCache


def cache(limit: int = 100) -> ByteCache[str, bytes]:
    return ByteCache(limit, len)


def test_what_was_made_is_kept() -> None:
    held = cache()
    assert held.get_or_make("a", lambda: b"first") == b"first"
    assert held.get_or_make("a", lambda: b"second") == b"first"
    assert held.get("a") == b"first"
    assert held.get("b") is None


def test_the_least_recently_used_goes_when_the_bytes_run_out() -> None:
    held = cache(100)
    for key in "abcd":
        held.get_or_make(key, lambda: bytes(25))
    held.get("a")
    held.get_or_make("e", lambda: bytes(25))
    assert [key for key in "abcde" if held.get(key)] == ["a", "c", "d", "e"]
    assert held.nbytes == 100


def test_a_giant_is_handed_out_but_does_not_drive_out_the_others() -> None:
    held = cache(100)
    held.get_or_make("a", lambda: bytes(20))
    assert len(held.get_or_make("giant", lambda: bytes(60))) == 60
    assert held.get("giant") is None
    assert held.get("a") is not None


def test_many_askers_share_one_maker() -> None:
    held, started, go, made = cache(), threading.Event(), threading.Event(), []

    def make() -> bytes:
        made.append(1)
        started.set()
        assert go.wait(10)
        return b"value"

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(held.get_or_make, "a", make)
        assert started.wait(10)
        others = [pool.submit(held.get_or_make, "a", make) for _ in range(7)]
        go.set()
        assert {future.result(10) for future in [first, *others]} == {b"value"}
    assert len(made) == 1


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    held, started, go = cache(), threading.Event(), threading.Event()

    def fail() -> bytes:
        started.set()
        assert go.wait(10)
        raise ValueError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(held.get_or_make, "a", fail)
        assert started.wait(10)
        second = pool.submit(held.get_or_make, "a", fail)
        go.set()
        for future in (first, second):
            with pytest.raises(ValueError, match="no"):
                future.result(10)
    assert held.get_or_make("a", lambda: b"now") == b"now"
