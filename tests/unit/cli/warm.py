"""`python -m pyresque`, forked off a process that has imported the program already.

To start Python and import the program takes a fifth of a second of CPU, which is most of what a test of a
command costs. What is forked is like what would have been started: a child of this process, with its own
arguments, folder, environment and streams, and with the modules that the program imports at its start. Where
that cannot be had (no Linux, a Python path of its own, PYRESQUE_TESTS_COLD=1), Python is started.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import json
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: orphans among the descendants of this process become its children."""
OF_PYTHON = ("PYTHON", "LC_", "LANG", "COVERAGE_", "MALLOC", "LD_")
"""Variables that have their effect while Python starts."""


def popen(
    words: Sequence[str], *, cwd: Path | str, env: Mapping[str, str], **options: Any
) -> subprocess.Popen[Any]:
    """Start `python -m pyresque WORDS`; the options of `subprocess.Popen` for streams may be given."""
    command = [sys.executable, "-m", "pyresque", *words]
    helper = _helper(_settings(env)) if _may_be_forked(env) else None
    if helper is None:
        return subprocess.Popen(command, cwd=cwd, env=dict(env), **options)
    return _Forked(command, helper=helper, cwd=cwd, env=dict(env), **options)


def run(
    words: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = ROOT, typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m pyresque WORDS` to its end; `typed`: what it finds on stdin."""
    stdin = subprocess.DEVNULL if typed is None else subprocess.PIPE
    with popen(
        words, cwd=cwd, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        out, err = process.communicate(typed, timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _may_be_forked(env: Mapping[str, str]) -> bool:
    return (
        sys.platform == "linux"
        and not os.environ.get("PYRESQUE_TESTS_COLD")
        and not any(name.startswith("COVERAGE_") for name in env)
        and env.get("PYTHONPATH", str(ROOT)) == str(ROOT)
    )


def _settings(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in env.items() if name.startswith(OF_PYTHON)))


class _Forked(subprocess.Popen[Any]):
    """A process that a helper has forked off, and handed over to us as our own child."""

    def __init__(self, command: Sequence[str], *, helper: _Helper, **options: Any) -> None:
        self._helper = helper
        super().__init__(command, **options)

    def _execute_child(self, args: Sequence[str], *rest: Any) -> None:
        # As in Popen: executable, preexec_fn, close_fds, pass_fds, cwd, env, and three more options of it;
        # then the two ends of each pipe, or -1 where a stream is ours.
        cwd, env = rest[4], rest[5]
        pipes = rest[9:15]
        streams = [pipes[0], pipes[3], pipes[5]]
        try:
            fds = [own if fd == -1 else fd for own, fd in enumerate(streams)]
            self.pid = self._helper.fork({"words": list(args[3:]), "cwd": os.fspath(cwd), "env": env}, fds)
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class _Helper:
    """Our end of a process that forks."""

    def __init__(self, settings: tuple[tuple[str, str], ...]) -> None:
        ours, theirs = socket.socketpair()
        env = {"PATH": os.environ["PATH"], **dict(settings), "PYTHONPATH": str(ROOT)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.unit.cli.warm", str(theirs.fileno()), " " * 500],
                cwd=ROOT, env=env, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._socket = ours
        self._libc = ctypes.CDLL(None)
        self._owner = os.getpid()
        atexit.register(self.close)

    def fork(self, request: dict[str, Any], fds: list[int]) -> int:
        """The pid of a new child of this process."""
        data = json.dumps(request).encode()
        self._libc.prctl(SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(self._socket, [len(data).to_bytes(8, "big")], fds)
            self._socket.sendall(data)
            answer = self._socket.recv(8, socket.MSG_WAITALL)
        finally:
            self._libc.prctl(SUBREAPER, 0, 0, 0, 0)
        assert len(answer) == 8, "the helper that forks is gone"
        return int.from_bytes(answer, "big")

    @property
    def is_ours(self) -> bool:
        """Whether this process started it: not one that was forked off this one."""
        return os.getpid() == self._owner

    def close(self) -> None:
        """End it."""
        if self.is_ours:
            self._socket.close()
            self._process.wait()


_HELPERS: dict[tuple[tuple[str, str], ...], _Helper] = {}


def _helper(settings: tuple[tuple[str, str], ...]) -> _Helper | None:
    if settings not in _HELPERS:
        _HELPERS[settings] = _Helper(settings)
    helper = _HELPERS[settings]
    return helper if helper.is_ours else None


# --- in the helper ------------------------------------------------------------------------------------


class _Child(BaseException):
    """Unwinds the stack of the helper in a child, which then goes on as the program."""

    def __init__(self, request: dict[str, Any], fds: list[int]) -> None:
        super().__init__()
        self.request, self.fds = request, fds


def _serve(connection: socket.socket) -> None:
    while True:
        head, fds, _, _ = socket.recv_fds(connection, 8, 3)
        if len(head) < 8:
            return
        length = int.from_bytes(head, "big")
        request = json.loads(connection.recv(length, socket.MSG_WAITALL))
        connection.sendall(_forked(request, fds).to_bytes(8, "big"))
        for fd in fds:
            os.close(fd)


def _forked(request: dict[str, Any], fds: list[int]) -> int:
    """Fork twice, so that the child is an orphan: then it belongs to whoever asked for it."""
    read, write = os.pipe()
    between = os.fork()
    if not between:
        child = os.fork()
        if not child:
            os.close(write)
            os.close(read)
            raise _Child(request, fds)
        os.write(write, child.to_bytes(8, "big"))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pid = int.from_bytes(pipe.read(8), "big")
    os.waitpid(between, 0)
    return pid


def _become(request: dict[str, Any], fds: list[int]) -> None:
    """Make this process what a fresh one would be."""
    moved = [os.dup(fd) for fd in fds]
    for number, fd in enumerate(moved):
        os.dup2(fd, number, inheritable=True)
    os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    os.chdir(request["cwd"])
    coerced = os.environ.get("LC_CTYPE")
    os.environ.clear()
    os.environ.update(request["env"])
    if coerced is not None and "LC_CTYPE" not in os.environ:
        os.environ["LC_CTYPE"] = coerced
    time.tzset()
    sys.orig_argv = [sys.executable, "-m", "pyresque", *request["words"]]
    sys.argv = ["-m", *request["words"]]
    sys.path[0] = os.getcwd()
    _open_streams()


def _open_streams() -> None:
    """Python's standard streams over what is now 0, 1 and 2, with the encodings of its start."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before: io.TextIOWrapper = getattr(sys, f"__{name}__")
        stream = open(  # noqa: SIM115 (it stays open)
            number, "r" if number == 0 else "w", buffering=1 if number == 2 else -1,
            encoding=before.encoding, errors=before.errors, closefd=False,
        )  # fmt: skip
        if number and os.isatty(number):
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def main() -> None:
    """Import what the program imports at its start, and fork off whatever is asked for."""
    import setproctitle

    import pyresque.cli
    import pyresque.client.resque
    import pyresque.worker.pool.supervisor  # noqa: F401

    setproctitle.getproctitle()  # finds the place for titles, before an environment is set elsewhere
    gc.collect()
    gc.freeze()  # else the first collection in a child would touch, and so copy, all of it
    connection = socket.socket(fileno=int(sys.argv[1]))
    try:
        _serve(connection)
        return
    except _Child as child:
        request, fds = child.request, child.fds
        connection.detach()
    _become(request, fds)
    runpy.run_module("pyresque", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
