"""Who sent an object and which defaults applied to it: kept in the store, because the index can be lost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object comes from.

    ``source`` is an AE title or "import". ``default_charset`` and ``default_issuer`` are the node's: they
    stand in where the object itself says nothing. ``address`` is for the audit trail and is not kept with
    the file.
    """

    source: str
    address: str = ""
    default_charset: str = ""
    default_issuer: str = ""

    @property
    def token(self) -> str:
        """The name under which the store keeps this origin."""
        return _token(self)

    def to_bytes(self) -> bytes:
        facts = {
            "source": self.source,
            "default_charset": self.default_charset,
            "default_issuer": self.default_issuer,
        }
        return json.dumps(facts, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")

    @classmethod
    def from_bytes(cls, data: bytes) -> Origin:
        """Read what ``to_bytes`` wrote. Raises ``ValueError`` when it is damaged."""
        facts = json.loads(data)
        if not isinstance(facts, dict):
            raise ValueError("an origin is an object")
        return cls(
            source=str(facts.get("source", "")),
            default_charset=str(facts.get("default_charset", "")),
            default_issuer=str(facts.get("default_issuer", "")),
        )


@lru_cache(maxsize=256)
def _token(origin: Origin) -> str:
    """Asked for with every object, of the same few senders."""
    return hashlib.sha256(origin.to_bytes()).hexdigest()[:16]
