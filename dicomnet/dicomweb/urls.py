"""Addresses of DICOMweb."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from dicomnet.dicomweb.door import Door

# The portal's log-in page is no answer to a machine: the door asks by itself.
_door = login_not_required(Door.as_view())

urlpatterns = [
    path("", _door, name="dicomweb"),
    path("<path:resource>", _door),
]
