"""Why there is no picture, in words for the person in front of it: what, why, what to do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    "no-pixels": _("This object holds no image."),
    "no-such-frame": _("The file does not hold this frame. Ask the sender to send the object again."),
    "no-size": _("The image says it has no rows or columns. Ask the sender to send it again."),
    "no-fragments": _(
        "The image is empty: its header came, its pixels did not. Ask the sender to send it again."
    ),
    "fragments": _("The frames of this object cannot be told apart. It is kept as it came; ask its sender."),
    "truncated": _("The image is cut off: most of this frame is missing. Ask the sender to send it again."),
    "corrupt": _("The image data is damaged. It is kept as it came; ask the sender to send it again."),
    "broken-header": _(
        "The header cannot be read. The object is kept as it came; ask the sender to send it again."
    ),
    "too-large": _(
        "The image is larger than this archive draws. Fetch the original to look at it elsewhere."
    ),
    "bits": _(
        "The image has a number of bits per pixel that DICOM does not allow. Tell the maker of the device."
    ),
    "samples": _(
        "The image has a number of colours per pixel that DICOM does not allow. Tell the maker of the device."
    ),
    "palette": _("The image uses a colour table that it does not bring along. Tell the maker of the device."),
    "lut": _("The image brings a lookup table that cannot be read. Tell the maker of the device."),
    "unknown-syntax": _(
        "The image is compressed in a way this archive does not know. It is kept as it came."
    ),
    "video": _("This is a video. It is kept as it came; a player can show the original."),
    "broken-deflate": _("The compressed data set cannot be unpacked. Ask the sender to send it again."),
    "deflate-limit": _("The compressed data set unpacks to more than this archive takes apart."),
    "missing-frames": _("Some frames of the object are missing. Ask the sender to send it again."),
    "mixed-frames": _(
        "The frames of this object are of several kinds. It is kept as it came; ask its sender."
    ),
    "size-differs": _(
        "The frames of this object have other sizes than it says. Tell the maker of the device."
    ),
    "contradiction": _("The header does not describe what the image holds. Tell the maker of the device."),
    "presentation": _("The presentation state cannot be applied. It is kept as it came."),
    "presentation-broken": _("The presentation state cannot be read. Ask its sender to send it again."),
    "presentation-kind": _("This kind of presentation state (pseudo-colour, blending) is not shown here."),
    "presentation-empty": _("The presentation state names no image."),
    "reformat-few": _("A reformat needs at least eight parallel slices; this series has fewer."),
    "reformat-no-position": _(
        "The images do not say where in the patient they lie: nothing can be reformatted from them."
    ),
    "reformat-sizes": _("The images differ in size or pixel spacing: they make no volume."),
    "reformat-orientation": _("The images do not all face the same way: they make no volume."),
    "reformat-tilted": _(
        "The slices do not lie straight behind one another (tilted gantry): a reformat would be distorted."
    ),
    "reformat-same-place": _(
        "Several images lie in the same place (phases or echoes): they make more than one volume."
    ),
    "reformat-gap": _(
        "A slice is missing between two others: a reformat would invent what lies there."
        " Ask for the series again."
    ),
    "reformat-too-large": _("The volume is larger than this archive reformats (1 GiB)."),
    "reformat-colour": _("Colour images are not reformatted."),
    "reformat-values": _("The values of the images do not mean the same: they cannot be mixed."),
    "reformat-frame-of-reference": _(
        "The images were not taken in one frame of reference: they make no volume."
    ),
    "reformat-reading": _("The volume is being read again. Try again in a moment."),
    "reformat-changed": _("Images of the series came or went meanwhile. Open the reformat again."),
    "outside": _("That point lies outside the image."),
    "no-steps": _("This picture cannot be sent in parts."),
    "not-stored": _("The file of this image is missing in the store. Tell the administrator: fsck names it."),
    "unreadable": _(
        "The file of this image cannot be read at the moment. Try again; tell the administrator."
    ),
}
OTHERWISE = _("This image cannot be shown. It is kept as it came.")


def sentence_for(code: str) -> str:
    """The sentence of a code in the language of the moment."""
    return str(SENTENCES.get(code, OTHERWISE))
