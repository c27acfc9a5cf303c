"""Film over TLS: the printer that is meant gets it, nobody else does."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import numpy as np
import pytest
from django.test import override_settings

from dicomnet.models import NodeProbe, PrintJob
from dicomnet.print_run import print_job_execute
from dicomnet.probing import node_probe_execute
from dicomnet.scu.client import Patience
from tests.films import film_printer
from tests.wire.certificates import Pair, authority, signed
from tests.wire.printers import StrictPrinter, strict_printer
from tests.wire.test_print import frames, preview, run, submitted

__all__ = ["frames"]  # a fixture for every test here

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    ca = authority(folder)
    return {"ca": ca, "ours": signed(folder, ca, "lightbox"), "film": signed(folder, ca, "film")}


@pytest.fixture
def secured(pairs: dict[str, Pair]) -> Iterator[StrictPrinter]:
    """A printer that speaks TLS only and wants a certificate of everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pairs["film"].cert, pairs["film"].key)
    context.load_verify_locations(pairs["ca"].cert)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = {
        "PACS_DICOM_TLS_CERT": pairs["ours"].cert,
        "PACS_DICOM_TLS_KEY": pairs["ours"].key,
        "PACS_DICOM_TLS_CA": pairs["ca"].cert,
    }
    with strict_printer(tls=context) as printer, override_settings(**ours):
        yield printer


def test_a_film_comes_out_of_a_printer_that_speaks_tls_only(secured: StrictPrinter) -> None:
    job = run(submitted(film_printer(secured.port, tls_call=True, tls_certificate="film")))
    assert job.state == PrintJob.State.DONE
    assert np.array_equal(secured.films[0], preview(job, 1))


def test_a_printer_with_another_certificate_gets_no_film(secured: StrictPrinter) -> None:
    job = run(submitted(film_printer(secured.port, tls_call=True, tls_certificate="another")))
    assert job.state == PrintJob.State.FAILED
    assert job.steps.last().code == "no-tls"
    assert secured.films == []


def test_a_printer_without_tls_is_told_apart() -> None:
    with strict_printer() as printer:
        job = submitted(film_printer(printer.port, tls_call=True))
        print_job_execute(job_id=job.pk)
        job.refresh_from_db()
    assert job.state == PrintJob.State.FAILED
    assert job.steps.last().code == "no-tls"
    assert printer.films == []


def test_the_connection_test_calls_it_the_same_way(secured: StrictPrinter) -> None:
    probe = NodeProbe.objects.create(printer=film_printer(secured.port, tls_call=True))
    node_probe_execute(probe_id=probe.pk, patience=Patience(connect=5, answer=5, network=5))
    probe.refresh_from_db()
    assert [step["code"] for step in probe.steps][:2] == ["connected", "accepted"]
