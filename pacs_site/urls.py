"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from pacs_site.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("dicom-web/", include("dicomnet.dicomweb.urls")),
    path("jsi18n/", JavaScriptCatalog.as_view(packages=["viewer"]), name="javascript-catalog"),
    path("", include("viewer.urls")),
]
