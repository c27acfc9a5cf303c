"""What a picture can be asked for, and the one way in which it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from archive.dicom.presentation.records import STORED_VALUES, Modality, Plane, Shutter, Table, Voi


class VoiFunction(StrEnum):
    """VOI LUT Function (0028,1056), PS3.3 C.11.2.1.2."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """A window over modality values (HU in CT), PS3.3 C.11.2.1.2."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class PresentationLook:
    """What a presentation state says of the greys of one frame, in place of the object (PS3.4 N.2).

    ``greys`` is false for a state of colour images, which has nothing to say of greys. Of the image's overlay
    planes those of ``overlay_groups`` are shown; ``planes`` are the state's own.
    """

    modality: Modality = STORED_VALUES
    voi: Voi | None = None
    inverse: bool = False
    table: Table | None = None
    shutter: Shutter | None = None
    overlay_groups: tuple[int, ...] = ()
    planes: tuple[Plane, ...] = ()
    greys: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """How a frame is to be looked at.

    Without ``window``, ``voi_lut`` or ``auto`` the object's own choice holds: its first window, else its
    first VOI LUT, else the full range of the frame. ``auto`` asks for the full range outright.
    ``box`` (width, height) is what the whole frame must fit in: pictures are made smaller, never larger.
    ``overlays`` and ``shutter``: whether the object's own ones are laid over its pixels.
    Under a ``presentation`` its choice stands in place of the object's; ``invert`` turns round what it shows.
    """

    window: Window | None = None
    voi_lut: int | None = None
    auto: bool = False
    invert: bool = False
    box: tuple[int, int] | None = None
    overlays: bool = True
    shutter: bool = True
    presentation: PresentationLook | None = None


class EncodingFormat(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    STEPS = "steps"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the picture travels: JPEG while things move, PNG (lossless) when they have settled.

    Or in two parts that give the pixels of the PNG: STEPS, what each pixel is whatever the window, and TABLE,
    the grey of each step under one window. See ``pipeline.grey_parts``.
    """

    format: EncodingFormat = EncodingFormat.JPEG
    quality: int = 85

    @property
    def lossy(self) -> bool:
        return self.format is EncodingFormat.JPEG

    @property
    def media_type(self) -> str:
        return "application/octet-stream" if self in (STEPS, TABLE) else f"image/{self.format.value}"


JPEG = Encoding(EncodingFormat.JPEG, 85)
PNG = Encoding(EncodingFormat.PNG)
STEPS = Encoding(EncodingFormat.STEPS)
TABLE = Encoding(EncodingFormat.TABLE)


class Undecodable(Exception):
    """The frame cannot be made into a picture: a slug for machines, a detail for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
