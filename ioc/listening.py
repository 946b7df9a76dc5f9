"""The socket and the web server the program listens with, and the files it may hold open."""

from __future__ import annotations

import contextlib
import resource
import socket

import uvicorn

from ioc.settings import Settings, SettingsError

OPEN_FILES = 65_536


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the program ends as one."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # as uvicorn declares it
        yield


def make_server(app: object, settings: Settings) -> uvicorn.Server:
    """uvicorn for an ASGI application; set should_exit to end it. Raises SettingsError (TLS)."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        loop="none",
        http="httptools",
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        server_header=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        proxy_headers=settings.proxy is not None,
        forwarded_allow_ips=settings.proxy or "",
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        raise SettingsError(f"IOC_TLS_CERT, IOC_TLS_KEY: {error}") from error
    return _Server(config)


def bind(settings: Settings) -> socket.socket:
    """Listen before anything else starts, so that a taken port is a clear error."""
    host, port = settings.listen_host, settings.listen_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SettingsError(f"IOC_LISTEN={host}:{port}: {error.strerror}") from error
    return listener


def raise_file_limit() -> None:
    """Every check in flight holds a socket; the usual soft limit of 1,024 is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
