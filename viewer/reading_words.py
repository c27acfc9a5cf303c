"""What the viewer's scripts say, in the reader's language. Names in braces are filled in by the page."""

from __future__ import annotations

from django.utils.translation import gettext as _


def reading_words() -> dict[str, str]:
    """Return all of them by their slug."""
    return {**_image(), **_reformat(), **_view(), **_window(), **_measure(), **_play()}


def _image() -> dict[str, str]:
    """In the corners of an image."""
    return {
        "series": _("Series {n}"),
        "image-of": _("Image {n} / {total}"),
        "frame-of": _("Frame {n} / {total}"),
        "slice-at": _("Slice {thickness} at {location}"),
        "slice": _("Slice {thickness}"),
        "size-bits": _("{size}, {bits} bit"),
        "zoom": _("zoom {n}×"),
        "value-at": _("{value} at {x}, {y}"),
        "bar": _("{n} cm"),
        "bar-imager": _("{n} cm at the detector"),
        "lossy": _("LOSSY"),
        "lossy-ratio": _("LOSSY {n}:1"),
        "partial": _("PARTLY LOADED"),
        "scaled": _("SCALED {n}×"),
        "conflict": _("ONE ID, TWO PEOPLE"),
        "uncalibrated": _("UNCALIBRATED"),
    }


def _reformat() -> dict[str, str]:
    """Of planes nobody took."""
    return {
        "reformat": _("REFORMAT"),
        "plane-axial": _("AXIAL"),
        "plane-coronal": _("CORONAL"),
        "plane-sagittal": _("SAGITTAL"),
        "slab-mean": _("MEAN {n} mm"),
        "slab-mip": _("MIP {n} mm"),
        "slab-minip": _("MinIP {n} mm"),
        "slab-none": _("one plane"),
        "reformat-progress": _("Reading slices: {n} of {total}"),
        "reformat-not-kept": _(
            "A reformat is worked out, not stored: views and stars are of the images as they were taken."
        ),
    }


def _view() -> dict[str, str]:
    """Of saved views, stars and selections."""
    return {
        "view-of": _("VIEW {name}"),
        "view-none": _("None: as the images are"),
        "view-nameless": _("Without a name"),
        "view-saved": _("The view is saved in the study."),
        "views-offline": _("The archive did not answer. Try again."),
        "left-out": _("not shown: {what}"),
        "all-images": _("All images"),
        "starred": _("Starred"),
        "images": _("{n} images"),
        "selection-saved": _("The selection is saved in the study."),
    }


def _window() -> dict[str, str]:
    """Names of windows."""
    return {
        "preset-soft-tissue": _("Soft tissue"),
        "preset-lung": _("Lung"),
        "preset-bone": _("Bone"),
        "preset-liver": _("Liver"),
        "preset-brain": _("Brain"),
        "preset-auto": _("Auto"),
        "preset-own": _("Original"),
        "preset-region": _("From region"),
        "preset-brighter": _("Brighter"),
        "preset-contrast": _("Contrast"),
        "preset-window": _("Window {n}"),
    }


def _measure() -> dict[str, str]:
    """Of what is measured."""
    return {
        "text-label": _("Text on the image"),
        "basis-spacing": _("by pixel spacing"),
        "basis-fiducial": _("calibrated by an object of known size"),
        "basis-geometry": _("corrected for magnification"),
        "basis-magnification": _("at the detector, divided by the magnification"),
        "basis-detector": _("at the detector, not in the patient"),
        "basis-nominal": _("by the spacing of the scanner"),
        "basis-region": _("by the ultrasound region"),
        "basis-none": _("pixels only, not calibrated"),
        "refusal-two-regions": _("across two regions: no common scale"),
        "refusal-outside-regions": _("leaves its region: no common scale"),
        "refusal-other-units": _("this region does not measure lengths"),
        "refusal-empty": _("no pixel inside"),
        "refusal-no-direction": _("an arm has no length"),
        "mean-sd": _("mean {mean} SD {sd}"),
        "pixels": _("{n} pixels"),
        "low-high": _("{low} to {high}, {n} pixels"),
    }


def _play() -> dict[str, str]:
    """In the dock: playing, the pictures and the line."""
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "rate": _("{n} fps"),
        "dropped": _("{n} dropped"),
        "milliseconds": _("{n} ms"),
        "preview": _("preview"),
        "as-stored": _("as stored"),
        "connecting": _("connecting"),
        "reconnecting": _("reconnecting"),
        "ended-4401": _("logged out"),
        "ended-4403": _("not allowed"),
        "ended-4404": _("study removed"),
        "ended-4429": _("too many requests"),
    }
