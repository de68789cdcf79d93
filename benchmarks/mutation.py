"""Is it noticed when a line of pure logic is wrong? Each module is tried with the unit tests of its own name.

    python benchmarks/mutation.py                      a sample of each module, within a bounded time
    python benchmarks/mutation.py wire/times keys      every change of these, and which were not noticed

A change turns round a comparison or a condition, takes `or` for `and`, leaves out a `not`, or adds one to a
number. It is made in a copy, and is noticed when the tests of that name fail or do not end. A change that is
not noticed there may be noticed by tests/redis, or may change nothing. The seed chooses the sample.
"""

from __future__ import annotations

import argparse
import ast
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("pyresque", "tests", "docs", "pyproject.toml")
HANG_SECONDS = 30.0
TURNED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(), ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(), ast.In: ast.NotIn(), ast.NotIn: ast.In(),
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One expression of a module, and the wrong one in its place."""

    line: int
    old: str
    new: str
    start: int
    """Where in the bytes of the module the old text stands."""

    def made_in(self, source: bytes) -> bytes:
        """The module with this change."""
        end = self.start + len(self.old.encode())
        return source[: self.start] + f"({self.new})".encode() + source[end:]


def changes(source: bytes) -> list[Change]:
    """Every change that is tried in this module, in the order of its lines."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, new in _wrong(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        found.append(Change(node.lineno, source[start:end].decode(), new, start))
    return sorted(found, key=lambda change: (change.start, change.new))


def _wrong(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.JoinedStr):
        return  # Python 3.11 does not know where the parts of an f-string stand
    if isinstance(node, ast.expr) and (new := _other(node)):
        yield node, new
    if isinstance(node, (ast.If, ast.IfExp, ast.While)) and not isinstance(
        node.test, (ast.Compare, ast.Constant)
    ):
        yield node.test, f"not ({ast.unparse(node.test)})"
    for name, value in ast.iter_fields(node):
        # Annotations say nothing to the interpreter; what a decorator is told is mostly about speed or repr.
        if name not in ("annotation", "returns", "decorator_list"):
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ast.AST):
                    yield from _wrong(inner)


def _other(node: ast.expr) -> str:
    """What is tried in the place of this expression; empty for most."""
    match node:
        case ast.Compare(left, [first, *rest], others) if type(first) in TURNED:
            return ast.unparse(ast.Compare(left, [TURNED[type(first)], *rest], others))
        case ast.BoolOp(operator, values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            return ast.unparse(ast.BoolOp(other, values))
        case ast.UnaryOp(ast.Not(), operand):
            return ast.unparse(operand)
        case ast.Constant(bool() as value):
            return repr(not value)
        case ast.Constant(int() | float() as value):
            return repr(value + 1)
    return ""


def pairs() -> dict[str, list[str]]:
    """The modules that have unit tests of their name, as `wire/times`, and the files of these tests."""
    found = {}
    for path in sorted((ROOT / "pyresque").rglob("*.py")):
        module = path.relative_to(ROOT / "pyresque").with_suffix("")
        folder = Path("tests/unit") / module.parent
        tests = [
            *(ROOT / folder).glob(f"test_{module.name}.py"),
            *(ROOT / folder).glob(f"test_{module.name}_*.py"),
        ]
        if tests:
            found[module.as_posix()] = [str(test.relative_to(ROOT)) for test in sorted(tests)]
    return found


class Copy:
    """A copy of the checkout, in which changes are tried one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            place = ROOT / name
            if place.is_dir():
                shutil.copytree(place, folder / name, ignore=ignored)
            else:
                shutil.copy(place, folder / name)

    def notices(self, module: str, tests: Sequence[str], change: Change | None = None) -> bool:
        """Whether these tests fail, or do not end, with this change (or without one)."""
        path = self.folder / "pyresque" / f"{module}.py"
        right = path.read_bytes()
        try:
            if change:
                path.write_bytes(change.made_in(right))
            return not self._pass(tests)
        finally:
            path.write_bytes(right)

    def _pass(self, tests: Sequence[str]) -> bool:
        # No .pyc files: two changes of one length within a second would look like one to the interpreter.
        env = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYRESQUE_RUBY": "none",
        }
        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=self.folder, env=env, capture_output=True, timeout=HANG_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def tried(
    module: str, tests: Sequence[str], chosen: Sequence[Change], copies: queue.Queue[Copy]
) -> list[bool] | None:
    """For each change, whether it is noticed; None where the tests fail even without one."""

    def in_a_copy(change: Change | None) -> bool:
        copy = copies.get()
        try:
            return copy.notices(module, tests, change)
        finally:
            copies.put(copy)

    if in_a_copy(None):
        return None
    with ThreadPoolExecutor(copies.qsize()) as pool:
        return list(pool.map(in_a_copy, chosen))


@dataclass
class Sum:
    """What has been noticed so far."""

    noticed: int = 0
    total: int = 0
    failed: int = 0
    left: int = 0

    def add(self, module: str, chosen: Sequence[Change], results: Sequence[bool], verbose: bool) -> None:
        """Count the changes of a module and print the figure; verbose: and what was not noticed."""
        self.noticed += sum(results)
        self.total += len(results)
        print(f"{module}: {sum(results)} of {len(results)}", flush=True)
        for change, noticed in zip(chosen, results, strict=True):
            if verbose and not noticed:
                print(f"    line {change.line}: {change.old}  ->  {change.new}", flush=True)

    def __str__(self) -> str:
        late = f"; {self.left} modules were not begun in time" if self.left else ""
        return f"noticed: {self.noticed} of {self.total} changes{late}"


def sample(module: str, each: int, seed: int) -> list[Change]:
    """This many changes of a module; all where it has fewer."""
    every = changes((ROOT / "pyresque" / f"{module}.py").read_bytes())
    return every if len(every) <= each else random.Random(f"{seed} {module}").sample(every, each)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="such as wire/times; without any, a sample of all")
    parser.add_argument("--each", type=int, default=8, help="changes for each module of the sample (8)")
    parser.add_argument("--minutes", type=float, default=15, help="no module is begun after these (15)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    if unknown := set(given.modules) - set(pairs()):
        parser.error(f"no unit tests have this name: {', '.join(sorted(unknown))}")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Try the changes and print what was noticed; 1 where tests fail without a change."""
    given = arguments(argv)
    until = time.monotonic() + given.minutes * 60
    known = pairs()
    count = Sum()
    with tempfile.TemporaryDirectory(prefix="pyresque-mutation-") as folder:
        copies: queue.Queue[Copy] = queue.Queue()
        for number in range(os.cpu_count() or 1):
            copies.put(Copy(Path(folder) / str(number)))
        for module in given.modules or known:
            chosen = sample(module, sys.maxsize if given.modules else given.each, given.seed)
            if time.monotonic() > until:
                count.left += 1
            elif chosen:
                results = tried(module, known[module], chosen, copies)
                if results is None:
                    count.failed += 1
                    print(f"{module}: its tests fail without a change", flush=True)
                else:
                    count.add(module, chosen, results, bool(given.modules))
    print(count)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
