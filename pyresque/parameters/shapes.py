"""One way in which the list of a job's arguments may be meant, and the parameters that it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter
from typing import Any

from pyresque.errors import Unencodable, WrongArguments
from pyresque.parameters.annotations import MISFIT, SCALARS, Kind
from pyresque.usercode.safely import tried_in_job
from pyresque.wire.encoding import decode, encode, narrowed, same

Given = tuple[list[Any], dict[str, Any]]
"""Arguments by position, and by keyword."""

Convert = Callable[[Kind, Any], Any]
"""Makes a value what a parameter of a kind takes, or raises one of MISFIT."""

NONE: Any = object()
"""No value: not given, or none that could be written."""
_NO_WORDS: dict[str, Any] = {}


@dataclass(frozen=True)
class JobParameter:
    """One parameter of the job `job`, and what values it takes."""

    job: str
    declared: Parameter
    kind: Kind
    is_lenient: bool

    @property
    def name(self) -> str:
        """Its name."""
        return self.declared.name

    @property
    def annotation(self) -> Any:
        """Its annotation, as it is written."""
        return self.declared.annotation

    @cached_property
    def is_open(self) -> bool:
        """Whether it takes any value, as it is."""
        return self.kind.read is None and not self.kind.never

    @cached_property
    def needed(self) -> bool:
        """Whether it has no default."""
        plain = self.declared.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        return plain and self.declared.default is Parameter.empty

    def read(self, value: Any, convert: Convert | None = None) -> Any:
        """A value as the annotation has it; one that is equal to the default is always right.

        Raises:
            WrongArguments: it does not fit.
        """
        read = self.kind.read
        if type(value) is self.kind.wanted:
            return value
        if read is None:
            return value if not self.kind.never or self.is_lenient else self._refuse(self.kind.never)
        try:
            return read(value) if convert is None else convert(self.kind, value)
        except MISFIT as misfit:
            reason = str(misfit)
        plain, error = tried_in_job(narrowed, value)
        if error is None and plain is not value:
            return self.read(plain, convert)
        is_default = tried_in_job(_equal, self.declared.default, value)[0] is True
        if is_default or (self.is_lenient and self._is_of_an_object(value)):
            return value
        return self._refuse(self.kind.never or reason)

    def _is_of_an_object(self, value: Any) -> bool:
        """Whether a decorator may load, or make, the object that the annotation means."""
        return bool(self.kind.never) or (self.kind.is_object and type(value) in (int, str))

    def _refuse(self, reason: str) -> Any:
        if self.kind.never:
            reason = f"annotated {shown(self.annotation)}, and {reason}; use a type that msgspec knows"
        raise WrongArguments(f"argument {self.name} of {self.job}: {reason}")

    def written(self, value: Any, is_checked: bool) -> Any:
        """A value as JSON has it.

        Raises:
            WrongArguments: it does not fit.
            Unencodable: it fits, but has no form in JSON.
        """
        if self.is_open or (type(value) is self.kind.wanted and type(value) in SCALARS):
            return value
        try:
            plain = self.kind.written(value)
        except Unencodable as error:
            if not is_checked:
                return value
            self._check(value)  # says it better, if it does not fit
            raise Unencodable(f"argument {self.name} of {self.job} {error}") from None
        if is_checked:
            self._check(value)
            if plain is not value:
                self.read(plain)
        return plain

    def _check(self, value: Any) -> None:
        try:
            self.read(value)
        except WrongArguments:
            # Of a kind of text or number, such as an enum's: what arrives may fit.
            plain, error = tried_in_job(lambda: decode(encode([value])))
            if plain is None or error is not None:
                raise
            self.read(plain[0])

    @cached_property
    def default(self) -> Any:
        """The default as JSON has it; NONE where there is none that could be read again."""
        value = self.declared.default
        if value is Parameter.empty or value is NONE:
            return NONE
        plain, error = tried_in_job(self.written, value, True)
        _, refused = tried_in_job(encode, [plain])
        return NONE if error is not None or refused is not None else plain


@dataclass(frozen=True)
class Shape:
    """One way in which the list of arguments may be meant.

    Attributes:
        text: the job and what it takes, for errors.
        positions: the parameters that are given by position.
        is_lenient: whether a decorator may give what nobody else can, or has no annotation.
        may_miss: whether it may give any.
        most: how long the list may be at most; None: any length.
    """

    text: str
    positions: list[JobParameter]
    rest: JobParameter | None
    words: dict[str, JobParameter]
    options: JobParameter | None
    is_lenient: bool
    may_miss: bool = False
    most: int | None = None

    @cached_property
    def least(self) -> int:
        """How many positions are needed."""
        return 1 + max(
            (index for index, parameter in enumerate(self.positions) if parameter.needed), default=-1
        )

    @cached_property
    def _needed(self) -> int:
        """How many nobody else can give."""
        return 1 + max(
            (index for index, parameter in enumerate(self.positions) if self._must_be_given(parameter)),
            default=-1,
        )

    def _must_be_given(self, parameter: JobParameter) -> bool:
        lenient = self.is_lenient and (self.may_miss or parameter.kind.may_be_injected)
        return parameter.needed and not lenient

    @cached_property
    def _has_words(self) -> bool:
        """Whether a last hash may be keywords. What takes just anything has none: it may be a decorator."""
        return bool(self.words) or (self.options is not None and bool(self.positions or self.rest is None))

    @cached_property
    def is_plain(self) -> bool:
        """Whether it takes positions only, which is the usual case, and is to be quick."""
        return self.rest is None and not self.words and self.options is None and self.most is None

    def read(self, args: Sequence[Any]) -> Given:
        """The call that a list from the wire means."""
        if self.is_plain and self._needed <= len(args) <= len(self.positions):
            return [parameter.read(value) for parameter, value in zip(self.positions, args, strict=False)], {}
        given, words = self._split(args) if self._has_words else (args, _NO_WORDS)
        return self._fitted(given, words)

    def called(self, args: Sequence[Any], words: Mapping[str, Any], read: Convert) -> Given:
        """The same of a call in Python."""
        given, named = self._bound(args, words, takes_any=True)
        return self._fitted(given, named, read)

    def _fitted(
        self, given: Sequence[Any], words: Mapping[str, Any], convert: Convert | None = None
    ) -> Given:
        self._check_count(len(given), words)
        result = [
            parameter.declared.default if value is NONE else parameter.read(value, convert)
            for parameter, value in zip(self.positions, given, strict=False)
        ]
        if len(given) > len(result) and self.rest is not None:
            result += [self.rest.read(value, convert) for value in given[len(result) :]]
        return result, {name: self._word(name).read(value, convert) for name, value in words.items()}

    def _word(self, name: str) -> JobParameter:
        parameter = self.words.get(name, self.options)
        assert parameter is not None
        return parameter

    def _check_count(self, count: int, words: Mapping[str, Any]) -> None:
        if (self.most is not None and count > self.most) or (
            count < self._needed or (count > len(self.positions) and self.rest is None)
        ):
            raise WrongArguments(f"{self.text}: it was given {count} argument{'' if count == 1 else 's'}")
        for name, parameter in self.words.items():
            if name not in words and self._must_be_given(parameter):
                raise WrongArguments(f"{self.text}: it was not given {name}=")

    def _split(self, args: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Positions and keywords: those of a last hash, and positions that are too many, in order."""
        words: dict[str, Any] = {}
        if args and type(args[-1]) is dict and self._are_words(args[-1], len(args) - 1):
            args, words = args[:-1], dict(args[-1])
        if self.rest is None and len(args) > len(self.positions):
            free = [name for name in self.words if name not in words]
            further = args[len(self.positions) :]
            if len(further) <= len(free):
                words.update(zip(free, further, strict=False))
                args = args[: len(self.positions)]
        return args, words

    def _are_words(self, last: dict[str, Any], count: int) -> bool:
        """Whether a last hash, with so many positions before it, is keywords."""
        if count < self._needed:
            return False
        if last and last.keys() <= self.words.keys():
            return True
        if last and self.options is None:
            return False
        return not self._fits(count, last)

    def _fits(self, index: int, value: Any) -> bool:
        """Whether the parameter at this position takes a value."""
        return index < len(self.positions) and tried_in_job(self.positions[index].read, value)[1] is None

    def written(self, args: Sequence[Any], words: Mapping[str, Any], is_checked: bool) -> list[Any]:
        """The list for the wire of a call."""
        if self.is_plain and not words and is_checked and self._needed <= len(args) <= len(self.positions):
            return [
                parameter.written(value, True) for parameter, value in zip(self.positions, args, strict=False)
            ]
        given, named = self._bound(*self._as_called(args, words), takes_any=self._has_words)
        if is_checked:
            self._check_count(len(given), named)
        positions = [self._written(index, value, is_checked) for index, value in enumerate(given)]
        if len(named) < len(words):
            positions += self._defaults(len(positions))  # some are positions: then all are written out
        hashed = {name: self._word(name).written(value, is_checked) for name, value in named.items()}
        values = [*positions, *([hashed] if hashed else [])]
        if not self._has_words or self._means(values, positions, hashed):
            return values
        positions += self._defaults(len(positions))
        others = {name: parameter.default for name, parameter in self.words.items() if name not in hashed}
        hashed |= {name: value for name, value in others.items() if value is not NONE}
        values = [*positions, hashed]
        if not self._means(values, positions, hashed):
            raise WrongArguments(
                f"{self.text}: its last argument would be taken for keywords, or the reverse: give all of "
                "them by keyword"
            )
        return values

    def _as_called(
        self, args: Sequence[Any], words: Mapping[str, Any]
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """A call, whose keywords may be given as they are on the wire where nothing else could be meant."""
        count = len(args) - 1
        if words or not self._has_words or self.rest is not None or not 0 <= count <= len(self.positions):
            return args, words
        last = args[-1]
        if type(last) is not dict or not self._are_words(last, count) or self._fits(count, last):
            return args, words
        return args[:-1], args[-1]

    def _means(self, values: list[Any], positions: list[Any], words: dict[str, Any]) -> bool:
        args, named = self._split(values)
        return same(list(args), positions) and same(named, words)

    def _written(self, index: int, value: Any, is_checked: bool) -> Any:
        parameter = self.positions[index] if index < len(self.positions) else self.rest
        if parameter is None:
            return value  # one too many, of somebody who looks for such jobs
        if value is not NONE:
            return parameter.written(value, is_checked)
        if parameter.default is NONE:
            raise Unencodable(
                f"argument {parameter.name} of {parameter.job}: its default {parameter.declared.default!r} "
                "cannot be written as JSON, and arguments behind it are given: give "
                f"{parameter.name}= too, or move it behind them"
            )
        return parameter.default

    def _defaults(self, start: int) -> list[Any]:
        """The defaults from a position on, up to one that cannot be written."""
        defaults: list[Any] = []
        for parameter in self.positions[start:]:
            if parameter.default is NONE:
                break
            defaults.append(parameter.default)
        return defaults

    def _bound(self, args: Sequence[Any], words: Mapping[str, Any], takes_any: bool) -> Given:
        """Which arguments of a call are positions, with NONE for defaults, and which keywords.

        Args:
            takes_any: whether `**options` may get any keyword: a list may not tell them from positions.
        """
        given, named = list(args), {}
        by_name = Parameter.POSITIONAL_OR_KEYWORD
        indexes = {
            parameter.name: n
            for n, parameter in enumerate(self.positions)
            if parameter.declared.kind is by_name
        }
        for name, value in words.items():
            index = indexes.get(name)
            if index is None:
                if name not in self.words and not (self.options is not None and takes_any):
                    raise WrongArguments(f"{self.text}: it takes no keyword {name}=")
                named[name] = value
                continue
            given += [NONE] * (index + 1 - len(given))
            if index < len(args):
                raise WrongArguments(f"{self.text}: it was given {name} twice")
            given[index] = value
        for parameter, value in zip(self.positions, given, strict=False):
            if value is NONE and parameter.needed:
                raise WrongArguments(f"{self.text}: it was not given {parameter.name}")
        return given, named


def _equal(value: object, other: object) -> bool:
    return type(value) is type(other) and bool(value == other)


def shown(annotation: Any) -> str:
    """An annotation, for errors."""
    if isinstance(annotation, type):
        return annotation.__name__
    return repr(annotation)
