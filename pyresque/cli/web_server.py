"""What `pyresque web` listens with: waitress, made to start and end as a command does."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import stat
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

from pyresque._version import __version__
from pyresque.cli.output import echo
from pyresque.errors import ConfigError, RedisError
from pyresque.log import Log
from pyresque.store.connection.server import check
from pyresque.system.signal_handlers import Handler, handle
from pyresque.system.titles import Titles
from pyresque.web.app import LARGEST
from pyresque.web.hosts import ANY_ADDRESS, LOOPBACK, read_host

if TYPE_CHECKING:
    from pyresque.cli.web_flags import Flags
    from pyresque.client.resque import Resque

logger = Log("pyresque.web")

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
_EVERYWHERE = ("0.0.0.0", "::", "*", "")  # noqa: S104 (what it is asked for, not what it does)
_LIMITS = {
    "asyncore_use_poll": True,
    "channel_timeout": 30,
    "cleanup_interval": 10,
    "connection_limit": 500,
    "ident": None,
    "log_socket_errors": False,
    "max_request_body_size": LARGEST + 1024,
    "max_request_header_size": 65_536,
    "unix_socket_perms": "660",
}
"""So that whoever sends slowly, or without end, keeps nobody else from being answered."""


_PATIENCE = 2.5
"""Seconds that requests at hand get at the end: a round of an action takes two."""


def is_local(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return host not in _EVERYWHERE and all(ipaddress.ip_address(one[4][0]).is_loopback for one in found)


def own_hosts(host: str) -> list[str]:
    """The names by which a dashboard that listens there is called without a proxy."""
    if is_local(host):
        return list(LOOPBACK)
    if host in _EVERYWHERE:
        # An address as Host is never a name that somebody has made to lead here.
        names = [*LOOPBACK, socket.gethostname(), ANY_ADDRESS]
    else:
        names = [*LOOPBACK, socket.gethostname(), f"[{host}]" if ":" in host else host]
    return [name for name in names if name == ANY_ADDRESS or read_host(name)]


class Server:
    """The dashboard, listening.

    Raises:
        ConfigError: nothing can listen there.
    """

    def __init__(self, app: Any, flags: Flags) -> None:
        self._flags = flags
        self._sockets: dict[int, Any] = {}
        if flags.behind_proxy:
            from werkzeug.middleware.proxy_fix import ProxyFix

            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        place: dict[str, Any] = {"host": flags.host or "*", "port": flags.port}
        if flags.unix_socket is not None:
            place = {"unix_socket": flags.unix_socket}
            _check_socket(flags.unix_socket)
        try:
            self._server: Any = create_server(
                app,
                self._sockets,
                threads=flags.threads,
                clear_untrusted_proxy_headers=not flags.behind_proxy,
                **place,
                **_LIMITS,
            )
        except (OSError, ValueError, UnicodeError) as error:
            where = flags.unix_socket or f"{flags.host}:{flags.port}"
            reason = getattr(error, "strerror", None) or "there is no such host here"
            raise ConfigError(
                f"cannot listen on {where}: {reason}; choose another place with --host and --port"
            ) from None

    @property
    def url(self) -> str:
        """Where it is, for a browser."""
        if self._flags.unix_socket is not None:
            return f"unix:{self._flags.unix_socket}"
        host, port = next(iter(getattr(self._server, "effective_listen", [])), (None, None))
        if host is None:
            host, port = self._server.effective_host, self._server.effective_port
        if self._flags.host in _EVERYWHERE:
            host = socket.gethostname()
        elif ":" in host:
            host = f"[{host}]"
        return f"http://{host}:{port}/"

    def tell(self, resques: Resque | Mapping[str, Resque]) -> None:
        """Say where it is and what it shows; and, a moment later, which Redis is not there."""
        for number in _ENDING:  # first: whoever has read where it is may end it
            handle(number, Handler(_end))
        named = resques if isinstance(resques, Mapping) else {"": resques}
        echo(f"The dashboard is at {self.url} (Ctrl-C ends it)")
        for name, one in named.items():
            shown = f"{one.link.database}, namespace {one.space.keys.namespace}"
            echo(f"  {name}: {shown}" if name else f"  {shown}")
        Titles(__version__).show(f"web {self.url}")
        threading.Thread(target=_tell_what_is_missing, args=(list(named.values()),), daemon=True).start()

    def run(self) -> None:
        """Answer until a signal ends it (`tell` comes before)."""
        try:
            self._server.asyncore.loop(timeout=1, map=self._sockets, use_poll=True)
        except SystemExit:
            self._server.task_dispatcher.shutdown(timeout=_PATIENCE)


def _end(_number: int, _: object) -> None:
    """End in a moment; at once when it is said again."""
    for one in _ENDING:
        handle(one, Handler(lambda again, _: os._exit(128 + again)))
    raise SystemExit(0)


def _check_socket(path: str) -> None:
    """Take nothing away but a socket that nobody listens on any more: waitress removes what is there."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            if stat.S_ISSOCK(found.st_mode):
                return
            raise ConfigError(
                f"{path} is there, and is not a socket: name another with --unix-socket"
            ) from None
    raise ConfigError(f"another program listens on {path}: name another with --unix-socket")


def _tell_what_is_missing(resques: list[Resque]) -> None:
    for one in resques:
        try:
            check(one.link)
        except RedisError as error:
            logger.warning("%s. The pages say so until it can be used", error)
