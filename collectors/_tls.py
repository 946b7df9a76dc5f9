"""TLS for collectors: contexts made once, and what can be wrong with a handshake, in words."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from collectors._net import Stream, ssl_words
from collectors._trouble import Failed, Progress, Trouble, Unmeasured, add, tick

# OpenSSL's X509_V_ERR_* (include/openssl/x509_vfy.h), as ssl.SSLCertVerificationError.verify_code.
NOT_YET_VALID = 9
EXPIRED = 10
_CERTIFICATE = {
    NOT_YET_VALID: "the certificate is not valid yet",
    EXPIRED: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate's root authority is not trusted here",
    20: "the certificate chain is incomplete, or its authority is not trusted here",
    21: "the certificate chain is incomplete, or its authority is not trusted here",
    23: "the certificate was revoked",
    62: "the certificate is not for the name {name}",
    64: "the certificate is not for the address {name}",
}
_HANDSHAKE = {
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "HTTP_REQUEST": "the peer does not speak TLS",
    "PACKET_LENGTH_TOO_LONG": "the peer does not speak TLS",
    "RECORD_LAYER_FAILURE": "the peer does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "the peer speaks no TLS version that is still safe",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the peer speaks no TLS version that is still safe",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the peer and we have no encryption in common",
    "TLSV1_UNRECOGNIZED_NAME": "the peer does not know the name {name}",
}


async def context(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """A client context. verify: chain and name; ca_file: PEM of authorities trusted instead of the
    system's. Raises Unmeasured when the file cannot be used.

    Made once, in a thread, as loading the system's authorities takes tens of ms; made again when
    the authorities have changed.
    """
    key = (verify, ca_file if verify else None)
    path = ca_file or ssl.get_default_verify_paths().cafile
    try:
        changed = _changed(path) if path and verify else 0
        known = _contexts.get(key)
        if known is None or known[0] != changed:
            known = _contexts[key] = (changed, await asyncio.to_thread(_make_context, *key))
    except (OSError, ssl.SSLError) as error:
        raise Unmeasured(
            "the CA file {file} cannot be used: {error}",
            file=path or "-",
            error=error.strerror or type(error).__name__,
        ) from error
    return known[1]


_contexts: dict[tuple[bool, str | None], tuple[int, ssl.SSLContext]] = {}


def _changed(path: str) -> int:
    return Path(path).stat().st_mtime_ns


def _make_context(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca_file)
    made.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996; the default is up to the system
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


async def shake_hands(
    stream: Stream, using: ssl.SSLContext, name: str, progress: Progress, value: str
) -> None:
    """Start TLS as a client that asks for `name`; adds the milliseconds as `value`.

    Raises Trouble.
    """
    progress.awaits("no TLS handshake within {timeout} s")
    started = tick()
    try:
        await stream.start_tls(using, name)
    except ssl.SSLError as error:
        raise handshake_trouble(error, name) from error
    except ValueError as error:  # a name that cannot be sent
        raise Unmeasured("{name} cannot be a TLS server name", name=name) from error
    add(progress, value, started)


def handshake_trouble(error: ssl.SSLError, name: str) -> Trouble:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE.get(error.verify_code)
        if text is None:
            return Failed("the certificate is refused: {error}", error=error.verify_message)
        return CertificateRefused(error.verify_code, text, name=name)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Failed("the peer closed the connection during the TLS handshake")
    text = _HANDSHAKE.get(error.reason or "")
    if text is None:
        return Failed("the TLS handshake failed: {error}", error=ssl_words(error))
    return Failed(text, name=name)


class CertificateRefused(Failed):
    """The handshake ended because of the certificate. code: OpenSSL's X509_V_ERR_*."""

    def __init__(self, code: int, text: str, /, **args: str | int | float) -> None:
        super().__init__(text, **args)
        self.code = code
