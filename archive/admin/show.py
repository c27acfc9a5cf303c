"""How pages of the admin show a value: moments, states, facts, links into the portal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Shape = Literal["done", "wait", "live", "part", "conflict", "failed"]
Text = str | Promise


def moment(value: datetime | None) -> str:
    """Write a moment as 2026-11-23 02:58:40, in the site's time zone."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}" if value else ""


def state(shape: Shape, word: Text) -> SafeString:
    """Show a state: shape, colour and word together."""
    return format_html('<span class="state {}">{}</span>', shape, word)


def mono(text: object) -> SafeString:
    """Show what machines call something: UIDs, AE titles."""
    return format_html('<span class="mono">{}</span>', text)


def size(count: int) -> str:
    """Write a size with a plain space before its unit."""
    return str(filesizeformat(count)).replace("\xa0", " ")


def facts(values: Mapping[str, Any]) -> SafeString:
    """Show the facts of a JSON field as a list of names and values; nothing that is empty.

    Names that were not translated are told from words of the page's language.
    """
    rows = ((name, _written(value)) for name, value in values.items() if value not in (None, "", [], {}))
    items = format_html_join(
        "", "<dt{}>{}</dt><dd>{}</dd>", ((_tongue(name), name, value) for name, value in rows)
    )
    return format_html('<dl class="facts">{}</dl>', items) if items else SafeString("")


def _tongue(name: str) -> SafeString:
    return SafeString(' lang="en"') if str(name).isascii() else SafeString("")


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_written(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_written(one) for one in value)
    return str(value)


def link(address: str, text: Text) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, text)


def links(found: Iterable[tuple[str, Text]]) -> SafeString:
    """Show several links in a row."""
    return format_html_join(" ", '<a href="{}">{}</a>', found)


def changelist(model: str, **query: Any) -> str:
    """Return the address of a list of the admin, such as ``archive_study``, filtered."""
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{'&'.join(f'{name}={value}' for name, value in query.items())}" if query else address
