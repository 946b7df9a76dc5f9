"""Asks the program that runs on this machine, over its own API."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any

from ioc.i18n import _
from ioc.settings import Settings

TIMEOUT = 5.0  # seconds; a healthy program answers in milliseconds
LARGEST = 32 * 2**20  # bytes of an answer; thousands of assets take less
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, not called


class NotRunningError(Exception):
    """Nothing answers there, or what answers is not this program. The message is for a log."""


def ask(settings: Settings, path: str) -> Any:
    """The JSON that the running program answers to GET path. Raises NotRunningError."""
    status, text = _request(settings, "GET", path)
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        raise RefusedError(_("not allowed; run it as the user of the program, or set IOC_TOKEN"))
    if status != http.client.OK:
        raise NotRunningError(f"{path}: HTTP {status}")
    try:
        return json.loads(text)
    except ValueError as error:
        raise NotRunningError(f"{path}: not JSON") from error


class RefusedError(Exception):
    """The running program refused; the message says why, in its words."""


def tell(
    settings: Settings,
    method: str,
    path: str,
    body: dict[str, Any] | bytes | None = None,
    timeout: float = TIMEOUT,
) -> Any:
    """The JSON that the running program answers to a request that changes something.

    body: JSON, or the bytes of a file. timeout: seconds. Raises NotRunningError, RefusedError.
    """
    status, text = _request(settings, method, path, body, timeout)
    try:
        answer = json.loads(text) if text else None
    except ValueError as error:
        raise NotRunningError(f"{path}: not JSON") from error
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        raise RefusedError(_("not allowed; run it as the user of the program, or set IOC_TOKEN"))
    if status >= http.client.BAD_REQUEST:
        raise RefusedError(_why(answer, status))
    return answer


def download(settings: Settings, path: str, timeout: float = TIMEOUT) -> bytes:
    """What the running program answers to GET path, as it is. Raises NotRunningError,
    RefusedError."""
    status, content = _request(settings, "GET", path, timeout=timeout)
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        raise RefusedError(_("not allowed; run it as the user of the program, or set IOC_TOKEN"))
    if status != http.client.OK:
        raise NotRunningError(f"{path}: HTTP {status}")
    return content


def _why(answer: Any, status: int) -> str:
    """What a problem says, its first wrong field included."""
    if not isinstance(answer, dict):
        return f"HTTP {status}"
    wrong = answer.get("errors") or []
    fields = "; ".join(f"{one['where'].removeprefix('body.')}: {one['message']}" for one in wrong)
    return fields or str(answer.get("detail") or answer.get("title") or f"HTTP {status}")


def is_running(settings: Settings) -> bool:
    """Does this program answer at its address?"""
    try:
        return isinstance(ask(settings, "/api/v1/overview"), dict)
    except RefusedError:
        return True
    except NotRunningError:
        return False


def _token(settings: Settings) -> str | None:
    """IOC_TOKEN, else what the program left for this machine's own command line."""
    given = os.environ.get("IOC_TOKEN")
    if given:
        return given
    files = [settings.data_dir / "cli.token", settings.data_dir / "demo" / "cli.token"]
    try:  # of two that were left, the newer one is of the program that runs
        present = sorted((f for f in files if f.exists()), key=lambda f: f.stat().st_mtime)
        return present[-1].read_text().strip() if present else None
    except OSError:
        return None


def _request(
    settings: Settings,
    method: str,
    path: str,
    body: dict[str, Any] | bytes | None = None,
    timeout: float = TIMEOUT,
) -> tuple[int, bytes]:
    host = EVERY_ADDRESS.get(settings.listen_host, settings.listen_host)
    connection = http.client.HTTPConnection(host, settings.listen_port, timeout=timeout)
    try:
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"Accept": "application/json", "Content-Type": kind}
        token = _token(settings)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    except (OSError, http.client.HTTPException) as error:
        raise NotRunningError(f"{path}: {error or type(error).__name__}") from error
    finally:
        connection.close()
