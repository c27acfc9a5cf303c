"""`/healthz`: are web, SCP, jobs, database and disk well?"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse

from archive.health import health_now


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, else 503; a word for each part, nothing about patients or paths."""
    health = health_now()
    words = {
        "web": True,
        "scp": health.scp,
        "jobs": health.jobs,
        "database": health.database,
        "disk": health.disk,
    }
    body = {name: "ok" if well else "failing" for name, well in words.items()}
    return JsonResponse(body, status=200 if health.ok else 503, headers={"Cache-Control": "no-store"})
