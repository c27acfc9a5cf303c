"""What a connection test asks: SOP classes and transfer syntaxes, dealt into associations of 128 contexts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydicom.uid import (
    HEVCMP51,
    HTJ2K,
    JPEG2000,
    MPEG2MPML,
    MPEG4HP41,
    UID,
    BasicTextSRStorage,
    BreastTomosynthesisImageStorage,
    ColorSoftcopyPresentationStateStorage,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    GeneralECGWaveformStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    NuclearMedicineImageStorage,
    OphthalmicPhotography8BitImageStorage,
    OphthalmicTomographyImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    RTDoseStorage,
    RTImageStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    TwelveLeadECGWaveformStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VideoEndoscopicImageStorage,
    VideoMicroscopicImageStorage,
    VideoPhotographicImageStorage,
    VLEndoscopicImageStorage,
    VLMicroscopicImageStorage,
    VLPhotographicImageStorage,
    VLWholeSlideMicroscopyImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiationDoseSRStorage,
    XRayRadiofluoroscopicImageStorage,
)
from pynetdicom.sop_class import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    PresentationLUT,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

Pair = tuple[UID, UID]
MOST_CONTEXTS: Final = 128  # PS3.8 9.3.2.2: the IDs are odd numbers below 256

NATIVE: Final = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
# What nearly everybody can be asked for; it goes into the first association, with the commonest classes.
COMMON_SYNTAXES: Final = (
    *NATIVE, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless,
)  # fmt: skip
FURTHER_SYNTAXES: Final = (
    DeflatedExplicitVRLittleEndian, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2KLossless, HTJ2K,
)  # fmt: skip
VIDEO_SYNTAXES: Final = (MPEG2MPML, MPEG4HP41, HEVCMP51)
MATRIX_SYNTAXES: Final = (*COMMON_SYNTAXES, *FURTHER_SYNTAXES, *VIDEO_SYNTAXES)

COMMON_CLASSES: Final = (
    CTImageStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
    EnhancedMRImageStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForPresentation,
    XRayAngiographicImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    SecondaryCaptureImageStorage,
)
FURTHER_CLASSES: Final = (
    XRayRadiofluoroscopicImageStorage,
    BreastTomosynthesisImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    VLEndoscopicImageStorage,
    VLMicroscopicImageStorage,
    VLPhotographicImageStorage,
    VLWholeSlideMicroscopyImageStorage,
    OphthalmicPhotography8BitImageStorage,
    OphthalmicTomographyImageStorage,
    RTImageStorage,
    RTDoseStorage,
    SegmentationStorage,
)
VIDEO_CLASSES: Final = (
    VideoEndoscopicImageStorage,
    VideoMicroscopicImageStorage,
    VideoPhotographicImageStorage,
)
# Without pixels to compress.
DOCUMENT_CLASSES: Final = (
    BasicTextSRStorage,
    EnhancedSRStorage,
    ComprehensiveSRStorage,
    XRayRadiationDoseSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    ColorSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    EncapsulatedPDFStorage,
    TwelveLeadECGWaveformStorage,
    GeneralECGWaveformStorage,
    RTPlanStorage,
    RTStructureSetStorage,
)
STORAGE_ASKED: Final = (*COMMON_CLASSES, *FURTHER_CLASSES, *VIDEO_CLASSES, *DOCUMENT_CLASSES)
SERVICES_ASKED: Final = (
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelGet,
    ModalityWorklistInformationFind,
    ModalityPerformedProcedureStep,
)
PRINT_ASKED: Final = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta, PresentationLUT)


def _pairs(classes: Sequence[UID], syntaxes: Sequence[UID]) -> list[Pair]:
    return [(uid, syntax) for uid in classes for syntax in syntaxes]


def first_pairs(*, printer: bool) -> list[Pair]:
    """What the first association proposes, the one that is timed and echoed on: echo before anything else."""
    pairs = [(Verification, ImplicitVRLittleEndian)]
    if printer:
        return pairs + _pairs(PRINT_ASKED, NATIVE)
    pairs += _pairs(COMMON_CLASSES, COMMON_SYNTAXES)
    pairs += _pairs(DOCUMENT_CLASSES, NATIVE)
    return pairs + _pairs(SERVICES_ASKED, NATIVE)


def further_pairs() -> Iterator[list[Pair]]:
    """The rest, so many as fit into an association at a time."""
    pairs = _pairs(COMMON_CLASSES, FURTHER_SYNTAXES)
    pairs += _pairs(FURTHER_CLASSES, (*COMMON_SYNTAXES, *FURTHER_SYNTAXES))
    pairs += _pairs(VIDEO_CLASSES, (*NATIVE, JPEGBaseline8Bit, *VIDEO_SYNTAXES))
    pairs += _pairs((UltrasoundMultiFrameImageStorage, SecondaryCaptureImageStorage), VIDEO_SYNTAXES)
    pairs += _pairs(DOCUMENT_CLASSES, (DeflatedExplicitVRLittleEndian,))
    for start in range(0, len(pairs), MOST_CONTEXTS):
        yield pairs[start : start + MOST_CONTEXTS]
