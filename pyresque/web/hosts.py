"""Which names the dashboard answers to, and which pages may post to it.

A page of somebody else's can make its own name lead to this machine (DNS rebinding). Its requests then come
from the user's browser, and only their Host tells them apart. So a name that nobody has allowed is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pyresque.errors import ConfigError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""What a browser on this machine calls it."""
ANY_NAME = "*"
"""Allows every Host: for an app behind a framework that checks it itself."""
ANY_ADDRESS = "<address>"
"""Allows every IP address as Host: a name that was made to lead here is none."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Host:
    """The Host of a request: its name as it is compared, and its port ("" where it has none)."""

    name: str
    port: str = ""

    @property
    def is_address(self) -> bool:
        """Whether it is an IP address."""
        return _address(self.name) is not None


def read_host(text: str) -> Host | None:
    """The Host in a header; None where the text is none, or is more than one."""
    match = _HOST.fullmatch(text)
    return Host(_comparable(match[1]), match[2] or "") if match else None


def _comparable(name: str) -> str:
    """A name in the one form in which names are compared."""
    address = _address(name)
    if address is None:
        return name.lower().removesuffix(".")
    return f"[{address}]" if address.version == 6 else str(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


class AllowedHosts:
    """The names that are answered to.

    Args:
        names: each a name, an IP address, `.example.com` for a domain with all below it, or `*` for any.

    Raises:
        ConfigError: one of them is not a host.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._any = ANY_NAME in self.names
        self._addresses = ANY_ADDRESS in self.names
        self._exact: set[str] = set()
        self._domains: list[str] = []
        for name in self.names:
            if name not in (ANY_NAME, ANY_ADDRESS):
                self._add(name)

    def _add(self, name: str) -> None:
        is_domain = name.startswith((".", "*."))
        written = name.removeprefix("*").removeprefix(".") if is_domain else name
        bare = f"[{written}]" if written.count(":") > 1 and not written.startswith("[") else written
        host = read_host(_ascii(bare))
        if host is None or host.port or (is_domain and host.is_address):
            raise ConfigError(
                f"{name!r} is not a host: write a name or an address without a port, such as "
                "jobs.example.com, or .example.com for all names below it"
            )
        if is_domain:
            self._domains.append(f".{host.name}")
        self._exact.add(host.name)

    def allows(self, header: str) -> bool:
        """Whether a request with this Host is answered."""
        if self._any:
            return True
        host = read_host(header)
        if host is None:
            return False
        return (
            host.name in self._exact
            or (self._addresses and host.is_address)
            or any(host.name.endswith(domain) for domain in self._domains)
        )


def _ascii(name: str) -> str:
    """The name as browsers send it: `xn--...` where it has other letters than a to z."""
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


@dataclass(frozen=True)
class Origin:
    """Where a page comes from: scheme, and host with its port unless that is the scheme's own."""

    scheme: str
    host: Host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host.name}" + (f":{self.host.port}" if self.host.port else "")


def read_origin(text: str) -> Origin | None:
    """An origin as browsers send it; None for `null`, and for what is none."""
    scheme, mark, rest = text.partition("://")
    host = read_host(rest)
    if not mark or host is None or scheme.lower() not in _DEFAULT_PORTS:
        return None
    return Origin(scheme.lower(), _without_default_port(host, scheme.lower()))


def _without_default_port(host: Host, scheme: str) -> Host:
    return Host(host.name) if host.port == _DEFAULT_PORTS[scheme] else host


def trusted(texts: Iterable[str]) -> frozenset[Origin]:
    """The origins that may post, beside the dashboard's own.

    Raises:
        ConfigError: one of them is not an origin.
    """
    found = set()
    for text in texts:
        parts = urlsplit(text)
        origin = read_origin(f"{parts.scheme}://{_ascii(parts.netloc)}")
        if origin is None or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigError(
                f"{text!r} is not an origin: write the beginning of the URL as the browser shows it, such as "
                "https://jobs.example.com"
            )
        found.add(origin)
    return frozenset(found)


class Headers(Protocol):
    """The headers of a request, by their names."""

    def get(self, name: str, /) -> str | None:
        """The value of a header."""


def is_own_page(headers: Headers, trusted_origins: frozenset[Origin]) -> bool | None:
    """Whether a request comes from a page of the dashboard; None where nothing tells, as from curl.

    The browser says so itself (Sec-Fetch-Site), except to plain http on another machine: then its Origin must
    be the Host. A page of another name of the same site, or of another port, is somebody else's.
    """
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
    found = None if origin is None else read_origin(origin)
    if found in trusted_origins:
        return True
    if site is not None:
        return site in ("same-origin", "none")
    if origin is None:
        return None
    host = read_host(headers.get("Host") or "")
    return found is not None and host is not None and found.host == _without_default_port(host, found.scheme)
