"""What every page of the portal shows."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from viewer.statusline import status_now

SECTIONS: Final = {
    "study-list": "studies",
    "study": "studies",
    "viewer": "studies",
    "object": "studies",
    "attributes": "studies",
    "worklist": "worklist",
    "worklist-new": "worklist",
    "worklist-step": "worklist",
    "worklist-import": "worklist",
    "print-compose": "film",
    "print-job": "film",
    "print-jobs": "film",
    "remote": "remote",
    "retrievals": "remote",
    "send": "transfers",
    "transfers": "transfers",
    "transfer": "transfers",
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """Name, place in the rail, and the status line (looked up only where it is shown)."""
    match = request.resolver_match
    return {
        "product": settings.PACS_NAME,
        "section": SECTIONS.get(match.url_name or "", "") if match else "",
        "status": SimpleLazyObject(status_now),
        "idle_seconds": settings.IDLE_LOCK_SECONDS,
        "live_url": "/ws/live/",
    }
