"""Structured reports of any template (PS3.3 A.35, C.17) as records: head, tree in order, evidence."""

from archive.dicom.reports.content import Code, ContentItem, Graphic, Measured, Reference, Temporal
from archive.dicom.reports.document import Evidence, Observer, Report, report_of

__all__ = [
    "Code",
    "ContentItem",
    "Evidence",
    "Graphic",
    "Measured",
    "Observer",
    "Reference",
    "Report",
    "Temporal",
    "report_of",
]
