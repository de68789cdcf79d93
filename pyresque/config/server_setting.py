"""Where Redis is: the server setting, in each form that Ruby Resque takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from pyresque.errors import ConfigError

DEFAULT_SERVER = "localhost:6379"


@dataclass(frozen=True)
class Server:
    """Where Redis is: a URL that redis-py understands, and the namespace the setting asked for, if any."""

    url: str
    namespace: str | None = None


def parse_server(text: str) -> Server:
    """Read a server setting in any form that Ruby Resque takes (docs/protocol/core.md#the-server-setting).

    Forms: `host`, `host:port`, `host:port:db`, each with `/namespace` behind it, and `redis://`,
    `rediss://` and (ours) `unix://` URLs.

    Raises:
        ConfigError: the text is none of these.
    """
    text = text.strip()
    if "://" in text:
        return Server(_checked_url(text))
    address, slash, namespace = text.partition("/")
    host, colon, rest = address.partition(":")
    port, _, db = rest.partition(":")
    if not host or not re.fullmatch(r"[^\s:/@\[\]]+", host):
        raise ConfigError(_how_to_say(text))
    if not _is_port(port if colon else "6379") or (db and not db.isdecimal()) or "@" in namespace:
        raise ConfigError(_how_to_say(text))
    return Server(f"redis://{host}:{port or 6379}/{db or 0}", namespace if slash else None)


def _checked_url(url: str) -> str:
    scheme, rest = url.split("://", 1)
    if scheme not in ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"):
        raise ConfigError(_how_to_say(url))
    if scheme == "unix":
        return url
    location = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(location) :]:
        raise ConfigError(
            f"the user name or password of {without_login(url)!r} holds one of the characters / ? #: write "
            "it percent-encoded, as %2F %3F %23"
        )
    if scheme not in ("redis", "rediss"):
        return url
    match = re.fullmatch(r"([^:\[\]]*|\[[^\[\]]+\])(?::(.*))?", location.rpartition("@")[2])
    if match is None or (match[2] and not _is_port(match[2])):
        raise ConfigError(_how_to_say(url))
    return _with_database(url, scheme, location, rest[len(location) :].partition("#")[0])


def _with_database(url: str, scheme: str, location: str, rest: str) -> str:
    """A redis:// URL that means the same database to every Ruby, without a slash at the end."""
    path, mark, query = rest.partition("?")
    database = path.strip("/") if path.count("/") <= 2 and not path.startswith("//") else path
    if database and not re.fullmatch(r"[0-9]{1,9}", database):
        raise ConfigError(
            f"the path of {without_login(url)!r} must be a database number such as /0; set a namespace with "
            "--namespace"
        )
    for named in parse_qs(query).get("db", ()):
        if not named.isdecimal() or int(named) != int(database or -1):
            path = f"/{int(named)}" if re.fullmatch(r"[0-9]{1,9}", named) else "/3"
            raise ConfigError(
                f"{without_login(url)!r}?db=... means another database to some Rubies than to others: write "
                f"the number as the path, {scheme}://host:port{path}"
            )
    return f"{scheme}://{location}{'/' if database else ''}{database}{mark}{query}"


def _is_port(text: str) -> bool:
    return text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def without_login(url: str) -> str:
    """A server setting as errors show it: they go to logs, and no part of a password may.

    A password may hold any character and be in the query, too. So what comes before the last "@" and
    behind a "?" or "#" is left out, and the rest is shown only where it cannot be a login without its "@".
    """
    scheme = (re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20})?://", url) or [""])[0]
    shown = re.split(r"[?#]", url[len(scheme) :].rpartition("@")[2], maxsplit=1)[0]
    host = shown.partition("/")[0]
    is_place = host.count(":") <= 1 or host.startswith("[") or scheme == ""
    return scheme + (shown if is_place and not host.startswith(":") else "...")


def _how_to_say(text: str) -> str:
    return (
        f"cannot read {without_login(text)!r} as a Redis server: write redis://[user:password@]host:port/db, "
        "rediss://..., unix:///path/to.sock, or host:port[:db][/namespace]"
    )
