"""Addresses of the websockets."""

from django.urls import URLPattern, path, re_path

from viewer.consumers.film import FilmConsumer
from viewer.consumers.frames import FramesConsumer
from viewer.consumers.live import LiveConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/live/", LiveConsumer.as_asgi()),
    # Digits of any length: the consumer itself says that there is no such study.
    re_path(r"^ws/frames/(?P<study_id>[0-9]+)/$", FramesConsumer.as_asgi()),
    re_path(r"^ws/film/(?P<study_id>[0-9]+)/$", FilmConsumer.as_asgi()),
]
