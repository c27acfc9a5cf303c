"""What one association did, counted for the audit trail and the log."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of operations by outcome. ``received_bytes`` are those of data sets."""

    echoed: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    commitments: int = 0
    quarantined: int = 0
    queries: int = 0
    answers: int = 0
    reports: int = 0
    retrievals: int = 0
    sent: int = 0
    failed: int = 0
    incomplete: int = 0
    received_bytes: int = 0
    instance_ids: list[int] = field(default_factory=list)  # of what was stored and not yet audited

    def counts(self) -> dict[str, int]:
        """The counts that are not zero."""
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "instance_ids"}
        return {name: count for name, count in counts.items() if count}
