"""How files are named in the store: from digests and clocks, never from what a sender wrote.

``objects/3fa/<SOP Instance UID digest>-<arrival><token>-<origin>.dcm``

The folder comes from a digest of the Study Instance UID, so the images of a study lie together and a
folder, once made, stays for ever. The arrival (nanoseconds) lets a rebuilt index see the objects in the order
in which they came; the token makes every name unique, so that removing one arrival can never hit another.
The origin names the file in ``origins/`` that says who sent it and which defaults applied.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OBJECTS, QUARANTINE, ORIGINS, STAGING = "objects", "quarantine", "origins", "staging"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = re.compile(
    r"(?P<area>objects|quarantine)/[0-9a-f]{3}/[0-9a-f]{32}-(?P<arrival>[0-9a-f]{16})[0-9a-f]{8}"
    r"-(?P<origin>[0-9a-f]{16})\.dcm"
)


@dataclass(frozen=True, slots=True)
class KeyParts:
    """What a name tells: where it lies, when it came, who sent it."""

    area: str
    arrival_ns: int
    origin: str

    @property
    def arrived(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.arrival_ns // 1000)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _name(subject: str, origin: str) -> str:
    return f"{subject[:32]}-{time.time_ns():016x}{secrets.token_hex(4)}-{origin}.dcm"


def object_key(*, study_instance_uid: str, sop_instance_uid: str, origin: str) -> str:
    """Return a fresh name for an object."""
    return f"{OBJECTS}/{digest(study_instance_uid)[:3]}/{_name(digest(sop_instance_uid), origin)}"


def quarantine_key(*, file_digest: str, origin: str) -> str:
    """Return a fresh name for something that cannot be indexed."""
    return f"{QUARANTINE}/{file_digest[:3]}/{_name(file_digest, origin)}"


def key_parts(key: str) -> KeyParts | None:
    """Read a name; None when it is not one of ours."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    return KeyParts(match["area"], int(match["arrival"], 16), match["origin"])


def key_arrival(key: str) -> datetime:
    """When the file of this name arrived; the beginning of time when the name is not one of ours."""
    parts = key_parts(key)
    return parts.arrived if parts else _EPOCH
