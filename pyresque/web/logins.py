"""The two ways to log in that `pyresque web` has itself: a file of passwords, and a header of a proxy's."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from flask import Request, Response, abort, g
from werkzeug.security import check_password_hash, generate_password_hash

from pyresque.errors import ConfigError
from pyresque.log import Log
from pyresque.web.access import Level

logger = Log("pyresque.web")

_HASH = re.compile(r"(scrypt:\d+:\d+:\d+|pbkdf2:\w+:\d+)\$[^$]+\$[0-9a-f]+", re.ASCII)
_FOREIGN_HASH = re.compile(r"\$(2[aby]|apr1|1|5|6|argon2\w*|y)\$|\{(SHA|SSHA|SHA256|SHA512)\}")
_SECTIONS: dict[str, Level] = {"[full]": "full", "[read]": "read"}


@dataclass(frozen=True)
class User:
    """Somebody of the file: the password, or its hash, and what they may do."""

    password: str
    level: Level

    @property
    def is_hashed(self) -> bool:
        """Whether only a hash of the password is known."""
        return _HASH.fullmatch(self.password) is not None


@dataclass(frozen=True)
class _Read:
    """The file as it was at one moment; `known` are those whose slow hash was already found to be right."""

    mark: tuple[int, ...]
    users: dict[str, User]
    known: set[bytes] = field(default_factory=set)


class PasswordFile:
    """HTTP Basic with a file of `name:password` or `name:hash` lines; a change of the file counts at once.

    A line that begins with # is a comment. Names behind a line `[read]` may only look, those behind `[full]`
    and at the beginning may act.

    Raises:
        ConfigError: the file cannot be used; the text says why.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secret = secrets.token_bytes(32)
        self._slow = threading.Lock()
        self._nobody = User(generate_password_hash(secrets.token_hex(8)), "read")
        self._read = self._load()

    def __call__(self, request: Request) -> Level:
        """What whoever sends the request may do; it is answered with 401 where the login is not right."""
        read = self._current()
        login = request.authorization
        if login is None or login.type != "basic" or not login.username or not login.password:
            _ask()
        user = read.users.get(login.username)
        # Who is not there costs as much time as a wrong password, so that nobody learns the names.
        is_right = self._matches(read, login.username, login.password, user or self._nobody)
        if user is None or not is_right:
            logger.warning("wrong login as %r from %s", login.username, request.remote_addr)
            _ask()
        g.user = login.username
        return user.level

    def _matches(self, read: _Read, name: str, password: str, user: User) -> bool:
        given = self._digest(name, password)
        if not user.is_hashed:
            return hmac.compare_digest(given, self._digest(name, user.password))
        if given in read.known:
            return True
        with self._slow:  # each takes 32 MB: many wrong ones at a time must not take them all at once
            is_right = check_password_hash(user.password, password)
        if is_right:
            read.known.add(given)
        return is_right

    def _digest(self, name: str, password: str) -> bytes:
        return hmac.digest(
            self._secret, f"{name}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256
        )

    def _current(self) -> _Read:
        """The file as it is now. While it cannot be used nobody is let in: somebody may have been removed."""
        try:
            if _mark(os.stat(self._path)) != self._read.mark:
                self._read = self._load()
        except (OSError, ConfigError) as error:
            logger.error("nobody is let in: %s", error)
            abort(Response("The password file cannot be used: see the log.\n", 503, mimetype="text/plain"))
        return self._read

    def _load(self) -> _Read:
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                text = file.read(1_000_000).decode("utf-8-sig")
        except OSError as error:
            raise ConfigError(f"cannot read the password file {self._path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"the password file {self._path} is not UTF-8") from None
        users = _users(self._path, text)
        _check_rights(self._path, found, all(one.is_hashed for one in users.values()))
        return _Read(_mark(found), users)


def _ask() -> NoReturn:
    answer = Response("This dashboard needs a login.\n", 401, mimetype="text/plain")
    answer.headers["WWW-Authenticate"] = 'Basic realm="pyresque", charset="UTF-8"'
    abort(answer)


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _users(path: Path, text: str) -> dict[str, User]:
    users: dict[str, User] = {}
    level: Level = "full"
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line.startswith("#") or not line:
            continue
        if line.lower() in _SECTIONS:
            level = _SECTIONS[line.lower()]
            continue
        name, _, password = (part.strip() for part in line.partition(":"))
        if problem := _problem(name, password, users):
            raise ConfigError(f"the password file {path}, line {number}: {problem}")
        users[name] = User(password, level)
    if not users:
        raise ConfigError(f"the password file {path} names nobody: write lines NAME:PASSWORD")
    return users


def _problem(name: str, password: str, users: dict[str, User]) -> str:
    """What is wrong with a line; empty where nothing is. No password is shown."""
    if not name or not password:
        return "write NAME:PASSWORD, or NAME: and what `pyresque web --hash-password` prints"
    if name in users:
        return f"{name} is there twice"
    if _FOREIGN_HASH.match(password):
        return f"the hash of {name} is of another program: use what `pyresque web --hash-password` prints"
    if password.startswith(("scrypt:", "pbkdf2:")) and not _HASH.fullmatch(password):
        return f"the hash of {name} is not whole"
    return ""


def _check_rights(path: Path, found: os.stat_result, is_hashed: bool) -> None:
    """Others may not write the file, and not read passwords. Pipes and the like have no rights to check."""
    if not stat.S_ISREG(found.st_mode):
        return
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"others may write the password file {path}: run `chmod go-w {path}`")
    if not is_hashed and found.st_mode & stat.S_IROTH:
        raise ConfigError(
            f"everybody may read the password file {path}: run `chmod 600 {path}`, or keep hashes in it "
            "(pyresque web --hash-password)"
        )


def hashed(password: str) -> str:
    """A password as a line of the file may hold it, instead of itself."""
    return generate_password_hash(password)


class HeaderLogin:
    """The login that a proxy in front tells in a header, after it has asked for it. Only it may reach us.

    Raises:
        ConfigError: that is not the name of such a header.
    """

    _NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}", re.ASCII)
    _OF_BROWSERS = re.compile(
        r"(accept|sec|content|access-control|if)(-.*)?|host|cookie|origin|referer|user-agent|connection|authorization|"
        r"cache-control|pragma|upgrade(-.*)?|dnt|te|transfer-encoding|date|via|forwarded|x-forwarded-(for|host|proto|"
        r"port|prefix)",
        re.IGNORECASE,
    )

    def __init__(self, name: str) -> None:
        if not self._NAME.fullmatch(name) or self._OF_BROWSERS.fullmatch(name):
            raise ConfigError(
                f"{name!r} is not a header in which a proxy says who has logged in: such as X-Forwarded-User"
            )
        self._name = name

    def __call__(self, request: Request) -> Level | None:
        """Everything for whoever the proxy names; nothing where it names nobody."""
        login = request.headers.get(self._name, "").strip()
        # The header came twice where the proxy adds its own to that of the browser.
        if not login or "," in login or not login.isprintable():
            return None
        g.user = login
        return "full"
