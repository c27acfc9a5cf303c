"""How the film pages say things."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def duration(milliseconds: float) -> str:
    """Write how long a step took: 42 ms, 2.4 s, 27 s."""
    if milliseconds < 995:
        return _("%(number)s ms") % {"number": f"{milliseconds:.0f}"}
    seconds = milliseconds / 1000
    return _("%(number)s s") % {"number": f"{seconds:.1f}" if seconds < 9.95 else f"{seconds:.0f}"}
