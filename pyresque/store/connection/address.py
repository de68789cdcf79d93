"""Where Redis is, read from a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pyresque.config.server_setting import without_login
from pyresque.errors import ConfigError

_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")


@dataclass(frozen=True)
class Address:
    """One Redis server, or the master of a Sentinel group.

    `path` is a unix socket; `tls` holds options of a rediss:// URL, None without TLS; `sentinels` are
    (host, port) pairs and `service` the master's name.
    """

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Mapping[str, str] | None = None
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_password: str = field(default="", repr=False)

    def __str__(self) -> str:
        if self.sentinels:
            return f"{self.service} of sentinels " + ",".join(
                f"{host}:{port}" for host, port in self.sentinels
            )
        return self.path or f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `redis://`, `rediss://`, `unix://` or `redis+sentinel://h1:26379,h2:26379/service/db`.

        Raises:
            ConfigError: it cannot be read.
        """
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query))
            login, _, location = parts.netloc.rpartition("@")
            username, colon, password = login.partition(":")
            if not colon:
                username, password = "", username  # as redis-rb since 5
            common: dict[str, Any] = {
                "username": options.get("username", unquote(username)),
                "password": options.get("password", unquote(password)),
                "tls": _tls(parts.scheme, options),
            }
            if parts.scheme == "unix":
                return cls(path=unquote(parts.path), db=_database(options.get("db")), **common)
            if parts.scheme in ("redis+sentinel", "rediss+sentinel"):
                return _sentinels(location, parts.path, options, common)
            host, port = _host_port(location, 6379)
            return cls(host, port, db=_database(parts.path.strip("/")), **common)
        except _Wrong as error:
            reason = str(error)
        except ValueError:
            reason = "it is not a URL"  # what urlsplit says may quote a password
        raise ConfigError(f"cannot use {without_login(url)!r} as a Redis server: {reason}")


class _Wrong(ValueError):
    """What is wrong with a URL, in words that quote nothing of it."""


def _database(text: str | None) -> int:
    if text and not text.isdecimal():
        raise _Wrong("its database is not a number")
    return int(text or 0)


def _tls(scheme: str, options: Mapping[str, str]) -> Mapping[str, str] | None:
    if not scheme.startswith("rediss"):
        return None
    return {name: options[name] for name in _TLS_OPTIONS if name in options}


def _sentinels(location: str, path: str, options: Mapping[str, str], common: dict[str, Any]) -> Address:
    service, _, db = path.strip("/").partition("/")
    if not service:
        raise _Wrong("write redis+sentinel://host:26379[,host:26379]/service-name[/db]")
    pairs = tuple(_host_port(part, 26379) for part in location.split(","))
    return Address(
        db=_database(db or options.get("db")),
        sentinels=pairs,
        service=service,
        sentinel_password=options.get("sentinel_password", ""),
        **common,
    )


def _host_port(location: str, default: int) -> tuple[str, int]:
    host, colon, port = location.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = location, ""
    number = int(port) if port.isdecimal() else 0 if port else default
    if not 0 < number < 65536:
        raise _Wrong("its port is not a number from 1 to 65535")
    return host.strip("[]") or "localhost", number
