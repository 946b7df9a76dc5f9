"""Asks the program that runs on this machine, over its own API."""

from __future__ import annotations

import http.client
import json
from typing import Any

from ioc.settings import Settings

TIMEOUT = 5.0  # seconds; a healthy program answers in milliseconds
LARGEST = 32 * 2**20  # bytes of an answer; thousands of assets take less
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, not called


class NotRunningError(Exception):
    """Nothing answers there, or what answers is not this program. The message is for a log."""


def ask(settings: Settings, path: str) -> Any:
    """The JSON that the running program answers to GET path. Raises NotRunningError."""
    status, text = _get(settings, path)
    if status != http.client.OK:
        raise NotRunningError(f"{path}: HTTP {status}")
    try:
        return json.loads(text)
    except ValueError as error:
        raise NotRunningError(f"{path}: not JSON") from error


def is_running(settings: Settings) -> bool:
    """Does this program answer at its address?"""
    try:
        return isinstance(ask(settings, "/api/v1/overview"), dict)
    except NotRunningError:
        return False


def _get(settings: Settings, path: str) -> tuple[int, bytes]:
    host = EVERY_ADDRESS.get(settings.listen_host, settings.listen_host)
    connection = http.client.HTTPConnection(host, settings.listen_port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    except (OSError, http.client.HTTPException) as error:
        raise NotRunningError(f"{path}: {error or type(error).__name__}") from error
    finally:
        connection.close()
