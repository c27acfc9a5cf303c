"""Presentation states of a study: listed, applied, and made of what is on the screen."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.core.exceptions import PermissionDenied
from PIL import Image
from pydicom.uid import UltrasoundImageStorage, generate_uid

from archive.dicom.presentation.records import Graphic, Shape, Text
from archive.imaging.annotate import area_of, marks_of, turned
from archive.imaging.params import View, VoiFunction, Window
from archive.ingest import Origin, file_ingest
from archive.models import AuditEvent, Instance
from archive.presentation_saving import SaveRefused, ShownFrame, ShownView, presentation_save
from archive.presentations import (
    presentation_frame_picture,
    presentation_layout,
    presentation_state,
    presentation_view,
    presentations_of,
)
from archive.rendering import FrameUnavailable, frame_picture
from archive.storage import file_path
from tests import people
from tests.objects import ct_slice, item, part10
from tests.objects import presentation_state as state_object

pytestmark = pytest.mark.django_db

NOISE = np.random.default_rng(3).integers(0, 4096, (48, 64)).astype("<u2")
PLAIN = {
    "PixelRepresentation": 0,
    "BitsStored": 12,
    "HighBit": 11,
    "Rows": 48,
    "Columns": 64,
    "RescaleSlope": 2,
    "RescaleIntercept": -1000,
    "PixelData": NOISE.tobytes(),
}
RGB = {
    "SOPClassUID": UltrasoundImageStorage,
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
    "PlanarConfiguration": 0,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
    "PixelData": bytes(768),
}


def keep(folder: Path, ds: Any) -> Instance:
    path = folder / f"{generate_uid()}.dcm"
    path.write_bytes(part10(ds))
    outcome = file_ingest(path=path, origin=Origin(source="TEST"))
    return Instance.objects.select_related("series__study__patient").get(pk=outcome.instance_id)


def save(image: Instance, look: ShownView, name: str = "左肺 LUNG", frame: int = 1) -> Instance:
    rita = people.rita_reader()
    rita.last_name, rita.first_name = "王", "芳"
    shown = [ShownFrame(image, frame)]
    return presentation_save(
        study=image.series.study, user=rita, source="127.0.0.1", name=name, shown=shown, look=look
    )


def pixels(image: Instance, view: View, state: Instance | None = None, frame: int = 1) -> np.ndarray:
    if state is not None:
        view = presentation_view(instance=image, frame=frame, view=view, state=state)
    return frame_picture(instance=image, frame=frame, view=view)


def dataset(instance: Instance) -> pydicom.Dataset:
    path = file_path(instance.file_key)
    assert path is not None
    return pydicom.dcmread(path)


VIEWS = {
    "a window": View(window=Window(700.5, 1234.25)),
    "a sigmoid": View(window=Window(700, 900, VoiFunction.SIGMOID)),
    "inverted": View(window=Window(40, 400), invert=True),
    "its own": View(),
    "all of it": View(auto=True),
}
OBJECTS = {
    "rescaled": PLAIN,
    "MONOCHROME1": PLAIN | {"PhotometricInterpretation": "MONOCHROME1"},
    "signed": PLAIN
    | {"PixelRepresentation": 1, "PixelData": (NOISE.astype("<i2") - 2048).tobytes(), "RescaleSlope": 1},
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_was_saved_shows_the_same_pixels(tmp_path: Path, kind: str) -> None:
    image = keep(tmp_path, ct_slice(**OBJECTS[kind]))
    user = people.omar_operator()
    for name, view in VIEWS.items():
        shown = [ShownFrame(image)]
        saved = presentation_save(
            study=image.series.study, user=user, source="", name=name, shown=shown, look=ShownView(view=view)
        )
        before, after = pixels(image, view), pixels(image, View(), saved)
        assert before.std() > 10
        assert np.array_equal(before, after), name
        again = presentation_save(
            study=image.series.study,
            user=user,
            source="",
            name=name,
            shown=shown,
            look=ShownView(view=View(invert=True), base=saved),
        )
        assert np.array_equal(255 - before, pixels(image, View(), again)), name


def test_lookup_tables_are_kept(tmp_path: Path) -> None:
    table = item(LUTExplanation="half")
    table.add_new("LUTDescriptor", "US", [4096, 0, 12])
    table.add_new("LUTData", "OW", (np.arange(4096) // 2).astype("<u2").tobytes())
    modality = item(ModalityLUTType="OD")
    modality.add_new("LUTDescriptor", "US", [4096, 0, 12])
    modality.add_new("LUTData", "OW", np.arange(4095, -1, -1).astype("<u2").tobytes())
    plain = {
        **PLAIN,
        "RescaleSlope": None,
        "RescaleIntercept": None,
        "WindowCenter": None,
        "WindowWidth": None,
    }
    image = keep(tmp_path, ct_slice(**plain, VOILUTSequence=[table], ModalityLUTSequence=[modality]))
    saved = save(image, ShownView())
    assert np.array_equal(pixels(image, View()), pixels(image, View(), saved))
    assert dataset(saved).SoftcopyVOILUTSequence[0].VOILUTSequence[0].LUTExplanation == "half"


def test_the_object_is_one_of_the_study_with_names_of_its_own(tmp_path: Path) -> None:
    image = keep(tmp_path, ct_slice(**PLAIN, SpecificCharacterSet="GB18030", PatientName="Wang^Fang=王^芳"))
    look = ShownView(view=View(window=Window(40, 400)), box=(8, 4, 40, 36), rotation=90, flip=True)
    saved = save(image, look)
    study = image.series.study
    study.refresh_from_db()
    assert saved.series.study_id == study.pk
    assert (study.modalities, study.number_of_instances, study.conflict) == ("CT\\PR", 2, False)
    ds = dataset(saved)
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert (str(ds.PatientName), ds.PatientID) == ("Wang^Fang=王^芳", "P1")
    assert (ds.Modality, ds.ContentLabel, ds.ContentDescription) == ("PR", "LUNG", "左肺 LUNG")
    assert str(ds.ContentCreatorName) == "=王^芳"
    assert ds.SeriesInstanceUID not in {image.series.series_instance_uid, ""}
    assert (ds.ImageRotation, ds.ImageHorizontalFlip, ds.PresentationLUTShape) == (90, "Y", "IDENTITY")
    area = ds.DisplayedAreaSelectionSequence[0]
    # A quarter turn to the right and a flip: what was at the upper left stays there.
    assert area.DisplayedAreaTopLeftHandCorner == [9, 5]
    assert area.DisplayedAreaBottomRightHandCorner == [40, 36]
    assert list(area.PresentationPixelSpacing) == [0.7, 0.7]
    referenced = ds.ReferencedSeriesSequence[0]
    assert referenced.SeriesInstanceUID == image.series.series_instance_uid
    assert referenced.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.sop_instance_uid
    event = AuditEvent.objects.get(action=AuditEvent.Action.SAVED)
    assert (event.actor_name, event.object, event.study_instance_uid) == (
        "rita",
        "左肺 LUNG",
        study.study_instance_uid,
    )


@pytest.mark.parametrize(
    ("rotation", "flip", "corners"),
    [
        (0, False, ([9, 5], [40, 36])),
        (0, True, ([40, 5], [9, 36])),
        (90, False, ([9, 36], [40, 5])),
        (180, False, ([40, 36], [9, 5])),
        (270, False, ([40, 5], [9, 36])),
        (270, True, ([40, 36], [9, 5])),
    ],
)
def test_corners_are_those_seen_after_the_turn(
    tmp_path: Path, rotation: int, flip: bool, corners: tuple[list[int], list[int]]
) -> None:
    image = keep(tmp_path, ct_slice(**PLAIN))
    look = ShownView(box=(8, 4, 40, 36), rotation=rotation, flip=flip, magnification=2.5)
    area = dataset(save(image, look)).DisplayedAreaSelectionSequence[0]
    assert (area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner) == corners
    assert (area.PresentationSizeMode, area.PresentationPixelMagnificationRatio) == ("MAGNIFY", 2.5)


def test_drawings_are_kept_and_those_of_the_applied_state_too(tmp_path: Path) -> None:
    image = keep(tmp_path, ct_slice(**PLAIN))
    line = Graphic(Shape.POLYLINE, ((1.5, 2.5), (30, 40)))
    words = Text("结节 <b>5 mm</b>\nnext", anchor=(30, 40), anchor_visible=True, box=((31, 41), (60, 47)))
    first = save(image, ShownView(graphics=(line,), texts=(words,)))
    again = presentation_save(
        study=image.series.study,
        user=people.omar_operator(),
        source="",
        name="two",
        shown=[ShownFrame(image)],
        look=ShownView(base=first, graphics=(Graphic(Shape.POINT, ((5, 5),)),)),
    )
    state = presentation_state(instance=again)
    marks = marks_of(state, image.sop_instance_uid, 1)
    assert [getattr(mark, "points", None) or mark.text.text for mark in marks] == [
        ((1.5, 2.5), (30.0, 40.0)),
        "结节 <b>5 mm</b>\nnext",
        ((5.0, 5.0),),
    ]
    assert [layer.name for layer in state.layers] == ["LIGHTBOX"]
    found = area_of(state, image.sop_instance_uid, 1)
    assert found is not None
    assert found.box == (0, 0, 64, 48)


def test_a_frame_of_many_is_named_and_the_others_are_left_alone(tmp_path: Path) -> None:
    frames = ct_slice(**{**PLAIN, "PixelData": NOISE.tobytes() * 3}, NumberOfFrames=3)
    image = keep(tmp_path, frames)
    saved = save(image, ShownView(view=View(window=Window(0, 300))), frame=2)
    inner = dataset(saved).ReferencedSeriesSequence[0].ReferencedImageSequence[0]
    assert inner.ReferencedFrameNumber == 2
    assert not np.array_equal(pixels(image, View(), saved, frame=2), pixels(image, View(), frame=2))
    assert np.array_equal(pixels(image, View(), saved, frame=3), pixels(image, View(), frame=3))
    layout = presentation_layout(study=image.series.study, instance=saved)
    assert layout["images"][image.pk]["frames"] == [2]


def test_what_a_state_cannot_hold_is_refused(tmp_path: Path) -> None:
    shared = {"StudyInstanceUID": generate_uid()}
    grey = keep(tmp_path, ct_slice(**PLAIN, **shared))
    other = keep(tmp_path, ct_slice(**{**PLAIN, "RescaleSlope": 3}, **shared))
    colour = keep(tmp_path, ct_slice(**RGB, **shared))
    omar = people.omar_operator()

    def refused(shown: list[Instance], view: View) -> str:
        with pytest.raises(SaveRefused) as error:
            presentation_save(
                study=grey.series.study,
                user=omar,
                source="",
                name="x",
                shown=[ShownFrame(one) for one in shown],
                look=ShownView(view=view),
            )
        assert error.value.sentence
        return error.value.code

    assert refused([], View()) == "no-images"
    assert refused([grey, colour], View()) == "mixed"
    assert refused([colour], View(invert=True)) == "colour-window"
    assert refused([grey, other], View()) == "rescale"
    with pytest.raises(PermissionDenied):
        presentation_save(
            study=grey.series.study,
            user=people.nobody_nil(),
            source="",
            name="x",
            shown=[ShownFrame(grey)],
            look=ShownView(),
        )
    assert Instance.objects.filter(series__modality="PR").count() == 0


def test_a_view_of_colour_carries_a_profile(tmp_path: Path) -> None:
    image = keep(tmp_path, ct_slice(**RGB))
    ds = dataset(save(image, ShownView(rotation=180)))
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"
    assert ds.ICCProfile[36:40] == b"acsp"
    assert "PresentationLUTShape" not in ds


def test_states_are_listed_with_what_they_speak_of(tmp_path: Path) -> None:
    shared = {"StudyInstanceUID": generate_uid()}
    one, two = ct_slice(**PLAIN, **shared), ct_slice(**PLAIN, **shared)
    first = keep(tmp_path, one)
    keep(tmp_path, two)
    missing = ct_slice(**PLAIN, **shared)
    good = keep(tmp_path, state_object(one, missing, ContentLabel="GOOD"))
    bad = keep(tmp_path, state_object(one, SOPClassUID="1.2.840.10008.5.1.4.1.1.11.3"))
    entries = presentations_of(study=first.series.study)
    assert [(entry.instance.pk, entry.images) for entry in entries] == [(bad.pk, ()), (good.pk, (first.pk,))]
    assert entries[0].state is None
    assert "not shown here" in entries[0].reason
    assert entries[1].state is not None
    assert entries[1].state.label == "GOOD"
    with pytest.raises(FrameUnavailable) as error:
        presentation_state(instance=bad)
    assert error.value.code == "presentation-kind"
    Instance.objects.filter(pk=good.pk).update(rejected_at="2026-11-23T00:00:00Z")
    assert [entry.instance.pk for entry in presentations_of(study=first.series.study)] == [bad.pk]


def test_film_gets_what_the_state_shows(tmp_path: Path) -> None:
    image = keep(tmp_path, ct_slice(**PLAIN))
    look = ShownView(view=View(window=Window(700, 1234), invert=True), box=(8, 4, 40, 44), rotation=90)
    saved = save(image, look)
    whole = pixels(image, look.view)
    film = presentation_frame_picture(instance=image, frame=1, view=View(box=(16, 16)), state=saved)
    assert np.array_equal(film, np.rot90(whole[4:44, 8:40], -1))
    drawn = presentation_save(
        study=image.series.study,
        user=people.omar_operator(),
        source="",
        name="square",
        shown=[ShownFrame(image)],
        look=ShownView(
            view=View(window=Window(1e6, 2)),
            graphics=(Graphic(Shape.POLYLINE, ((10, 10), (20, 10), (20, 20), (10, 10)), filled=True),),
        ),
    )
    deep = presentation_frame_picture(instance=image, frame=1, view=View(), bits=12, state=drawn)
    assert deep.shape == (768, 1024)  # sixteen times, for the letters
    assert (deep[13 * 16, 18 * 16], deep[30 * 16, 40 * 16]) == (3523, 0)


# --- what others make of it ---


def dcmtk(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not there")
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_dcmtk_takes_the_object_and_shows_the_same(tmp_path: Path) -> None:
    image = keep(tmp_path, ct_slice(**PLAIN))
    look = ShownView(
        view=View(window=Window(700, 2000), invert=True),
        rotation=90,
        flip=True,
        graphics=(Graphic(Shape.ELLIPSE, ((1, 5), (21, 5), (11, 0), (11, 10)), filled=True),),
        texts=(Text("node", anchor=(5, 5)),),
    )
    omar = people.omar_operator()
    shown = [ShownFrame(image)]
    saved = presentation_save(
        study=image.series.study, user=omar, source="", name="Lung", shown=shown, look=look
    )
    state, picture = file_path(saved.file_key), file_path(image.file_key)
    assert state is not None
    assert picture is not None
    told = dcmtk("dcmpschk", "-v", state)
    assert "Test passed" in told
    chinese = file_path(save(image, look).file_key)
    assert chinese is not None
    assert "(0070,0081) LO [左肺 LUNG]" in dcmtk("dcmdump", chinese)
    dcmtk("dcmp2pgm", "-p", state, picture, tmp_path / "out.pgm")
    theirs = np.asarray(Image.open(tmp_path / "out.pgm")).astype(int)
    ours = turned(pixels(image, View(), saved), 90, flip=True).astype(int)
    assert ours.shape == theirs.shape == (64, 48)
    assert float(np.abs(ours - theirs).mean()) <= 1.0
