"""The archive as it lies in the index: patients, studies, series, instances. To look at, not to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from archive.admin.base import MOST_COUNTED, ReadOnlyAdmin
from archive.admin.show import changelist, facts, link, links, moment, mono, size, state
from archive.dicom.names import PersonName
from archive.models import Instance, Patient, PatientTerm, Series, Study
from archive.query import StudyCriteria
from archive.search import study_search
from archive.terms import query_words


def _name(patient: Patient) -> str:
    name = PersonName(patient.name_alphabetic, patient.name_ideographic, patient.name_phonetic)
    return " ".join(dict.fromkeys(filter(None, (name.display("ideographic"), name.display("alphabetic")))))


@admin.register(Patient)
class PatientAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "patient_id",
        "issuer_of_patient_id",
        "birth_date",
        "sex",
        "told_apart",
        "studies",
    )
    list_filter = ("conflict",)
    search_fields = ("patient_id",)
    search_help_text = _("Name in any script, pinyin, initials, or patient ID")
    ordering = ("-id",)
    fields = (
        ("name", "patient_id", "issuer_of_patient_id"),
        ("name_alphabetic", "name_ideographic", "name_phonetic"),
        ("birth_date", "sex", "told_apart"),
        ("first_seen", "studies"),
    )  # fmt: skip
    readonly_fields = ("name", "told_apart", "first_seen", "studies")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the same words as the portal."""
        for word in query_words(search_term):
            queryset = queryset.filter(
                pk__in=PatientTerm.objects.filter(term__begins=word).values("patient_id")
            )
        return queryset, False

    @admin.display(description=_("name"), ordering="name_folded")
    def name(self, patient: Patient) -> str:
        return _name(patient) or str(_("No name"))

    @admin.display(description=_("one ID, two people"), ordering="conflict")
    def told_apart(self, patient: Patient) -> str:
        return state("conflict", _("One ID, two people")) if patient.conflict else ""

    @admin.display(description=_("first seen"))
    def first_seen(self, patient: Patient) -> str:
        return moment(patient.created_at)

    @admin.display(description=_("studies"))
    def studies(self, patient: Patient) -> SafeString:
        return link(changelist("archive_study", patient=patient.pk), _("Studies"))


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    list_display = (
        "when", "name", "patient_number", "modalities", "description", "number_of_instances", "status",
        "source",
    )  # fmt: skip
    list_select_related = ("patient",)
    list_filter = ("conflict", ("rejected_at", admin.EmptyFieldListFilter))
    search_fields = ("accession_number",)
    search_help_text = _("Name in any script, pinyin, initials, patient ID, accession number, description")
    ordering = ("-sort_key", "-id")
    fields = (
        "open", "uid", ("when", "study_id", "accession_number"), "description", "name",
        ("modalities", "number_of_series", "number_of_instances", "stored"),
        ("referring_physician_name", "institution_name"), ("source", "arrived", "last_image"),
        ("status", "rejection_reason"),
    )  # fmt: skip
    readonly_fields = (
        "open", "uid", "when", "name", "patient_number", "stored", "status", "arrived", "last_image",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search as the portal does; rejected studies are found by the filter, not by words."""
        if not query_words(search_term):
            return queryset, False
        found = study_search(
            criteria=StudyCriteria(text=search_term), sort="-date", offset=0, limit=MOST_COUNTED // 10
        )
        return queryset.filter(pk__in=found.ids), False

    @admin.display(description=_("study date"), ordering="sort_key")
    def when(self, study: Study) -> str:
        return f"{study.study_date} {study.study_time[:6]}".strip()

    @admin.display(description=_("patient"))
    def name(self, study: Study) -> str:
        return link(
            reverse("admin:archive_patient_change", args=[study.patient_id]),
            _name(study.patient) or _("No name"),
        )

    @admin.display(description=_("patient ID"))
    def patient_number(self, study: Study) -> str:
        return study.patient.patient_id

    @admin.display(description=_("state"))
    def status(self, study: Study) -> SafeString:
        if study.rejected_at:
            return state("wait", _("rejected"))
        return state("conflict", _("Conflict")) if study.conflict else state("done", _("Complete"))

    @admin.display(description=_("open"))
    def open(self, study: Study) -> SafeString:
        found = [(changelist("archive_series", study=study.pk), _("Series"))]
        if study.rejected_at is None:
            found.insert(0, (reverse("study", args=[study.pk]), _("Study page")))
        return links(found)

    @admin.display(description=_("Study Instance UID"))
    def uid(self, study: Study) -> SafeString:
        return mono(study.study_instance_uid)

    @admin.display(description=_("size"))
    def stored(self, study: Study) -> str:
        return size(study.size_bytes)

    @admin.display(description=_("arrived"))
    def arrived(self, study: Study) -> str:
        return moment(study.created_at)

    @admin.display(description=_("last image"))
    def last_image(self, study: Study) -> str:
        return moment(study.updated_at)


@admin.register(Series)
class SeriesAdmin(ReadOnlyAdmin):
    list_display = ("number", "modality", "description", "body_part", "number_of_instances", "of_study")
    list_select_related = ("study",)
    search_fields = ("=series_instance_uid", "=study__study_instance_uid")
    search_help_text = _("Series or study UID, written in full")
    ordering = ("-id",)
    fields = (
        "open", "uid", ("modality", "series_number", "body_part", "laterality"), "description",
        "protocol_name",
        ("series_date", "series_time"), ("station_name", "manufacturer"), "number_of_instances",
    )  # fmt: skip
    readonly_fields = ("open", "uid", "of_study")

    @admin.display(description=_("series"), ordering="series_number")
    def number(self, series: Series) -> str:
        return str(series.pk if series.series_number is None else series.series_number)

    @admin.display(description=_("Series Instance UID"))
    def uid(self, series: Series) -> SafeString:
        return mono(series.series_instance_uid)

    @admin.display(description=_("study"))
    def of_study(self, series: Series) -> SafeString:
        return link(
            reverse("admin:archive_study_change", args=[series.study_id]),
            series.study.description or series.study.study_instance_uid,
        )

    @admin.display(description=_("open"))
    def open(self, series: Series) -> SafeString:
        return links(
            [
                (reverse("admin:archive_study_change", args=[series.study_id]), _("Study")),
                (changelist("archive_instance", series=series.pk), _("Instances")),
            ]
        )


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    list_display = ("number", "uid", "geometry", "number_of_frames", "stored", "source", "arrived")
    search_fields = ("=sop_instance_uid",)
    search_help_text = _("SOP Instance UID, written in full")
    ordering = ("-id",)
    fields = (
        "open", "uid", "sop_class_uid", "transfer_syntax_uid", ("geometry", "number_of_frames"),
        "file_key", ("stored", "source", "arrived"), "file_digest", "notes", "variants", "display_facts",
    )  # fmt: skip
    readonly_fields = ("open", "uid", "geometry", "stored", "arrived", "notes", "variants", "display_facts")

    @admin.display(description=_("number"), ordering="instance_number")
    def number(self, instance: Instance) -> str:
        return str(instance.pk if instance.instance_number is None else instance.instance_number)

    @admin.display(description=_("SOP Instance UID"))
    def uid(self, instance: Instance) -> SafeString:
        return mono(instance.sop_instance_uid)

    @admin.display(description=_("pixels"))
    def geometry(self, instance: Instance) -> str:
        return f"{instance.columns} × {instance.rows}" if instance.rows and instance.columns else ""

    @admin.display(description=_("size"), ordering="file_size")
    def stored(self, instance: Instance) -> str:
        return size(instance.file_size)

    @admin.display(description=_("arrived"))
    def arrived(self, instance: Instance) -> str:
        return moment(instance.created_at)

    @admin.display(description=_("open"))
    def open(self, instance: Instance) -> SafeString:
        study = instance.series.study_id
        return links(
            [
                (reverse("study", args=[study]), _("Study page")),
                (reverse("admin:archive_study_change", args=[study]), _("Study")),
                (reverse("admin:archive_series_change", args=[instance.series_id]), _("Series")),
            ]
        )

    @admin.display(description=_("warnings"))
    def notes(self, instance: Instance) -> str:
        return ", ".join(str(warning) for warning in instance.warnings)

    @admin.display(description=_("variants"))
    def variants(self, instance: Instance) -> SafeString:
        return facts(
            {
                f"{variant.get_kind_display()} ({variant.transfer_syntax_uid})": variant.file_key
                for variant in instance.variants.all()
            }
        )

    @admin.display(description=_("facts"))
    def display_facts(self, instance: Instance) -> SafeString:
        return facts(instance.facts)
