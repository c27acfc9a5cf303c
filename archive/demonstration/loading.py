"""The demonstration into the archive: through the same ingest as everything else, once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from archive.access import Role
from archive.demonstration.cast import STUDIES, Study, parts
from archive.demonstration.making import make
from archive.demonstration.samples import samples
from archive.ingest import Origin, Result, file_ingest
from archive.models import Instance

ORIGIN: Final = Origin(source="DEMO")
_KEPT: Final = frozenset({Result.KEPT, Result.VARIANT_KEPT, Result.CONFLICT_KEPT})
_AT_ONCE: Final = 500  # UIDs asked for in one query
PEOPLE: Final = (("rita", "Rita", "Reader", Role.READER), ("omar", "Omar", "Operator", Role.OPERATOR))
Report = Callable[[int, int], None]


@dataclass(slots=True)
class Loaded:
    """What a load did: objects added, there before, and refused with the reason."""

    added: int = 0
    present: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count


def demonstration_load(
    *,
    report: Report,
    studies: tuple[Study, ...] = STUDIES,
    with_samples: bool = True,
    workers: int | None = None,
) -> Loaded:
    """Load what is not there yet; a second call changes nothing and is quick.

    ``report`` hears (objects done, objects in all) now and then. The last studies are of today.
    """
    done = Loaded()
    files, left_out = samples() if with_samples else ({}, 0)
    work = parts(studies)
    wanted = set(files).union(*(part.uids for part in work))
    there = _present(wanted)
    done.present = len(there)
    if left_out:
        done.refuse("left out", left_out)
    total = len(wanted) - len(there)
    if not total:
        return done
    count = 0
    with tempfile.TemporaryDirectory(prefix="lightbox-demo-") as folder:
        lacking = [part for part in work if not part.uids <= there]
        made = make(lacking, Path(folder), workers or min(4, os.cpu_count() or 2))
        for path in _both((path for uid, path in files.items() if uid not in there), made):
            uid = path.stem if path.parent == Path(folder) else ""
            if uid not in there:
                _take(path, done)
                count += 1
                report(min(count, total), total)
            if uid:
                path.unlink()
    return done


def _present(wanted: Iterable[str]) -> set[str]:
    uids = sorted(wanted)
    found: set[str] = set()
    for start in range(0, len(uids), _AT_ONCE):
        some = Instance.objects.filter(sop_instance_uid__in=uids[start : start + _AT_ONCE])
        found.update(some.values_list("sop_instance_uid", flat=True))
    return found


def _take(path: Path, done: Loaded) -> None:
    outcome = file_ingest(path=path, origin=ORIGIN)
    if outcome.kind in _KEPT:
        done.added += 1
    elif outcome.kind == Result.DUPLICATE:
        done.present += 1
    else:
        done.refuse(outcome.reason or str(outcome.kind))


def _both(ready: Iterable[Path], made: Iterator[list[Path]]) -> Iterator[Path]:
    """What is being made comes first as soon as it is there; the ready ones fill the time until then."""
    filler = iter(ready)
    for paths in made:
        yield from paths
        if not paths:
            following = next(filler, None)
            if following is not None:
                yield following
    yield from filler


def people_ensure() -> None:
    """One person for each role below the administrator; an administrator gives them passwords."""
    users = get_user_model()
    for username, first, last, role in PEOPLE:
        person, created = users.objects.get_or_create(
            username=username, defaults={"first_name": first, "last_name": last}
        )
        if created:
            person.set_unusable_password()
            person.save(update_fields=["password"])
            person.groups.add(Group.objects.get_or_create(name=role.value)[0])
