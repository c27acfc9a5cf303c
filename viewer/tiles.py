"""Series as tiles: one picture, a number, what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from archive.dicom.video import codec_of
from archive.models import Instance, Study
from archive.overview import SeriesOverview, series_overview

# What has no picture, by modality: its icon and its name in words (PS3.3 C.7.3.1.1.1).
DOCUMENTS: Final[dict[str, tuple[str, Promise]]] = {
    "SR": ("page", _("Report")),
    "DOC": ("page", _("Document")),
    "PR": ("save", _("Saved views")),
    "KO": ("star", _("Key images")),
    "ECG": ("wave", _("Waveform")),
    "HD": ("wave", _("Waveform")),
    "EPS": ("wave", _("Waveform")),
    "AU": ("wave", _("Sound")),
    "RTSTRUCT": ("layout", _("Contours")),
    "RTPLAN": ("layout", _("Treatment plan")),
    "RTRECORD": ("page", _("Treatment record")),
    "SEG": ("layout", _("Segmentation")),
    "REG": ("link", _("Registration")),
    "FID": ("cross", _("Fiducials")),
    "RWV": ("ruler", _("Real world values")),
}
VIDEO: Final = ("video", _("Video"))


@dataclass(frozen=True, slots=True)
class Tile:
    """A series as the study page shows it. Without a ``picture``, ``icon`` and ``kind`` stand there.

    ``document`` is the key of the object that opens when there is no picture.
    """

    of: SeriesOverview
    picture: Instance | None
    document: int
    icon: str
    kind: Promise
    subtitle: str
    lossy: str


def study_tiles(*, study: Study) -> list[Tile]:
    """Return the tiles of a study in series order."""
    return [_tile(of) for of in series_overview(study=study)]


def _tile(of: SeriesOverview) -> Tile:
    video = of.picture is not None and codec_of(of.picture.transfer_syntax_uid)
    icon, kind = VIDEO if video else DOCUMENTS.get(of.series.modality, ("page", _("Not an image")))
    return Tile(
        of=of,
        picture=None if video else of.picture,
        document=of.picture.pk if video and of.picture else of.first,
        icon=icon,
        kind=kind,
        subtitle=", ".join(_parts(of)),
        lossy=_lossy(of),
    )


def _parts(of: SeriesOverview) -> list[str]:
    """What tells this series from its neighbours, in the order a reader asks."""
    found: list[str] = []
    if of.picture is None:
        return [of.series.modality]
    thickness = of.picture.facts.get("slice_thickness")
    if isinstance(thickness, int | float) and thickness > 0:
        found.append(f"{thickness:.1f} mm")
    found += [of.series.body_part, of.series.laterality, of.series.protocol_name]
    if of.frames > of.instances:
        found.append(ngettext("%(count)s frame", "%(count)s frames", of.frames) % {"count": of.frames})
    return list(dict.fromkeys(part for part in found if part and part != of.series.description))


def _lossy(of: SeriesOverview) -> str:
    """The text of the badge: " 8:1" when the ratio is known, " " when only the loss is, else nothing."""
    facts = of.picture.facts if of.picture else {}
    if not facts.get("lossy"):
        return ""
    ratio = facts.get("lossy_ratio")
    return f" {ratio:.0f}:1" if isinstance(ratio, int | float) and ratio > 1 else " "
