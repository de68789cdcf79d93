"""What code of the user's can give or raise that does harm when it is looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


class Says(Exception):
    """Its text is whatever `what` does."""

    def __init__(self, what: Callable[[], Any]) -> None:
        super().__init__("hostile")
        self.what = what

    def __str__(self) -> str:
        return self.what()

    __repr__ = __str__


def raising(error: BaseException) -> Callable[..., Any]:
    def raises(*args: Any, **named: Any) -> Any:
        raise error

    return raises


class BadText(str):
    """A text that does not let itself be used."""

    __slots__ = ()
    encode = split = replace = __len__ = __str__ = __format__ = raising(RuntimeError("no text"))  # type: ignore[assignment]
    __eq__ = __getitem__ = __add__ = __contains__ = raising(SystemExit("no text"))  # type: ignore[assignment]
    __hash__ = str.__hash__


class NoAttributes(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(f"no {name}")


class OtherClass(Exception):
    __class__ = property(raising(SystemExit("no class")))  # type: ignore[assignment]


class NoTrace(Exception):
    __traceback__ = __cause__ = __context__ = __notes__ = args = property(raising(KeyboardInterrupt()))  # type: ignore[assignment]
    __suppress_context__ = property(raising(SystemExit("no")))  # type: ignore[assignment]


class Unset(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise SystemExit(f"{name} is not to be set")


class False_(Exception):
    def __bool__(self) -> bool:
        raise SystemExit("neither")

    __len__ = __hash__ = __eq__ = raising(SystemExit("nothing"))  # type: ignore[assignment]


class Meta(type):
    """A class that answers every question about itself with an exit."""

    def __getattribute__(cls, name: str) -> Any:
        if name in ("__mro__", "__qualname__", "__module__", "__name__", "__dict__", "mro", "ruby_name"):
            raise SystemExit(f"no {name}")
        return super().__getattribute__(name)

    __eq__ = __hash__ = __instancecheck__ = __str__ = __repr__ = raising(SystemExit("meta"))  # type: ignore[assignment]


OfMeta: Any = Meta("OfMeta", (Exception,), {})


def recursive(text: str = "") -> str:
    return recursive(text + "x")


def cyclic() -> BaseException:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    return one


def own_cause() -> BaseException:
    one = ValueError("one")
    one.__context__ = one
    return one


def long_chain() -> BaseException:
    first = one = ValueError("0")
    for number in range(3000):
        one.__cause__ = ValueError(str(number))
        one = one.__cause__
    return first


def deep() -> BaseException:
    space: dict[str, Any] = {}
    exec(compile("def f(n):\n  if n: f(n - 1)\n  else: raise LookupError('deep')", "deep.py", "exec"), space)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 30_000))
    try:
        space["f"](20_000)
    except LookupError as error:
        return error
    finally:
        sys.setrecursionlimit(before)
    raise AssertionError


def with_name(name: Any) -> BaseException:
    from pyresque.errors import ResqueError

    return type("Named", (ResqueError,), {"ruby_name": name})("named")


def of_module(module: Any) -> BaseException:
    return type("Homeless", (Exception,), {"__module__": module})("homeless")


EXCEPTIONS: dict[str, Callable[[], BaseException]] = {
    "exits when shown": lambda: Says(lambda: sys.exit("shown")),
    "interrupts when shown": lambda: Says(raising(KeyboardInterrupt())),
    "raises when shown": lambda: Says(raising(LookupError("shown"))),
    "stops when shown": lambda: Says(raising(StopIteration())),
    "closes when shown": lambda: Says(raising(GeneratorExit())),
    "recurses when shown": lambda: Says(recursive),
    "shows no text": lambda: Says(lambda: 5),
    "shows a bad text": lambda: Says(lambda: BadText("bad")),
    "shows a surrogate": lambda: Says(lambda: "\ud800"),
    "shows much": lambda: Says(lambda: "ü" * 3_000_000),
    "bad text as key": lambda: KeyError(BadText("bad")),
    "no attributes": lambda: NoAttributes("x"),
    "no class": lambda: OtherClass("x"),
    "no trace": lambda: NoTrace("x"),
    "not to be set": lambda: Unset("x"),
    "neither true nor false": lambda: False_("x"),
    "hostile class": lambda: OfMeta("x"),
    "cyclic causes": cyclic,
    "its own context": own_cause,
    "long chain": long_chain,
    "deep trace": deep,
    "name is a number": lambda: with_name(5),
    "name is a bad text": lambda: with_name(BadText("Bad::Name")),
    "name raises": lambda: with_name(property(raising(SystemExit("no name")))),
    "name is long": lambda: with_name("N" * 1_000_000),
    "module is a number": lambda: of_module(5),
    "module is a bad text": lambda: of_module(BadText("bad")),
    "group": lambda: ExceptionGroup("g", [ValueError("a"), ExceptionGroup("h", [OfMeta("b")])]),
    "group of exits": lambda: BaseExceptionGroup("g", [SystemExit(1), KeyboardInterrupt()]),
    "exit": lambda: SystemExit(3),
    "exit with bad text": lambda: SystemExit(BadText("bad")),
    "interrupt": KeyboardInterrupt,
    "generator exit": GeneratorExit,
    "stop": lambda: StopIteration("stop"),
    "async stop": lambda: StopAsyncIteration("stop"),
    "memory": MemoryError,
    "empty": TimeoutError,
}
"""Exceptions by what is bad about them; each call makes a new one."""


class Everything:
    """Answers to every name, as a proxy, a Mock or an `addict.Dict` does."""

    def __getattr__(self, name: str) -> Any:
        return Everything()

    def __call__(self, *args: Any, **named: Any) -> Any:
        return Everything()


class Nothing:
    """Raises whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(f"no {name}")


class BadStream:
    """Stands where a program prints to."""

    def __init__(self, error: BaseException) -> None:
        self.write = self.flush = raising(error)
        self.fileno = lambda: os.open(os.devnull, os.O_WRONLY)


RESULTS: dict[str, Callable[[], Any]] = {
    "everything": Everything,
    "nothing": Nothing,
    "bad text": lambda: BadText("x"),
    "hostile class": lambda: OfMeta,
    "generator": lambda: (n for n in range(3)),
    "awaitable attribute": lambda: type("A", (), {})(),
}
"""What a function may return that is not a result of ours to judge."""
