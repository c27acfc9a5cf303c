"""TLS for DICOM: the profile of PS3.15 B.12 (BCP 195: RFC 8996 and RFC 9325), ours and the peers'.

Nothing below TLS 1.2; TLS 1.3 where the peer knows it. Under 1.2 only ephemeral elliptic curve keys with
authenticated encryption: the four suites that B.12 wants of every server, and ChaCha20. Finite field keys
(DHE) are left out, which the profile allows. There is no renegotiation, no compression, and no tickets that
outlive a connection. A peer of B.13 is understood, for we speak nothing that it forbids; B.13 itself is not
claimed, because it wants suites of every server that OpenSSL does not have (Camellia in GCM, RFC 6367).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.conf import settings

CIPHERS: Final = ":".join(
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    )
)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


class TlsNotUsable(Exception):
    """A key, a certificate or a list of authorities cannot be used; the message names file and reason."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. ``fingerprint`` is the SHA-256 of the whole, in lower-case hex."""

    common_name: str
    fingerprint: str
    not_after: datetime

    def named(self, wanted: str) -> bool:
        """Whether this is the certificate that ``wanted`` means: a fingerprint, else a common name."""
        fingerprint = fingerprint_of(wanted)
        return self.fingerprint == fingerprint if fingerprint else self.common_name == wanted.strip()


def fingerprint_of(text: str) -> str:
    """The SHA-256 fingerprint somebody wrote, with colons and capitals or without; "" if it is none."""
    plain = re.sub(r"[\s:]", "", text).lower()
    return plain if _FINGERPRINT.fullmatch(plain) else ""


def certificate_read(der: bytes) -> Certificate:
    """Raises ``ValueError`` when it is no certificate."""
    found = x509.load_der_x509_certificate(der)
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        str(names[0].value) if names else "", found.fingerprint(SHA256()).hex(), found.not_valid_after_utc
    )


def certificates_of(path: Path) -> list[Certificate]:
    """Those of a PEM file, in order: the first is the server's own. Raises ``TlsNotUsable``."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
        return [certificate_read(one.public_bytes(Encoding.DER)) for one in found]
    except OSError as error:
        raise TlsNotUsable(f"{path}: {error.strerror or error}") from None
    except ValueError:
        raise TlsNotUsable(f"{path} holds no certificate in PEM form") from None


def certificates_used() -> Iterator[tuple[str, Certificate]]:
    """(variable, certificate) of everything whose end would end our TLS. Raises ``TlsNotUsable``."""
    for variable in ("PACS_DICOM_TLS_CERT", "PACS_DICOM_TLS_CA"):
        path = getattr(settings, variable)
        if path is not None:
            for certificate in certificates_of(path):
                yield variable, certificate


def days_left(certificate: Certificate) -> int:
    """Whole days until it ends; negative when it has."""
    return (certificate.not_after - datetime.now(UTC)).days


def server_context() -> ssl.SSLContext:
    """What the TLS port speaks. Raises ``TlsNotUsable``."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    _own_load(context)
    modes = {"off": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    context.verify_mode = modes[settings.PACS_DICOM_TLS_CLIENT]
    if context.verify_mode != ssl.CERT_NONE:
        _authorities_load(context)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    return context


def client_context(*, certificate: str = "") -> ssl.SSLContext:
    """What we speak when we call. Raises ``TlsNotUsable``.

    Without ``certificate`` the peer's has to come from our authorities (the system's, when PACS_DICOM_TLS_CA
    names none) and to name the host we call (RFC 9325 6.1). With a common name it has to come from them and
    have that name; with a fingerprint it has to be that very one, whoever made it.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if settings.PACS_DICOM_TLS_CERT is not None:
        _own_load(context)
    context.check_hostname = not certificate
    if fingerprint_of(certificate):
        context.verify_mode = ssl.CERT_NONE
    elif settings.PACS_DICOM_TLS_CA is not None:
        _authorities_load(context)
    else:
        context.load_default_certs()
    if certificate:
        context.sslsocket_class = _expecting(certificate)
    return context


def _expecting(wanted: str) -> type[ssl.SSLSocket]:
    class Expecting(ssl.SSLSocket):
        """A connection that stands only if the peer shows the certificate that is expected of it."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            shown = peer_certificate(self)
            if shown is None or not shown.named(wanted):
                raise ssl.SSLCertVerificationError("the peer shows another certificate than expected")

    return Expecting


def peer_certificate(sock: ssl.SSLSocket) -> Certificate | None:
    """The certificate the peer showed, None when it showed none."""
    der = sock.getpeercert(binary_form=True)
    return certificate_read(der) if der else None


def _context(protocol: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    return context


def _own_load(context: ssl.SSLContext) -> None:
    certificate, key = settings.PACS_DICOM_TLS_CERT, settings.PACS_DICOM_TLS_KEY
    assert certificate is not None  # pacs_site.env sees to it
    try:
        # A key under a password would be asked for on a terminal that is not there.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        raise TlsNotUsable(
            f"{certificate} and {key} are no certificate and its key, without a password, in PEM form "
            f"({error.reason or error})"
        ) from None
    except OSError as error:
        raise TlsNotUsable(f"{certificate}, {key}: {error.strerror or error}") from None


def _authorities_load(context: ssl.SSLContext) -> None:
    path = settings.PACS_DICOM_TLS_CA
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise TlsNotUsable(f"{path}: {getattr(error, 'reason', None) or error}") from None
