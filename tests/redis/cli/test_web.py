"""`pyresque web`: where it listens, whom it lets in, how it ends."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import ROOT, Program, one_line

Serving = Callable[..., "Site"]


class Site:
    """A dashboard that runs as a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.told = process.stdout.readline()
        found = re.search(r"http://([^/]+):(\d+)/", self.told)
        self.port = int(found[2]) if found else 0

    def get(self, path: str = "/", host: str = "localhost", **headers: str) -> tuple[int, str]:
        """The status and the text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Host": host, **named})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def raw(self, text: str) -> str:
        """What comes back for these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall(text.encode("latin-1"))
            found = b""
            while piece := wire.recv(65536):
                found += piece
        return found.decode("latin-1")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit status, and what it said on stderr."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told


@pytest.fixture
def serving(program: Program) -> Iterator[Serving]:
    """Starts dashboards, each on a free port."""
    sites: list[Site] = []

    def start(*words: str, **env: str) -> Site:
        sites.append(Site(program.start("web", "-p", "0", *words, PYTHONUNBUFFERED="1", **env)))
        return sites[-1]

    yield start
    for site in sites:
        site.process.kill()
        site.process.communicate()


def basic(login: str) -> str:
    return f"Basic {b64encode(login.encode()).decode()}"


def test_from_the_first_line_to_the_last(serving: Serving, server: DevRedis, program: Program) -> None:
    """It says where it is, answers those who mean it, and ends quietly."""
    site = serving()
    assert site.told == f"The dashboard is at http://127.0.0.1:{site.port}/ (Ctrl-C ends it)\n"
    assert site.process.stdout is not None
    assert site.process.stdout.readline() == f"  {server.address}/0, namespace resque\n"
    assert site.get()[0] == 200
    assert site.get(host="evil.example")[0] == 403
    taken = program.run("web", "-p", str(site.port))
    assert (taken.returncode, one_line(taken.stderr)) == (2, True)
    assert f"cannot listen on 127.0.0.1:{site.port}: Address already in use" in taken.stderr
    status, told = site.end(signal.SIGINT)
    assert (status, re.sub(".*refused the host 'evil.example'\n", "", told)) == (0, "")


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: localhost\r\nHost: evil.example\r\n",
        "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:80@evil.example\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.0\r\n",
        "GET //evil.example/ HTTP/1.1\r\nHost: evil.example\r\n",
    ],
)
def test_no_request_gets_past_the_host(site: Site, head: str) -> None:
    """However it is written: twice, as an absolute address, not at all."""
    answer = site.raw(f"{head}Connection: close\r\n\r\n")
    assert answer.startswith(("HTTP/1.1 403 ", "HTTP/1.0 403 ", "HTTP/1.1 400 "))
    assert "evil.example" not in answer.partition("\r\n\r\n")[0]


@pytest.fixture
def site(serving: Serving) -> Site:
    """One that nobody has given any settings."""
    return serving()


def test_what_tells_nobody_waits_for_nobody(site: Site) -> None:
    """A body without end is cut off, and who sends slowly does not keep others waiting."""
    slow = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(40)]
    for one in slow:
        one.sendall(b"POST /actions/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
    assert site.get()[0] == 200
    for one in slow:
        one.close()
    large = (
        "POST /actions/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert site.raw(large).startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "can be reached from elsewhere"),
        (["--host", "::"], "give --password-file FILE or --auth-header NAME"),
        (["--host", "192.0.2.7"], "can be reached from elsewhere"),
        (["--host", "*"], "can be reached from elsewhere"),
        (["--host", "no-such-host.invalid", "--insecure-no-auth"], "cannot listen on no-such-host.invalid:0"),
        (["--password-file", "none"], "cannot read the password file"),
        (["--auth-header", "Cookie"], "is not a header in which a proxy says"),
        (["--auth-header", "X User"], "is not a header in which a proxy says"),
        (["--auth-header", "X-User", "--insecure-no-auth"], "choose one of"),
        (["--allow-host", "http://a"], "is not a host"),
        (["--trusted-origin", "a.example"], "is not an origin"),
        (["--unix-socket", "jobs.py"], "is there, and is not a socket"),
        (["--unix-socket", "no/such/folder"], "cannot listen on no/such/folder"),
        (["--redis", "a=localhost", "--redis", "a=localhost"], "a is named twice"),
        (["--redis", "a=redis://:hunter2@h/x"], "must be a database number"),
    ],
)
def test_what_cannot_be_is_told(program: Program, words: list[str], told: str) -> None:
    """In a line, with 2, and without a password."""
    done = program.run("web", "-p", "0", *words)
    assert done.returncode == 2, done.stderr
    assert one_line(done.stderr)
    assert told in done.stderr
    assert "hunter2" not in done.stderr


def test_without_flask_it_says_what_to_install(program: Program) -> None:
    """The extra is not installed everywhere."""
    (program.folder / "flask.py").write_text("raise ModuleNotFoundError('no', name='flask')\n")
    done = program.run("web", PYTHONPATH=f"{program.folder}{os.pathsep}{ROOT}")
    assert (done.returncode, one_line(done.stderr)) == (2, True)
    assert "flask is not installed: pip install 'pyresque[web]'" in done.stderr


def test_without_redis_it_starts(serving: Serving) -> None:
    """Its pages say so until Redis is there."""
    site = serving(REDIS_URL="redis://:hunter2@localhost:1")
    status, text = site.get()
    assert status == 503
    assert "cannot be reached" in text
    assert site.process.stderr is not None
    first = site.process.stderr.readline()
    assert "The pages say so until it can be used" in first
    status, told = site.end()
    told += first
    assert status == 0
    assert "hunter2" not in text + told
    assert "Traceback" not in told


def test_a_login_from_a_file(serving: Serving, program: Program, resque: Resque) -> None:
    """On every interface; a change of the file counts at once."""
    hashed = program.run("web", "--hash-password", answer="s3cret:ü\n").stdout.strip()
    assert hashed.startswith("scrypt:")
    file = program.folder / "passwords"
    file.write_text(f"# of the team\n\nada: plain text \nbob:{hashed}\n[read]\neve:look\n", "utf-8")
    refused = program.run("web", "--password-file", "passwords")
    assert refused.returncode == 2
    assert f"everybody may read the password file {file}: run `chmod 600 {file}`" in refused.stderr
    file.chmod(0o600)
    site = serving("--host", "0.0.0.0", "--password-file", "passwords")
    assert site.get()[0] == 401
    for login, status in (
        ("ada:plain text", 200), ("bob:s3cret:ü", 200), ("bob:s3cret:ü", 200), ("eve:look", 200),
        ("ada:plain", 401), ("bob:plain text", 401), ("eve:", 401), (":look", 401), ("mallory:look", 401),
        (f"bob:{hashed}", 401), ("[read]:x", 401),
    ):  # fmt: skip
        assert site.get(Authorization=basic(login))[0] == status, login
    assert site.get(Authorization="Bearer ada")[0] == 401
    assert site.get("/static/pyresque.css")[0] == 401
    assert site.get(host="10.9.8.7:5678", Authorization=basic("ada:plain text"))[0] == 200
    assert site.get(host="evil.example", Authorization=basic("ada:plain text"))[0] == 403
    file.write_text("ada:other\n", "utf-8")
    assert site.get(Authorization=basic("ada:plain text"))[0] == 401
    assert site.get(Authorization=basic("ada:other"))[0] == 200
    file.write_text("ada\n")
    assert site.get(Authorization=basic("ada:other"))[0] == 503
    file.unlink()
    assert site.get(Authorization=basic("ada:other"))[0] == 503
    status, told = site.end()
    assert status == 0
    assert "wrong login as 'mallory' from 127.0.0.1" in told
    assert "Traceback" not in told


def test_a_login_from_a_proxy(serving: Serving) -> None:
    """Whoever comes without it, or with two, is not let in."""
    site = serving(
        "--host", "0.0.0.0", "--auth-header", "X-Forwarded-User", "--allow-host", "jobs.example.com"
    )
    assert site.get()[0] == 403
    assert site.get("/static/pyresque.css")[0] == 403
    assert site.get(host="jobs.example.com", X_Forwarded_User="ada")[0] == 200
    for name in ("", " ", "evil, ada", "a\tb"):
        assert site.get(X_Forwarded_User=name)[0] == 403
    head = "GET / HTTP/1.1\r\nHost: localhost\r\nX_Forwarded_User: ada\r\nConnection: close\r\n\r\n"
    assert site.raw(head).startswith("HTTP/1.1 403")


def test_behind_a_proxy(serving: Serving) -> None:
    """What it says of the address in the browser counts only if it is trusted."""
    said = {
        "X_Forwarded_Host": "jobs.example.com", "X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/jobs",
    }  # fmt: skip
    site = serving("--behind-proxy", "--allow-host", "jobs.example.com")
    assert site.get(host="127.0.0.1", **said)[0] == 200
    assert 'href="/jobs/failed"' in site.get(**said)[1]
    assert site.get(host="127.0.0.1", **{**said, "X_Forwarded_Host": "evil.example"})[0] == 403
    alone = serving()
    assert alone.get(**said)[0] == 200
    assert 'href="/failed"' in alone.get(**said)[1]


def test_several_on_one_page(serving: Serving, server: DevRedis) -> None:
    """By names before the servers, before the namespaces, or both."""
    site = serving(
        "--redis", f"shop={server.url}", "--redis", server.url, "--namespace", "blog=n2",
        "--namespace", "shop=n1", "--title", "All of it",
    )  # fmt: skip
    _, text = site.get("/at/blog/")
    assert "All of it" in text
    assert 'href="/at/shop/"' in text
    assert site.process.stdout is not None
    lines = [site.process.stdout.readline() for _ in range(2)]
    assert lines == [
        f"  shop: {server.address}/0, namespace n1\n",
        f"  blog: {server.address}/0, namespace n2\n",
    ]


def test_on_a_socket(serving: Serving, program: Program) -> None:
    """For a proxy on this machine; what somebody left there is replaced, one in use is not."""
    path = program.folder / "web.sock"
    for _ in range(2):
        site = serving("--unix-socket", str(path))
        assert site.told == f"The dashboard is at unix:{path} (Ctrl-C ends it)\n"
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(path))
            wire.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert wire.recv(12) == b"HTTP/1.0 200"
        taken = program.run("web", "--unix-socket", str(path))
        assert (taken.returncode, "another program listens on" in taken.stderr) == (2, True)
        site.process.kill()
        site.process.communicate()
    assert path.exists()


def test_settings_say_it_too(serving: Serving, program: Program) -> None:
    """In the file and in variables; those that a service of Kubernetes makes are none."""
    (program.folder / "pyresque.toml").write_text(
        '[web]\nread-only = true\ntitle = "Of the file"\nallow-host = ["jobs.example.com"]\nport = 1\n'
    )
    site = serving(PYRESQUE_WEB_TITLE="Of the variable", PYRESQUE_WEB_PORT="tcp://10.0.0.1:80")
    _, text = site.get(host="jobs.example.com")
    assert "Of the variable" in text
    assert "read only" in text
    taken = program.run("web", PYRESQUE_WEB_PORT=str(site.port))
    assert f"cannot listen on 127.0.0.1:{site.port}" in taken.stderr


def test_it_ends_while_requests_are_answered(serving: Serving, server: DevRedis) -> None:
    """Those that wait for Redis do not keep it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        site = serving(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}")
        with socket.create_connection(("127.0.0.1", site.port)) as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            asked, _ = silent.accept()
            with asked:
                assert site.end()[0] == 0
