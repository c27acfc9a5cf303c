"""How the portal says things: icons, names in three forms, dates, ages, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from django import template
from django.contrib.auth.models import AbstractUser
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from archive.query import RECEIVING_FOR
from dicomnet.completeness import UNKNOWN, Completeness, Whole
from viewer.tiles import DOCUMENTS
from viewer.words import Age, Name, age_between, dicom_date, dicom_minute, marked, name_forms

register = template.Library()

NOTICES: Final = {
    "lit": ("lit", "info"),
    "info": ("lit", "info"),
    "success": ("lit", "check"),
    "warn": ("warn", "warnt"),
    "warning": ("warn", "warnt"),
    "bad": ("bad", "err"),
    "error": ("bad", "err"),
}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Draw an icon of the sprite; size "" (20 px), "small" (16) or "tiny" (14). Words stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#i-{}"></use></svg>',
        size,
        static("img/icons.svg"),
        name,
    )


@lru_cache(maxsize=64)
def _address_parts(name: str, prefix: str) -> tuple[str, str]:
    before, _, after = reverse(name, args=[0]).rpartition("/0/")
    return f"{before}/", f"/{after}"


@register.simple_tag
def study_address(name: str, pk: int) -> str:
    """Return ``{% url name pk %}``; what stands around the number is worked out once, not for each row."""
    before, after = _address_parts(name, get_script_prefix())
    return f"{before}{pk}{after}"


@register.simple_tag
def document_icon(modality: str) -> SafeString:
    """Draw the icon of what has no picture, by its modality."""
    return icon(DOCUMENTS.get(modality, ("page", ""))[0])


@register.simple_tag
def mark() -> SafeString:
    """Draw the light box."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#mark"></use></svg>', static("img/icons.svg")
    )


@register.filter
def notice_class(level: str) -> str:
    return NOTICES.get(level, NOTICES["lit"])[0]


@register.filter
def notice_icon(level: str) -> str:
    return NOTICES.get(level, NOTICES["lit"])[1]


@register.filter
def person(user: AbstractUser) -> str:
    """Return the name of a person as written in their language."""
    if user.last_name and Name.is_han(user.last_name):
        return f"{user.last_name}{user.first_name}"
    return user.get_full_name() or user.get_username()


@register.filter
def initials(user: AbstractUser) -> str:
    """Return one or two letters for the round sign: the family name's character, or two initials."""
    if user.last_name and Name.is_han(user.last_name):
        return user.last_name[0]
    if user.first_name and user.last_name:
        return (user.first_name[0] + user.last_name[0]).upper()
    return user.get_username()[:2].upper()


@register.inclusion_tag("partials/name.html")
def patient_name(patient: Any, words: str = "") -> dict[str, Any]:
    """Show a name in its forms: the person's own script first, then Latin, then phonetic.

    What a search matched is marked. Text is escaped: a name may contain anything.
    """
    forms = [marked(form, words) for form in name_forms(patient)]
    return {"forms": forms}


@register.simple_tag
def search_marked(text: str, words: str) -> SafeString:
    """Return a text with what a search matched marked, escaped."""
    return marked(text, words)


@register.simple_tag
def name_line(patient: Any) -> str:
    """Return a name in one line of plain text, for titles and labels."""
    return " ".join(name_forms(patient)[:2]) or _("No name")


@register.filter
def dicom_day(value: str) -> str:
    """Write a DICOM DA as 2026-11-23; what is no date stays as it came (PS3.5 6.2)."""
    day = dicom_date(value)
    return f"{day:%Y-%m-%d}" if day else value


@register.simple_tag
def study_when(study: Any) -> tuple[str, str, bool]:
    """Say when a study was made: day, time, and whether the day stands without its time where it is narrow.

    The day is "Today", "11-22" within a week, else the whole date.
    """
    day, minute = dicom_date(study.study_date), dicom_minute(study.study_time)
    if day is None:
        return study.study_date, minute, False
    ago = timezone.localdate() - day
    if not ago:
        return _("Today"), minute, False
    if timedelta(0) < ago < timedelta(days=7):
        return f"{day:%m-%d}", minute, False
    return f"{day:%Y-%m-%d}", minute, True


@register.simple_tag
def study_moment(study: Any) -> str:
    """Write when a study was made in full: "2026-11-23 02:47"."""
    return f"{dicom_day(study.study_date)} {dicom_minute(study.study_time)}".strip()


@register.filter
def sex_word(sex: str) -> str:
    """Return the sex in the reader's language; what is not of PS3.3 C.7.1.1 stays as it came."""
    match sex:
        case "M":
            return pgettext("sex", "M")
        case "F":
            return pgettext("sex", "F")
        case "O":
            return pgettext("sex", "O")
    return sex


@register.simple_tag
def age_then(patient: Any, study: Any) -> str:
    """Write how old the patient was at the study: years, months under two years, days under a month."""
    age = age_between(dicom_date(patient.birth_date), dicom_date(study.study_date))
    return age_words(age) if age else ""


def age_words(age: Age) -> str:
    if age.years >= 2:
        return str(age.years)
    if age.months >= 1:
        return ngettext("%(count)s mo", "%(count)s mo", age.months) % {"count": age.months}
    return ngettext("%(count)s d", "%(count)s d", age.days) % {"count": age.days}


@register.simple_tag
def prior_age(prior: Any, study: Any) -> str:
    """Write how much older a prior is: "6 mo", "1 y"."""
    age = age_between(dicom_date(prior.study_date), dicom_date(study.study_date) or timezone.localdate())
    if age is None:
        return ""
    if age.years >= 1:
        return ngettext("%(count)s y", "%(count)s y", age.years) % {"count": age.years}
    return age_words(age)


@register.filter
def total_words(page: Any) -> str:
    """Write how many there are: "1,204", or "10,000+" where counting on would cost a person's time."""
    return intcomma(page.total) + ("+" if page.more else "")


@register.filter
def modality_codes(study: Any) -> list[str]:
    """Return the modalities of a study; what has pictures first, the first of them for narrow columns."""
    codes = [code for code in study.modalities.split("\\") if code]
    return sorted(codes, key=lambda code: (code in DOCUMENTS, code))


@register.filter
def study_receiving(study: Any) -> bool:
    """True while images of the study may still be coming."""
    return bool(timezone.now() - study.updated_at < RECEIVING_FOR)


@register.simple_tag
def study_state(study: Any, wholes: Mapping[int, Completeness] | None = None) -> SafeString:
    """Show the state of a study: shape, colour and word. What is normal is quiet.

    ``wholes`` tell, by the key of a study, what modalities reported of it.
    """
    whole = (wholes or {}).get(study.pk, UNKNOWN)
    if study.patient.conflict:
        kind, words = "conflict", _("One ID, two people")
    elif study.conflict:
        kind, words = "conflict", _("Conflict")
    elif study_receiving(study):
        kind, words = "live", _("Receiving")
    elif whole.state == Whole.PARTIAL:
        kind, words = "part", _("Partial")
    elif whole.state == Whole.COMPLETE:
        kind, words = "done", pgettext("study", "Complete")
    else:
        kind, words = "done", pgettext("study", "Received")
    if told := whole_words(whole):
        return format_html('<span class="state {}" title="{}">{}</span>', kind, told, words)
    return format_html('<span class="state {}">{}</span>', kind, words)


@register.filter
def whole_words(whole: Completeness) -> str:
    """Say how much of what modalities reported is here; nothing when nobody reported."""
    if whole.state == Whole.UNKNOWN:
        return ""
    counts = {"received": intcomma(whole.received), "count": intcomma(whole.performed)}
    if whole.state == Whole.PERFORMING:
        return _("Still being made; %(received)s of %(count)s reported images are here") % counts
    text = ngettext(
        "%(received)s of %(count)s reported image is here",
        "%(received)s of %(count)s reported images are here",
        whole.performed,
    )
    return text % counts


@register.filter
def source_words(study: Any) -> str:
    """Return where a study came from: an AE title as it is, files in words."""
    return _("Import") if study.source == "import" else study.source


@register.filter
def size_words(count: int) -> str:
    """Return a size with a plain space before its unit."""
    return str(filesizeformat(count)).replace("\xa0", " ")


@register.filter
def whole_minutes(length: timedelta) -> int:
    """Return a length of time in minutes, begun ones counted."""
    return -(-int(length.total_seconds()) // 60)


@register.filter
def today_or_day(moment: Any) -> str:
    """Write a moment as 02:58 when it is of today, else with its day."""
    local = timezone.localtime(moment)
    day: date = local.date()
    return f"{local:%H:%M}" if day == timezone.localdate() else f"{local:%m-%d %H:%M}"


@register.filter
def person_text(name: str) -> str:
    """Write a DICOM PN as a person reads it: each group once (PS3.5 6.2.1)."""
    groups = [group for group in name.split("=") if group.strip("^ ")]
    shown = [Name.show(group, comma=False) for group in groups[1:2] + groups[:1] + groups[2:]]
    return " ".join(dict.fromkeys(shown))


DEEDS: Final = {
    "study-viewed": gettext_lazy("Viewed by %(who)s"),
    "printed": gettext_lazy("Printed by %(who)s"),
    "sent": gettext_lazy("Sent by %(who)s"),
    "exported": gettext_lazy("Downloaded by %(who)s"),
    "received": gettext_lazy("Received from %(who)s"),
}


@register.simple_tag
def shares_drawn(shares: Any) -> SafeString:
    """Draw the shares of a whole side by side: (class, count, ...), or objects with way and count."""
    pairs = [(share.way, share.count) if hasattr(share, "way") else share[:2] for share in shares]
    whole = sum(count for _way, count in pairs) or 1
    left, drawn = 0.0, []
    for way, count in pairs:
        if count:
            width = 100 * count / whole
            drawn.append((way, f"{left:.3f}%", f"{width:.3f}%"))
            left += width
    return format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="10"></rect>', drawn)


@register.simple_tag
def transfer_author(transfer: Any) -> str:
    """Say who asked for a transfer: a person, or the archive by a rule."""
    return person(transfer.requested_by) if transfer.requested_by else _("A rule")


@register.simple_tag
def audit_words(event: Any) -> str:
    """Say one row of the audit trail of a study: what was done, by whom."""
    who = person(event.actor) if event.actor else event.actor_name
    if event.action in DEEDS and event.success:
        return str(DEEDS[event.action]) % {"who": who}
    return f"{event.get_action_display()}: {who}"
