"""Which Ruby the live tests use: PYRESQUE_RUBY, else one in a container, else a local `ruby`.

choose() ...... finds it, and says why each better choice was none
url_for() ..... under which address it reaches a server of this machine
release() ..... gives back what the choice holds
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pyresque.errors import ConfigError
from pyresque.testing.redis_server import running

ROOT = Path(__file__).parents[2]
IMAGE = "pyresque-interop-ruby"
LIFE = "7200"
"""Seconds after which a container ends by itself, should nobody be left to end it."""


@dataclass(frozen=True)
class Found:
    """A Ruby that works: how to run it, and what it is. `container` is the id of its container, or empty."""

    command: tuple[str, ...]
    scripts: str
    where: str
    versions: Mapping[str, str]
    host: str = "127.0.0.1"
    container: str = ""

    @property
    def shares_processes(self) -> bool:
        """Whether its processes are on our host, where we see them: a container may have its own."""
        return not self.container or self.host == "127.0.0.1"

    @property
    def text(self) -> str:
        """Which Ruby this is, for people."""
        versions = self.versions
        return (
            f"{self.where} (ruby {versions['ruby']}, resque {versions['resque']}, redis-rb "
            f"{versions['redis_rb']}, json {versions['json']})"
        )

    def line(self, words: Sequence[str], names: Mapping[str, str]) -> list[str]:
        """The command line that runs Ruby with these words.

        Args:
            words: what follows `ruby`.
            names: the variables that Ruby is to see. Their values are taken from the environment of the
                process that is started: a command line is not a place for the password in REDIS_URL.
        """
        if not self.container:
            return [*self.command, *words]
        seen = [word for name in names for word in ("-e", name)]
        return ["docker", "exec", "-i", *seen, self.container, *self.command, *words]


def choose() -> tuple[Found | None, list[str]]:
    """The Ruby to use, and why each better choice was none.

    PYRESQUE_RUBY is a command (`none`: no Ruby is wanted). Otherwise a container is preferred, as the
    same everywhere; then a local `ruby`.
    """
    wanted = os.environ.get("PYRESQUE_RUBY")
    if wanted == "none":
        return None, ["PYRESQUE_RUBY is none"]
    try:
        with running() as server:
            if wanted:
                candidates: list[Callable[[], Found]] = [lambda: _local(shlex.split(wanted), server.url)]
            else:
                candidates = [lambda: _container(server.url), lambda: _local(["ruby"], server.url)]
            return _first(candidates)
    except ConfigError as error:
        return None, [f"no Redis: {str(error).splitlines()[0]}"]


def url_for(found: Found, url: str) -> str:
    """The address under which this Ruby reaches a server of this machine."""
    parts = urlsplit(url)
    return f"redis://:{parts.password}@{found.host}:{parts.port}/0"


def release(found: Found) -> None:
    """Give back what the choice holds."""
    if found.container:
        subprocess.run(["docker", "rm", "-f", found.container], capture_output=True, check=False)


def _first(candidates: Sequence[Callable[[], Found]]) -> tuple[Found | None, list[str]]:
    reasons: list[str] = []
    for candidate in candidates:
        try:
            return candidate(), reasons
        except RuntimeError as error:
            reasons.append(" ".join(f"{error}".split())[:300])
    return None, reasons


def _local(command: Sequence[str], url: str) -> Found:
    shown = shlex.join(command)
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"no local Ruby ({shown} is not on the PATH)")
    found = Found(tuple(command), str(ROOT / "interop/ruby"), f"local {shown}", {})
    return _asked(found, url, f"the local {shown} does not run Resque")


def _asked(found: Found, url: str, trouble: str) -> Found:
    """The same with its versions, which it tells after having spoken with the server."""
    env = {"REDIS_URL": url_for(found, url), "MULTI_JSON": "json_gem"}
    try:
        asked = subprocess.run(
            found.line([f"{found.scripts}/enqueue.rb"], env),
            env={**os.environ, **env},
            input=b'{"op":"version"}\n',
            capture_output=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
        return replace(found, versions=json.loads(asked.stdout)["ok"])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{trouble}: {error}") from None
    except (ValueError, KeyError):
        text = (asked.stderr + asked.stdout).decode("utf-8", "replace").strip().splitlines()
        raise RuntimeError(f"{trouble}: {text[0] if text else 'it says nothing'}") from None


def _container(url: str) -> Found:
    if shutil.which("docker") is None:
        raise RuntimeError("no container (there is no docker command)")
    docker("no Docker engine", "version")
    image = docker("no container (the image cannot be built)", "build", "-q", "-t", IMAGE,
                   "-f", "interop/ruby/Dockerfile", ".")  # fmt: skip
    reasons = []
    # On Linux the container shares network, processes and host name with us; elsewhere only a network.
    for host, settings in (
        ("127.0.0.1", ("--network", "host", "--pid", "host")),
        ("host.docker.internal", ("--add-host", "host.docker.internal:host-gateway")),
    ):
        try:
            return _started(image, host, settings, url)
        except RuntimeError as error:
            reasons.append(str(error))
    raise RuntimeError(f"no container (it does not reach Redis: {'; '.join(reasons)})")


def _started(image: str, host: str, settings: Sequence[str], url: str) -> Found:
    container = docker("it does not start", "run", "-d", "--rm", *settings, image, "sleep", LIFE)
    found = Found(("ruby",), "/app/interop/ruby", "container", {}, host, container)
    try:
        return _asked(found, url, "Resque in the container does not work")
    except BaseException:
        release(found)
        raise


def docker(trouble: str, *words: str) -> str:
    """The last line that a `docker` command prints; a RuntimeError with its last complaint if it fails."""
    try:
        done = subprocess.run(
            ["docker", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{trouble}: {error}") from None
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode:
        raise RuntimeError(f"{trouble}: {lines[-1][-200:] if lines else 'it says nothing'}")
    return lines[-1] if lines else ""
