"""Stars and key object selections of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from archive.access import Act, require
from archive.dicom.keyobjects import (
    KEY_OBJECTS,
    TITLES,
    KeyObjects,
    KeyObjectsUnreadable,
    key_objects_read,
    key_objects_written,
)
from archive.dicom.presentation.records import Reference
from archive.events import event_record
from archive.made_objects import creator_name, made_keep, subject_of
from archive.models import Instance, Star, Study
from archive.selectors import instances_by_uid, instances_of_class
from archive.storage import NotStored, file_open


class NothingStarred(Exception):
    """There is no star to make a selection of."""

    @property
    def sentence(self) -> str:
        return _("No image of this study has a star yet. Star some, then save.")


@dataclass(frozen=True, slots=True)
class Selection:
    """A key object document of the study. ``images``: primary key and frames (none: all of it)."""

    instance: Instance
    selected: KeyObjects | None
    images: tuple[tuple[int, tuple[int, ...]], ...]


def stars_of(*, study: Study) -> list[tuple[Instance, int]]:
    """Return the images and frames of a study that have a star, in the order in which they got it."""
    stars = Star.objects.filter(study_instance_uid=study.study_instance_uid).order_by("pk")
    wanted = list(stars.values_list("sop_instance_uid", "frame"))
    known = instances_by_uid(study=study, uids={uid for uid, _frame in wanted})
    return [(known[uid], frame) for uid, frame in wanted if uid in known]


def star_set(*, study: Study, instance: Instance, frame: int, on: bool, user: AbstractUser) -> None:
    """Give a frame a star, or take it. Twice is once. Raises ``PermissionDenied``."""
    require(user=user, act=Act.ANNOTATE, study=study)
    key = {"sop_instance_uid": instance.sop_instance_uid, "frame": frame}
    with transaction.atomic():
        if on:
            made = {"study_instance_uid": study.study_instance_uid, "by": user}
            Star.objects.get_or_create(**key, defaults=made)
        else:
            Star.objects.filter(**key).delete()
        event_record(topic="study", key=str(study.pk))


def selections_of(*, study: Study) -> list[Selection]:
    """Return the key object documents of a study, the latest arrival first; one that cannot be read too."""
    found = [(one, _selected(one)) for one in instances_of_class(study=study, sop_class_uids=(KEY_OBJECTS,))]
    uids = {r.sop_instance_uid for _one, selected in found if selected for r in selected.references}
    known = instances_by_uid(study=study, uids=uids)
    return [
        Selection(
            instance,
            selected,
            tuple(
                (known[r.sop_instance_uid].pk, r.frames)
                for r in (selected.references if selected else ())
                if r.sop_instance_uid in known
            ),
        )
        for instance, selected in found
    ]


def _selected(instance: Instance) -> KeyObjects | None:
    try:
        with file_open(instance.file_key) as file:
            return key_objects_read(file)
    except (KeyObjectsUnreadable, NotStored, OSError):
        return None


def selection_save(
    *, study: Study, user: AbstractUser, source: str, title: str, description: str
) -> Instance:
    """Keep what has a star as a key object document (``title``: a code of ``TITLES``); return the object.

    Raises ``PermissionDenied``, ``NothingStarred``, ``KeyError`` for another title, or what keeping raises.
    """
    require(user=user, act=Act.ANNOTATE, study=study)
    stars = stars_of(study=study)
    if not stars:
        raise NothingStarred
    selection = KeyObjects(
        sop_instance_uid="",
        title=title,
        title_meaning=TITLES[title],
        references=tuple(_references(stars)),
        description=description,
        observer=creator_name(user=user),
    )
    made = key_objects_written(selection, subject_of(study=study), now=timezone.localtime())
    return made_keep(made=made, study=study, by=user, source=source, name=description or TITLES[title])


def _references(stars: Sequence[tuple[Instance, int]]) -> list[Reference]:
    """One for each image; of an image of many frames, the frames that have a star."""
    frames: dict[Instance, list[int]] = {}
    for instance, frame in stars:
        frames.setdefault(instance, []).append(frame)
    return [
        Reference(
            instance.sop_instance_uid,
            tuple(sorted(chosen)) if instance.number_of_frames > 1 else (),
            instance.sop_class_uid,
            instance.series.series_instance_uid,
        )
        for instance, chosen in frames.items()
    ]
