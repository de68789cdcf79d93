"""Is it found out when a line of a script is wrong? Each script, each line, changed in each of a few ways.

    python -m tests.model.mutants                 every script
    python -m tests.model.mutants settle retire   only these

A mutant is a script in which one line is left out, or its condition turned round. It is found if in any world
anything is wrong then. What is not found is printed; `explained.py` names those that do the same as the
script, or nothing that the worlds could see, and why.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import re
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from pyresque import store
from pyresque.store.script import source as script_file
from pyresque.testing.redis_server import DevRedis
from tests.model.explained import is_of_form, why
from tests.model.programme import WORLDS, explored
from tests.model.states import BadScript, scripts
from tests.model.world import World

FOLDER = Path(store.__file__).parent / "lua"
CPU_SECONDS = 60
"""A mutant that keeps a process busy for longer goes round in circles: that is found, too."""
HANG_SECONDS = 5.0
"""So does one that keeps Redis busy for so long."""
LARGEST = 34_000
"""Moments of a world that is played for each mutant."""


@dataclass(frozen=True)
class Mutant:
    """A script file in which one text stands instead of another."""

    part: str
    old: str
    new: str
    place: int = 0
    """Where in the file the old text stands."""

    @property
    def function(self) -> str:
        """The function that it stands in; empty where it stands in none."""
        found = ""
        for line in source(self.part)[: self.place + len(self.old)].splitlines():
            if match := re.match(r"local function (\w+)", line):
                found = match[1]
            elif line == "end" and not self.old.startswith("end"):
                found = ""
        return found

    def __str__(self) -> str:
        return f"{self.part}: {self.old.strip()!r} -> {self.new.strip()!r}"

    def text(self) -> str:
        """The whole file."""
        whole = source(self.part)
        at = whole.index(self.old, self.place)
        return whole[:at] + self.new + whole[at + len(self.old) :]


def source(part: str) -> str:
    """A script file as it is."""
    return script_file(part).read_text("utf-8")


def parts() -> list[str]:
    """The script files."""
    return sorted(path.stem for path in FOLDER.rglob("*.lua"))


def mutants_of(part: str) -> list[Mutant]:
    """The mutants of a file: each line that does something left out, each condition turned round."""
    found, place = list[Mutant](), 0
    for line in source(part).splitlines(keepends=True):
        if line.strip() not in ("", "end", "else") and not line.strip().startswith("--"):
            found.append(Mutant(part, line, "\n", place))
            for match in re.finditer(r"\b(if|elseif) (.*?) then\b", line):
                turned = f"{match[1]} not ({match[2]}) then"
                found.append(Mutant(part, match[0], turned, place + match.start()))
        place += len(line)
    return found


@contextmanager
def changed(mutant: Mutant) -> Iterator[set[str]]:
    """While the block runs, the scripts are those of the mutant; gives the names of the changed ones."""
    old, new = source(mutant.part), mutant.text()
    touched = {name: one for name, one in scripts().items() if old in one.text}
    kept = {name: (one.text, one.digest) for name, one in touched.items()}
    try:
        for one in touched.values():
            one.text = one.text.replace(old, new)
            one.digest = hashlib.sha1(one.text.encode()).hexdigest()
        yield set(touched)
    finally:
        for name, (text, digest) in kept.items():
            touched[name].text, touched[name].digest = text, digest


def is_found(mutant: Mutant, worlds: Sequence[World], url: str) -> str:
    """How a mutant is found out: what is wrong in which world; empty where nothing is.

    Raises:
        BadScript: it is not a script.
    """
    with changed(mutant):
        for faults in (False, True):
            for world in worlds:
                try:
                    with explored(world, url, HANG_SECONDS) as explorer:
                        explorer.explore(world.faults[0] if faults else 0, most=4 * LARGEST)
                except BadScript:
                    raise
                except Exception as error:
                    return f"{world.name}: {str(error).splitlines()[0][:100] or type(error).__name__}"
    return ""


class _Hunt:
    """Hunts mutants, each in a process of its own, for it may go round in circles."""

    def __init__(self) -> None:
        self._server = DevRedis()
        self._used: dict[str, set[str]] = {}
        self._worlds: list[World] = []

    def learn(self) -> None:
        """See which scripts each world uses, and sort the worlds by their size."""
        sizes: dict[str, int] = {}
        for world in WORLDS:
            with explored(world, self._server.url) as explorer:
                sizes[world.name] = explorer.explore(world.faults[0]).moments
                self._used[world.name] = explorer.stage.redis.used
        small = [one for one in WORLDS if sizes[one.name] <= LARGEST]
        self._worlds = sorted(small, key=lambda one: sizes[one.name])

    def close(self) -> None:
        """End the server."""
        self._server.stop()

    def verdict(self, mutant: Mutant) -> str:
        """`none` (no script), how it was found out, or empty."""
        with changed(mutant) as names:
            worlds = [one for one in self._worlds if names & self._used[one.name]]
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(
            target=_try, args=(mutant, worlds, self._server.url, theirs)
        )
        child.start()
        theirs.close()
        said = "it goes round in circles"
        if ours.poll(10 * CPU_SECONDS):
            with contextlib.suppress(EOFError):
                said = ours.recv()
        child.kill()
        child.join()
        if "circles" in said or "timed out" in said:
            self._server.kill()
            self._server.start()
        return said


def _try(mutant: Mutant, worlds: Sequence[World], url: str, answer: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        answer.send(is_found(mutant, worlds, url))
    except BadScript:
        answer.send("none")


def main(chosen: Sequence[str]) -> int:
    """Hunt the mutants of these files, or of all; 1 if one was not found that nobody has explained."""
    hunt, tally = _Hunt(), Counter[str]()
    try:
        hunt.learn()
        for part in chosen or parts():
            for mutant in mutants_of(part):
                kind = _kind(hunt, mutant)
                tally[kind] += 1
                if kind == "not found":
                    print(f"NOT FOUND {mutant}", flush=True)
            print(f"{part}: so far {dict(tally)}", flush=True)
    finally:
        hunt.close()
    real = tally["found"] + tally["not found"] + tally["explained"]
    print(
        f"{tally['found']} of {real} mutants found, {tally['explained']} of the others explained; "
        f"{tally['form']} more are of lines that judge the form of a text, which other tests try"
    )
    return int(tally["not found"] > 0)


def _kind(hunt: _Hunt, mutant: Mutant) -> str:
    if is_of_form(mutant.part, mutant.function, mutant.old):
        return "form"
    said = hunt.verdict(mutant)
    if said:
        return "no script" if said == "none" else "found"
    return "explained" if why(mutant.part, mutant.old) else "not found"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
