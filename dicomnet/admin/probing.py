"""The connection test on the pages of nodes and printers: asked by a button, shown as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from archive.admin.base import administrator
from archive.admin.show import Shape
from dicomnet.models import AENode, NodeProbe, Printer
from dicomnet.nodes import node_probe_start
from dicomnet.scu.probe_words import Line, Row, lines_of, matrix_of, summary_of

LOST_AFTER_SECONDS: Final = 90  # a test that says nothing for so long lost its worker
STEPS: Final = ("tcp", "association", "echo")


@dataclass(frozen=True, slots=True)
class Panel:
    """A connection test as its panel shows it."""

    probe: NodeProbe | None
    running: bool
    summary: str
    shape: Shape
    seconds: float | None
    lines: tuple[Line, ...]
    advice: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def panel_of(*, probe: NodeProbe | None) -> Panel:
    """Return what the panel shows of a test; before the first one, that there was none."""
    if probe is None:
        return Panel(None, False, _("Not tested yet."), "wait", None, (), (), (), ())
    silent = (timezone.now() - probe.created_at).total_seconds()
    running = probe.state != NodeProbe.State.DONE and silent < LOST_AFTER_SECONDS
    lines = tuple(lines_of(probe))
    columns, rows = matrix_of(probe)
    shape: Shape = "live" if running else "done" if probe.ok else "failed"
    took = (probe.finished_at - probe.created_at).total_seconds() if probe.finished_at else None
    summary = summary_of(probe)
    if not running and probe.state != NodeProbe.State.DONE:
        summary = _("Nobody took the test up. Are the background jobs running?")
    return Panel(
        probe=probe,
        running=running,
        summary=summary,
        shape=shape,
        seconds=took,
        lines=lines,
        advice=tuple(line.advice for line in lines if line.advice),
        columns=tuple(columns),
        rows=tuple(rows),
    )


class ProbingMixin(admin.ModelAdmin[Any]):
    """Adds the panel and its two addresses: start a test, read the panel again."""

    change_form_template = "admin/dicomnet/probed_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_probe"
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/probe/", view(require_POST(self.probe_start)), name=f"{name}_start"),
            path("<int:pk>/probe/panel/", view(self.probe_panel), name=name),
        ]
        return own + super().get_urls()

    def probe_start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a test and answer with its panel. A test under way is followed, not doubled."""
        tested: AENode | Printer = get_object_or_404(self.model, pk=pk)
        if not panel_of(probe=_latest(tested)).running:
            if isinstance(tested, Printer):
                node_probe_start(printer=tested, by=administrator(request))
            else:
                node_probe_start(node=tested, by=administrator(request))
        return self.probe_panel(request, pk)

    def probe_panel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the panel of the newest test."""
        tested: AENode | Printer = get_object_or_404(self.model, pk=pk)
        response = render(request, "admin/dicomnet/probe_panel.html", self._panel(tested))
        response["Cache-Control"] = "no-store"
        return response

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, with the panel beside it once the row is saved."""
        obj = context.get("original")
        if obj is not None:
            context.update(self._panel(obj))
        return super().render_change_form(request, context, *args, **kwargs)

    def _panel(self, tested: AENode | Printer) -> dict[str, Any]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_probe"
        return {
            "panel": panel_of(probe=_latest(tested)),
            "tested": tested,
            "probe_start": reverse(f"{name}_start", args=[tested.pk]),
            "probe_panel": reverse(name, args=[tested.pk]),
        }


def _latest(tested: AENode | Printer) -> NodeProbe | None:
    return tested.probes.order_by("-id").first()
