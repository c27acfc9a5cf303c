"""What a store can say no with."""

from __future__ import annotations


class OutOfResources(Exception):
    """The object could not be kept and nothing of it is left: the sender keeps its copy.

    DIMSE answers A700 (PS3.4 table B.2-1).
    """


class NotStored(Exception):
    """No file of that name in the store."""
