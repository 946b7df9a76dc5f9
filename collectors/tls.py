"""tls: is the certificate valid, for this name, from an authority we trust, and for how long."""

from __future__ import annotations

import asyncio
import ssl
import time
import warnings
from datetime import UTC, datetime

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID
from pydantic import Field

from collectors import base
from collectors._names import Address, Port
from collectors._net import connect
from collectors._tls import EXPIRED, NOT_YET_VALID, CertificateRefused, context, shake_hands
from collectors._trouble import Failed, Progress, Trouble, measured, shown
from collectors.base import Measurement

DAY = 86_400.0  # seconds


class Settings(base.Settings):
    """address: IP address or name. port: 1 to 65535. server_name: name to ask for and to find in
    the certificate; the address unless given.

    min_days: fewer days than this until expiry count as a failure. verify: check chain and name
    (off for equipment with a certificate of its own making; the dates are checked all the same);
    ca_file: PEM of the authorities to trust instead of the system's.

    Values: days_left (negative once expired) whenever a certificate was read, handshake_ms,
    connect_ms, dns_ms when the address is a name. Details: subject, issuer, not_before, not_after,
    version.
    """

    address: Address
    port: Port = 443
    server_name: Address | None = None
    min_days: float = Field(default=0, ge=0, le=3650)
    verify: bool = True
    ca_file: str | None = None


async def measure(settings: Settings, timeout: float) -> Measurement:
    """Shake hands once; a second time without checking when the certificate is refused, because
    only then it can be read. timeout in seconds for both."""

    async def steps(progress: Progress) -> None:
        refusal = None
        try:
            certificate = await _certificate(settings, settings.verify, progress)
        except CertificateRefused as refused:
            refusal = refused
            progress.values.clear()  # the times of the second handshake count, not of both
            certificate = await _read_refused(settings, refused, progress)
        _describe(certificate, progress)
        _judge_dates(certificate, settings.min_days, refusal, time.time())
        if refusal is not None:
            raise refusal

    return await measured(timeout, steps)


async def _certificate(settings: Settings, verify: bool, progress: Progress) -> x509.Certificate:
    """The peer's own certificate. Raises Trouble."""
    name = settings.server_name or settings.address
    using = await context(verify, settings.ca_file)
    stream = await connect(settings.address, settings.port, progress)
    try:
        await shake_hands(stream, using, name, progress, "handshake_ms")
        return _parsed(stream.tls, progress)
    finally:
        stream.close()


def _parsed(tls: ssl.SSLObject | None, progress: Progress) -> x509.Certificate:
    encoded = tls.getpeercert(binary_form=True) if tls is not None else None
    if tls is None or not encoded:
        raise Failed("the peer showed no certificate")
    progress.details["version"] = tls.version() or ""
    try:
        return x509.load_der_x509_certificate(encoded)
    except ValueError:
        raise Failed("the certificate cannot be read") from None


async def _read_refused(
    settings: Settings, refused: CertificateRefused, progress: Progress
) -> x509.Certificate:
    """The certificate that was refused; the refusal itself when it cannot be read any more."""
    try:
        async with asyncio.timeout_at(progress.ends - 0.05):
            return await _certificate(settings, False, progress)
    except (Trouble, TimeoutError):
        raise refused from None


def _describe(certificate: x509.Certificate, progress: Progress) -> None:
    left = certificate.not_valid_after_utc.timestamp() - time.time()
    progress.values["days_left"] = left / DAY
    progress.details |= {
        "subject": _name(certificate, "subject"),
        "issuer": _name(certificate, "issuer"),
        "not_before": _shown_time(certificate.not_valid_before_utc),
        "not_after": _shown_time(certificate.not_valid_after_utc),
    }


def _name(certificate: x509.Certificate, which: str) -> str:
    """Common name of subject or issuer, else all of it, else the first alternative name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            name: x509.Name = getattr(certificate, which)
            common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
            text = str(common[0].value) if common else name.rfc4514_string()
            return shown(text or _alternative(certificate), 100)
    except ValueError:  # certificates of cheap equipment hold names that break the rules
        return "?"


def _alternative(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ""
    return ", ".join(str(name.value) for name in found.value)


def _shown_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _judge_dates(
    certificate: x509.Certificate, min_days: float, refusal: CertificateRefused | None, now: float
) -> None:
    """Raises Failed for the certificate's own dates; says when it is another of the chain."""
    begin = certificate.not_valid_before_utc.timestamp()
    end = certificate.not_valid_after_utc.timestamp()
    if now < begin:
        days = round((begin - now) / DAY, 1)
        raise Failed("the certificate is only valid in {days} days", days=days)
    if now > end:
        days = round((now - end) / DAY, 1)
        raise Failed("the certificate expired {days} days ago", days=days)
    if refusal is not None and refusal.code == EXPIRED:
        raise Failed("a certificate in the chain has expired")
    if refusal is not None and refusal.code == NOT_YET_VALID:
        raise Failed("a certificate in the chain is not valid yet")
    if refusal is None and end - now < min_days * DAY:
        days = round((end - now) / DAY, 1)
        raise Failed("the certificate expires in {days} days", days=days)
