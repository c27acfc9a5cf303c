"""Pages of what is not an image, the attributes of anything, and the bytes of documents and videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from archive.access import Act, may, require
from archive.audit import audit_record, audit_study_viewed, source_of
from archive.dicom.clinical import NotClinical
from archive.dicom.value_text import uid_name
from archive.documents import (
    ByteStream,
    DocumentKind,
    Kind,
    ObjectUnavailable,
    attributes_read,
    clinical_read,
    document_stream,
    object_kind,
    report_read,
    video_read,
    video_stream,
    waveform_read,
    wrapped_read,
)
from archive.models import AuditEvent, Instance
from archive.selectors import NotFound, instance_for, instances_of, objects_by_uid
from dicomnet.send_sentences import syntax_words
from viewer.attribute_lines import lines_found
from viewer.ranges import stream_response
from viewer.report_lines import named_lines, report_lines
from viewer.waveform_sheets import sheets_of

LINES: Final = 500  # attributes on one page

# What a document may do in a frame of ours: be seen. An origin of its own, no script, nothing from elsewhere.
_CONFINED: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


_STREAMS: Final = {Kind.DOCUMENT: document_stream, Kind.VIDEO: video_stream}


@require_safe
@never_cache
def shown(request: HttpRequest, pk: int) -> HttpResponse:
    """An object as what it is: an image in the viewer; of what has no form of its own, the attributes."""
    instance = _instance(request, pk)
    try:
        kind = object_kind(instance=instance)
        if kind is Kind.IMAGE:
            return redirect(_viewer_address(instance))
        if kind in _PAGES:
            context = _PAGES[kind](request, instance)
            return render(request, f"viewer/object/{kind}.html", _context(request, instance, kind) | context)
    except ObjectUnavailable as reason:
        return _attributes(request, instance, Kind.ATTRIBUTES, reason.sentence)
    return _attributes(request, instance, kind)


@require_safe
@never_cache
def attributes(request: HttpRequest, pk: int) -> HttpResponse:
    """Every attribute of an object. ``?q=``: those with these words; asked by htmx, the lines alone."""
    instance = _instance(request, pk)
    try:
        kind = object_kind(instance=instance)
    except ObjectUnavailable:
        kind = Kind.ATTRIBUTES
    return _attributes(request, instance, kind)


@require_safe
def content(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The bytes of a document or video, as stored. ``?download``: to keep, for who may take things out.

    Without it only what a browser shows safely is given: PDF and MP4.
    """
    instance = _instance(request, pk)
    try:
        kind = object_kind(instance=instance)
        if kind not in _STREAMS:
            raise Http404
        stream = (
            document_stream(instance=instance) if kind is Kind.DOCUMENT else video_stream(instance=instance)
        )
        if "download" in request.GET:
            return _download(request, instance, stream)
        if stream.media_type not in ("application/pdf", "video/mp4"):
            raise Http404
        response = stream_response(request, stream)
    except ObjectUnavailable as reason:
        raise Http404(reason.sentence) from reason
    response.headers["Content-Security-Policy"] = _CONFINED
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Content-Disposition"] = f'inline; filename="{stream.name}"'
    return response


def _download(request: HttpRequest, instance: Instance, stream: ByteStream) -> HttpResponseBase:
    study = instance.series.study
    require(user=request.user, act=Act.EXPORT, study=study)
    audit_record(
        action=AuditEvent.Action.EXPORTED,
        actor=request.user,
        source=source_of(request),
        study=study,
        object=instance.sop_instance_uid,
        detail={"file": stream.name},
    )
    response = stream_response(request, stream)
    response.headers["Content-Security-Policy"] = _CONFINED
    response.headers["Content-Disposition"] = f'attachment; filename="{stream.name}"'
    return response


def _report(request: HttpRequest, instance: Instance) -> dict[str, Any]:
    report = report_read(instance=instance)
    held = objects_by_uid(user=request.user, uids=report.uids())
    return {
        "report": report,
        "lines": report_lines(report, held),
        "evidence": named_lines(report.evidence, held),
        "other_evidence": named_lines(report.other_evidence, held),
        "predecessors": named_lines(report.predecessors, held),
    }


def _waveform(request: HttpRequest, instance: Instance) -> dict[str, Any]:
    waveform = waveform_read(instance=instance)
    return {"waveform": waveform, "paper": sheets_of(waveform, request.GET)}


def _document(request: HttpRequest, instance: Instance) -> dict[str, Any]:
    wrapped = wrapped_read(instance=instance)
    clinical, refused = None, ""
    if wrapped.kind is DocumentKind.CDA:
        try:
            clinical = clinical_read(instance=instance, wrapped=wrapped)
        except NotClinical as reason:
            refused = reason.code
    sources = objects_by_uid(user=request.user, uids={source.sop_instance_uid for source in wrapped.sources})
    return {
        "wrapped": wrapped,
        "clinical": clinical,
        "refused": refused,
        "sources": list(sources.values()),
        "address": reverse("object-content", args=[instance.pk]),
    }


def _video(request: HttpRequest, instance: Instance) -> dict[str, Any]:
    return {
        "video": video_read(instance=instance),
        "address": reverse("object-content", args=[instance.pk]),
    }


_PAGES: Final[dict[Kind, Callable[[HttpRequest, Instance], dict[str, Any]]]] = {
    Kind.REPORT: _report,
    Kind.WAVEFORM: _waveform,
    Kind.DOCUMENT: _document,
    Kind.VIDEO: _video,
}


def _attributes(request: HttpRequest, instance: Instance, kind: Kind, refusal: str = "") -> HttpResponse:
    words = request.GET.get("q", "")[:200]
    try:
        listing = attributes_read(instance=instance)
    except ObjectUnavailable as reason:
        context = _context(request, instance, kind) | {
            "refusal": refusal or reason.sentence,
            "view": "attributes",
        }
        return render(request, "viewer/object/attributes.html", context)
    found = lines_found(listing.lines, words)
    context = {
        "view": "attributes",
        "refusal": refusal,
        "total": len(listing.lines),
        "found": len(found),
        "broken": listing.broken,
        "words": words,
        "page": Paginator(found, LINES).get_page(request.GET.get("page")),
        "address": reverse("attributes", args=[instance.pk]),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "viewer/object/attribute_lines.html", context)
    return render(request, "viewer/object/attributes.html", _context(request, instance, kind) | context)


def _instance(request: HttpRequest, pk: int) -> Instance:
    """An instance this person may see; that they looked is recorded."""
    try:
        instance = instance_for(user=request.user, pk=pk)
    except NotFound as error:
        raise Http404(str(error)) from error
    study = instance.series.study
    require(user=request.user, act=Act.VIEW, study=study)
    audit_study_viewed(user=cast(AbstractUser, request.user), study=study, source=source_of(request))
    return instance


def _viewer_address(instance: Instance) -> str:
    return f"{reverse('viewer', args=[instance.series.study_id])}?instance={instance.pk}"


def _context(request: HttpRequest, instance: Instance, kind: Kind) -> dict[str, Any]:
    study = instance.series.study
    beside = instances_of(series=instance.series)
    at = next((place for place, each in enumerate(beside) if each.pk == instance.pk), 0)
    return {
        "instance": instance,
        "series": instance.series,
        "study": study,
        "patient": study.patient,
        "kind": str(kind),
        "formed": kind in _PAGES,
        "view": "",
        "class_name": uid_name(instance.sop_class_uid) or instance.sop_class_uid,
        "syntax": syntax_words(instance.transfer_syntax_uid),
        "before": beside[at - 1] if at else None,
        "after": beside[at + 1] if at + 1 < len(beside) else None,
        "place": at + 1,
        "places": len(beside),
        "viewer_address": _viewer_address(instance) if kind is Kind.IMAGE else "",
        "may_export": may(user=request.user, act=Act.EXPORT, study=study),
    }
