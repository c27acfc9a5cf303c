"""The named cast: who may do what is tested with people, not with flags."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group

PASSWORD = "lamp-on-the-box-7"


def _person(username: str, *roles: str, **extra: bool) -> AbstractUser:
    user: AbstractUser = get_user_model().objects.create_user(username, password=PASSWORD, **extra)
    for role in roles:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def rita_reader() -> AbstractUser:
    """Reads and views; may not print to a device, send, delete or administer."""
    return _person("rita", "reader")


def omar_operator() -> AbstractUser:
    """Radiographer: views, prints, sends."""
    return _person("omar", "operator")


def ada_administrator() -> AbstractUser:
    """Administers nodes, people and the archive."""
    return _person("ada", "administrator", is_staff=True)


def nobody_nil() -> AbstractUser:
    """Has an account and no role."""
    return _person("nil")


def lena_linguist() -> AbstractUser:
    """A reader who changes her language: what the others see stays as it is."""
    return _person("lena", "reader")
