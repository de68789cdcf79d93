"""Sockets that are connected to a server, by TCP, TLS or a file; all within a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from pyresque.system.descriptors import above_streams


def left(until: float, share: int = 1) -> float:
    """The seconds until a moment (monotonic clock), or one of so many shares of them.

    Raises:
        TimeoutError: the moment has passed.
    """
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds / share


def unix_socket(path: str, until: float) -> socket.socket:
    """A socket that is connected to a file."""
    return _dialled(socket.AF_UNIX, path, left(until))


def tcp_socket(host: str, port: int, until: float, tls: Mapping[str, str] | None) -> socket.socket:
    """A socket that is connected to a host, with TLS where its options are given."""
    connection = _reached(host, port, until)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.settimeout(left(until))
        return connection if tls is None else _with_tls(connection, host, tls)
    except BaseException:
        connection.close()
        raise


def _reached(host: str, port: int, until: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers; each has its share of the time."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    last: OSError = ConnectionError(f"{host} has no address")
    for number, (family, _, _, _, where) in enumerate(addresses):
        try:
            return _dialled(family, where, left(until, len(addresses) - number))
        except OSError as error:
            last = error
    raise last


def _dialled(family: int, where: object, seconds: float) -> socket.socket:
    connection = above_streams(socket.socket(family, socket.SOCK_STREAM))
    try:
        connection.settimeout(seconds)
        connection.connect(where)  # type: ignore[arg-type]  # an address of this family
    except BaseException:
        connection.close()
        raise
    return connection


def _with_tls(connection: socket.socket, host: str, options: Mapping[str, str]) -> socket.socket:
    import ssl  # it is large, and every fork would pay for it

    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_check_hostname", "").lower() in ("false", "no", "0"):
        context.check_hostname = False
    if options.get("ssl_cert_reqs", "required") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context.wrap_socket(connection, server_hostname=host)
