"""`manage.py addnode`: register an AE node without the browser."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from dicomnet.checks import TAG
from dicomnet.contexts import Service
from dicomnet.nodes import node_upsert, printer_upsert

_RIGHTS = ",".join(service.value for service in Service)


class Command(BaseCommand):
    help = "Register an AE node, or change the one that has this AE title."
    requires_system_checks = [TAG]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("title", metavar="TITLE", help="its AE title")
        parser.add_argument("host", metavar="HOST", help="its host name or IP address")
        parser.add_argument("port", metavar="PORT", help="the port it listens on")
        parser.add_argument(
            "--allow",
            metavar="LIST",
            help=f"what it may do here, of {_RIGHTS}; a new node may echo, store and find",
        )
        parser.add_argument("--printer", action="store_true", help="it is a DICOM printer (as well)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["port"].isdecimal():
            raise CommandError(f"PORT is “{options['port']}”: give a number from 1 to 65535.")
        where = {"ae_title": options["title"], "host": options["host"], "port": int(options["port"])}
        allow = None if options["allow"] is None else _services(options["allow"])
        try:
            with transaction.atomic():
                node, created = node_upsert(**where, allow=allow, by_name="addnode")
                if options["printer"]:
                    printer_upsert(**where, by_name="addnode")
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used ({str(error).strip()}). Run “manage.py migrate” first."
            ) from None
        rights = [service.value for service in Service if getattr(node, f"allow_{service}")]
        verb = "Added" if created else "Changed"
        also = " It is a printer." if options["printer"] else ""
        may = ", ".join(rights) or "nothing"
        self.stdout.write(f"{verb} {node.ae_title} at {node.host}:{node.port}; it may {may}.{also}")


def _services(text: str) -> list[Service]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(Service)]
    if unknown:
        raise CommandError(f"--allow does not know “{unknown[0]}”: give some of {_RIGHTS}.")
    return [Service(name) for name in names]
