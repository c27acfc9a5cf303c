"""How pages of reports, waveforms and attributes say things."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from archive.dicom.attributes_listed import Attribute
from viewer.moments import date_words, moment_words, time_words

register = template.Library()

register.filter("da", date_words)
register.filter("tm", time_words)
register.filter("dt", moment_words)
_DEEPEST = 12  # indents there are styles for


@register.filter
def plain(number: float) -> str:
    """Write a number as short as it can be, with a point: 12.5, 25."""
    return f"{number:.6g}"


@register.filter
def mm(length: float) -> str:
    """Write a length for SVG, whatever the language."""
    return f"{length:.2f}".rstrip("0").rstrip(".")


@register.filter
def seconds(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")


@register.filter
def add_up(number: float, other: float) -> float:
    return number + other


@register.filter
def times(number: float, factor: float) -> float:
    return number * factor


@register.simple_tag
def attribute_rows(lines: Iterable[Attribute]) -> SafeString:
    """Draw attributes as rows of a table. Many at once: one join instead of a template for each."""
    return format_html_join("", "{}", ((_row(line),) for line in lines))


def _row(line: Attribute) -> SafeString:
    depth = min(line.depth, _DEEPEST)
    if line.item:
        words = _("Item {n}").format(n=line.item)
        return format_html('<tr class="in-{} nested"><td colspan="5">{}</td></tr>', depth, words)
    return format_html(
        '<tr class="in-{}{}"><td class="mono">{}</td><td class="mono">{}</td>{}'
        '<td class="value">{}</td><td class="number">{}</td></tr>',
        depth,
        " private" if line.private else "",
        line.tag_text,
        line.vr,
        format_html('<td lang="en">{}</td>', line.name)
        if line.name
        else format_html("<td>{}</td>", _("unknown")),
        _value(line),
        "" if line.length is None else line.length,
    )


def _value(line: Attribute) -> str | SafeString:
    if line.items is not None and line.vr == "SQ":
        words = ngettext("{n} item", "{n} items", line.items).format(n=line.items)
        return format_html('<span class="faint">{}</span>', words)
    if line.items is not None:
        words = ngettext("{n} fragment, not shown", "{n} fragments, not shown", line.items).format(
            n=line.items
        )
        return format_html('<span class="faint">{}</span>', words)
    if line.cut:
        words = _("… cut here") if line.value else _("not shown")
        return format_html('{} <span class="faint">{}</span>', line.value, words)
    return line.value
