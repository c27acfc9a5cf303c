"""`manage.py runscp`: the DICOM side of the archive."""

from __future__ import annotations

import resource
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from dicomnet.checks import TAG
from dicomnet.commitment import commitments_resume
from dicomnet.dimse.wire import Limits
from dicomnet.models import AENode
from dicomnet.scp.listening import CannotListen, listen
from dicomnet.scp.server import Doorman, TlsPort
from dicomnet.tls import TlsNotUsable, server_context


class Command(BaseCommand):
    help = "Answer C-ECHO and C-STORE on the DICOM port until INT or TERM."
    requires_system_checks = [TAG]  # the web's are the web's

    def add_arguments(self, parser: ArgumentParser) -> None:
        limits = Limits()
        parser.add_argument("--processes", type=int, default=settings.PACS_DICOM_PROCESSES)
        parser.add_argument("--port", type=int, default=settings.PACS_DICOM_PORT, help="0: any free port")
        parser.add_argument(
            "--tls-port",
            type=int,
            default=settings.PACS_DICOM_TLS_PORT,
            help="none: no TLS; 0: any free port",
        )
        parser.add_argument(
            "--artim",
            type=float,
            default=limits.artim,
            help="seconds a connection may take to send its A-ASSOCIATE-RQ",
        )
        parser.add_argument(
            "--idle", type=float, default=limits.idle, help="seconds an association may be idle"
        )
        parser.add_argument("--max-associations", type=int, default=limits.max_associations)
        parser.add_argument("--max-per-host", type=int, default=limits.max_per_host)

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("processes", "artim", "idle", "max_associations", "max_per_host"):
            if options[name] <= 0:
                raise CommandError(f"--{name.replace('_', '-')} has to be more than 0.")
        if not 0 <= options["port"] <= 65535:
            raise CommandError("--port is a number from 0 to 65535.")
        self._check_database()
        limits = Limits(
            artim=options["artim"],
            idle=options["idle"],
            max_associations=options["max_associations"],
            max_per_host=options["max_per_host"],
        )
        _allow_many_connections()
        try:
            listener = listen(settings.PACS_DICOM_HOST, options["port"])
            tls = _tls_port(options["tls_port"])
        except (CannotListen, TlsNotUsable) as error:
            raise CommandError(str(error)) from None
        host, port = listener.getsockname()[:2]
        count = options["processes"]
        doorman = Doorman(listener, count, limits, tls)
        doorman.start()
        if tls is not None:
            self.stdout.write(f"TLS on port {tls.listener.getsockname()[1]}")
        plural = "process" if count == 1 else "processes"
        shown = f"[{host}]" if ":" in host else host
        self.stdout.write(f"{settings.PACS_AE_TITLE} listening on {shown}:{port} ({count} {plural})")
        self.stdout.flush()
        doorman.run()

    def _check_database(self) -> None:
        """Say what is missing now, not at the first association. No connection stays open: we fork."""
        try:
            AENode.objects.exists()
            commitments_resume()
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used ({str(error).strip()}). Run “manage.py migrate” first."
            ) from None
        finally:
            connections.close_all()


def _tls_port(port: int | None) -> TlsPort | None:
    """The second door, if there is to be one. Raises ``CannotListen``, ``TlsNotUsable``."""
    if port is None:
        return None
    if settings.PACS_DICOM_TLS_CERT is None:
        raise CommandError("--tls-port needs PACS_DICOM_TLS_CERT and PACS_DICOM_TLS_KEY.")
    context = server_context()
    return TlsPort(listen(settings.PACS_DICOM_HOST, port, variable="PACS_DICOM_TLS_PORT"), context)


def _allow_many_connections() -> None:
    """A silent connection costs a file descriptor: take as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(65536, hard)
    with suppress(ValueError, OSError):
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
