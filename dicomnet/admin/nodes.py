"""AE nodes: address, rights, text, and whether it works."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from archive.admin.base import AuditedAdmin, Notice
from archive.admin.show import changelist, link, moment, state
from archive.models import AuditEvent
from dicomnet.admin.diary import SHAPES
from dicomnet.admin.probing import ProbingMixin
from dicomnet.checks import tls_usable
from dicomnet.contexts import Service
from dicomnet.models import AENode, Association, NodeProbe
from dicomnet.tls import TlsNotUsable, certificates_used

RIGHTS: Final = tuple(f"allow_{service.value}" for service in Service)

# Specific Character Set, PS3.3 C.12.1.1.2, as one assumes it of a device that names none.
_CHARSETS: Final = (
    ("", _("ASCII, as the standard says")),
    ("GB18030", "GB18030 (中文)"),
    ("GBK", "GBK (中文)"),
    ("ISO_IR 192", "UTF-8"),
    ("ISO_IR 100", "Latin-1"),
    ("ISO_IR 101", "Latin-2"),
    ("ISO_IR 144", "Cyrillic"),
    ("ISO 2022 IR 87", "ISO 2022 IR 87 (日本語)"),
    ("ISO 2022 IR 149", "ISO 2022 IR 149 (한국어)"),
)


class NodeForm(forms.ModelForm[AENode]):
    default_charset = forms.ChoiceField(
        label=_("If no charset"), required=False, choices=_CHARSETS,
        help_text=_("What to assume when an object names no character set."),
    )  # fmt: skip
    worklist_charset = forms.ChoiceField(
        label=_("Charset of its worklist"), required=False,
        choices=(("", _("What the texts need")), *_CHARSETS[1:]),
        help_text=_("What the device can read. What the set does not hold is spelt in Latin letters."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("default_charset", "worklist_charset"):
            kept, field = getattr(self.instance, name), self.fields[name]
            if kept and isinstance(field, forms.ChoiceField) and kept not in dict(_CHARSETS):
                field.choices = [*_CHARSETS, (kept, kept)]

    def clean_ae_title(self) -> str:
        """PS3.5 6.2: leading and trailing spaces mean nothing."""
        return str(self.cleaned_data["ae_title"]).strip()


@admin.register(AENode)
class NodeAdmin(ProbingMixin, AuditedAdmin):
    audit_action = AuditEvent.Action.NODE_CHANGED
    form = NodeForm
    list_display = ("ae_title", "address", "description", "rights", "tested", "spoke")
    list_filter = ("active",)
    search_fields = ("ae_title", "host", "description")
    fieldsets = (
        (_("Address"), {"fields": ("ae_title", ("host", "port"), "description", ("active", "check_host"))}),
        (
            _("It may"),
            {"fields": (RIGHTS,), "classes": ("rights",), "description": _("Holds at its next association.")},
        ),
        (_("Text"), {"fields": ("default_charset", "default_issuer", "fuzzy_names")}),
        (
            _("Worklist"),
            {"fields": ("worklist_charset", "worklist_name_form", "worklist_own_only")},
        ),
        (_("Objects"), {"fields": ("accept_private_classes", "retrieve_by")}),
        (
            _("Security"),
            {
                "fields": (
                    ("tls_required", "tls_call"),
                    "tls_certificate",
                    "user_identity",
                    "max_associations",
                )
            },
        ),
        (_("Storage commitment"), {"fields": ("ask_commitment", "commit_same_association")}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, and above it until when our TLS certificate holds."""
        own = own_certificate_words()
        return super().changelist_view(request, ({"subtitle": own} if own else {}) | (extra_context or {}))

    def waiting_notice(self) -> Notice | None:
        """Return what the index page says of certificates that end soon, or have ended."""
        sentences = [str(message.msg) for message in tls_usable(None)]
        address = reverse("admin:dicomnet_aenode_changelist")
        return Notice(" ".join(sentences), address) if sentences else None

    @admin.display(description=_("address"), ordering="host")
    def address(self, node: AENode) -> str:
        return f"{node.host}:{node.port}"

    @admin.display(description=_("it may"))
    def rights(self, node: AENode) -> str:
        if not node.active:
            return gettext("switched off")
        held = (field for field in AENode._meta.concrete_fields if field.name in RIGHTS)
        return ", ".join(str(field.verbose_name) for field in held if getattr(node, field.name))

    @admin.display(description=_("last test"))
    def tested(self, node: AENode) -> SafeString:
        return probe_state(node.probes.order_by("-id").first())

    @admin.display(description=_("last association"))
    def spoke(self, node: AENode) -> SafeString:
        last = Association.objects.filter(node=node).defer("contexts", "operations").first()
        if last is None:
            return state("wait", _("none yet"))
        word = state(SHAPES[last.outcome], moment(last.began))
        return link(reverse("admin:dicomnet_association_change", args=[last.pk]), word)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With a way to what the diary says of this node."""
        node = context.get("original")
        if node is not None:
            context["associations"] = changelist("dicomnet_association", node__id__exact=node.pk)
        return super().render_change_form(request, context, *args, **kwargs)


def own_certificate_words() -> str:
    """Our TLS certificate in a sentence; nothing where there is none."""
    try:
        own = next(iter(certificates_used()), None)
    except TlsNotUsable as error:
        return gettext("TLS cannot be used: %(error)s") % {"error": error}
    if own is None or settings.PACS_DICOM_TLS_PORT is None:
        return ""
    words = {"name": own[1].common_name, "port": settings.PACS_DICOM_TLS_PORT}
    words |= {"day": f"{own[1].not_after:%Y-%m-%d}", "fingerprint": own[1].fingerprint}
    return gettext("TLS on port %(port)s: certificate “%(name)s” until %(day)s (%(fingerprint)s)") % words


def probe_state(probe: NodeProbe | None) -> SafeString:
    """Show in a word how the newest connection test went."""
    if probe is None:
        return state("wait", _("not tested"))
    if probe.state != NodeProbe.State.DONE:
        return state("live", probe.get_state_display())
    return state("done", _("works")) if probe.ok else state("failed", _("does not work"))
