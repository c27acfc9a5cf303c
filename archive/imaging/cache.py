"""A cache bounded by bytes, shared by threads; what several ask for at once is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Flight(Generic[Value]):
    """A value being made."""

    __slots__ = ("done", "error", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: Value | None = None
        self.error: BaseException | None = None


class ByteCache(Generic[Key, Value]):
    """Least recently used goes first once the values weigh more than ``limit`` bytes.

    A value heavier than a quarter of the limit is handed out but not kept: one giant must not drive out
    everything else.
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._flights: dict[Key, _Flight[Value]] = {}
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """What is held now."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """The value if it is here."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value; made by the first who asks, while others wait. What ``make`` raises, all of them get."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
                return found[0]
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        return self._fly(key, flight, make) if mine else _wait(flight)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _fly(self, key: Key, flight: _Flight[Value], make: Callable[[], Value]) -> Value:
        try:
            value = make()
        except BaseException as error:
            flight.error = error
            with self._lock:
                self._flights.pop(key, None)
            flight.done.set()
            raise
        flight.value = value
        with self._lock:
            self._flights.pop(key, None)
            self._keep(key, value)
        flight.done.set()
        return value

    def _keep(self, key: Key, value: Value) -> None:
        weight = self._weigh(value)
        if weight > self._limit // 4:
            return
        self._values[key] = (value, weight)
        self._bytes += weight
        while self._bytes > self._limit:
            _, (_, gone) = self._values.popitem(last=False)
            self._bytes -= gone


def _wait(flight: _Flight[Value]) -> Value:
    flight.done.wait()
    if flight.error is not None:
        raise flight.error
    return flight.value  # type: ignore[return-value]  # set before ``done``, unless there is an error
