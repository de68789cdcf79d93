"""The arguments of a job: from the call that enqueues it to a list of JSON, and from that to its function.

Arguments are a list on the wire. What is given by position, or could be, becomes a position; what can only be
given by keyword goes into one hash behind them, as Ruby has its options: `[1, {"dry_run": true}]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from inspect import Parameter
from typing import Any, TypeVar

from pyresque.errors import ResqueError, Unencodable, WrongArguments
from pyresque.parameters.annotations import kind_of, unpacked
from pyresque.parameters.shapes import NONE, Convert, JobParameter, Shape, shown
from pyresque.parameters.shapes import Given as Given
from pyresque.parameters.signatures import Taken, globals_of, taken_by

T = TypeVar("T")


class Parameters:
    """What the function of a job takes.

    Args:
        name: the job's, for errors.
        function: what is called.
        scope: names that its annotations may use besides the globals of its module.

    Raises:
        InvalidJob: the function does not tell what it takes.
    """

    def __init__(self, name: str, function: Callable[..., Any], scope: Mapping[str, Any]) -> None:
        self._name, self._function, self._scope = name, function, scope
        self.taken: Taken = taken_by(function, name)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the parameters."""
        return frozenset(parameter.name for parameter in self.taken.parameters)

    def prepare(self) -> None:
        """Look everything up now: what is found in a forked child is lost with it."""
        _ = self._shapes

    @cached_property
    def arguments(self) -> Callable[[Sequence[Any]], Given]:
        """Takes arguments from the wire; gives them as the function is called, each as its annotation has it.

        Raises:
            WrongArguments: one does not fit, or there are too few or too many; the text says which.
        """
        if len(self._shapes) == 1:
            return self._shapes[0].read
        return lambda args: self._first(lambda shape: shape.read(args))

    def called(self, args: Sequence[Any], words: Mapping[str, Any], read: Convert) -> Given:
        """The arguments of a call as the function is called with them, each as `read` makes it.

        Raises:
            WrongArguments: the function cannot be called so, or one does not fit.
        """
        return self._first(lambda shape: shape.called(args, words, read))

    def written(self, args: Sequence[Any], words: Mapping[str, Any], is_checked: bool = True) -> list[Any]:
        """The arguments of a call as the list that goes on the wire.

        Args:
            is_checked: whether each must be what its annotation says.

        Raises:
            WrongArguments: the function could not be called so; the text says why.
            Unencodable: one of them has no form in JSON.
        """
        types = self._types
        # The usual case, which is to be quick.
        if types is not None and is_checked and len(args) <= len(types):
            missing = [*types][len(args) :]
            if words.keys() == set(missing) or (not words and len(args) >= self._shapes[0].least):
                values = [*args, *(words[name] for name in missing)] if words else list(args)
                pairs = zip(values, types.values(), strict=False)
                if all(wanted is object or type(value) is wanted for value, wanted in pairs):
                    return values
        if len(self._shapes) == 1:
            return self._shapes[0].written(args, words, is_checked)
        return self._first(lambda shape: shape.written(args, words, is_checked))

    @cached_property
    def _types(self) -> dict[str, Any] | None:
        """For each parameter the type whose values are written as they are, `object` for any value.

        None where not all parameters are positions.
        """
        [shape, *others] = self._shapes
        by_name = Parameter.POSITIONAL_OR_KEYWORD
        if (
            others
            or not shape.is_plain
            or any(position.declared.kind is not by_name for position in shape.positions)
        ):
            return None
        return {
            position.name: object if position.is_open else position.kind.scalar
            for position in shape.positions
        }

    def _first(self, tried_with: Callable[[Shape], T]) -> T:
        """What the first shape makes of it; if none can, the error of the first, which is the plainest."""
        first, *others = self._shapes
        try:
            return tried_with(first)
        except (WrongArguments, Unencodable) as error:
            kept: ResqueError = error
        for shape in others:
            try:
                return tried_with(shape)
            except (WrongArguments, Unencodable):
                continue
        raise kept

    @cached_property
    def _all(self) -> dict[str, JobParameter]:
        """Every parameter under its name; those of a decorator too."""
        names, parameters = globals_of(self._function), {}
        for declared in (*self.taken.parameters, *self.taken.longer):
            kind = kind_of(declared.annotation, names, self._scope)
            parameters[declared.name] = JobParameter(self._name, declared, kind, self.taken.decorated)
        return parameters

    @cached_property
    def _listed(self) -> dict[str, JobParameter]:
        """What `**options: Unpack[Options]` lists."""
        options = self.taken.options
        if options is None or options.annotation is Parameter.empty:
            return {}
        names = globals_of(self._function)
        parameters = {}
        for name, (annotation, needed) in (unpacked(options.annotation, names, self._scope) or {}).items():
            declared = Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if needed else NONE)
            kind = kind_of(annotation, names, self._scope)
            parameters[name] = JobParameter(self._name, declared, kind, self.taken.decorated)
        return parameters

    @cached_property
    def _shapes(self) -> list[Shape]:
        """The ways in which a list may be meant, the likeliest first; one, if no decorator adds anything."""
        taken, of = self.taken, self._all
        words = {declared.name: of[declared.name] for declared in taken.words} | self._listed
        rest = None if taken.rest is None else of[taken.rest.name]
        options = None if taken.options is None or self._listed else of[taken.options.name]
        text, passed_on = f"{self._name} takes {taken}", taken.passed_on
        lists = [taken.places, taken.longer] if taken.longer else [taken.places]
        whole = [
            Shape(text, [of[declared.name] for declared in positions], rest, words, options, passed_on)
            for positions in lists
        ]
        if not passed_on:
            return whole
        # Those that a decorator adds before the others are likely such as nobody could give.
        cut = [
            replace(shape, positions=shape.positions[count:])
            for shape in whole
            for count in range(1, len(shape.positions) + 1)
            if all(parameter.kind.may_be_injected for parameter in shape.positions[:count])
        ]
        # Only where some are missing it is likely that others are put in, too: the first, else any.
        short = [
            replace(shape, positions=shape.positions[count:], most=shape.least - 1)
            for shape in whole
            for count in range(1, len(shape.positions))
        ]
        any_may_miss = [replace(shape, may_miss=True) for shape in whole]
        return [*whole, *cut, *short, *any_may_miss]

    def unknown(self) -> list[str]:
        """The annotations that cannot be understood, and why; those arguments are not checked."""
        return [
            f"{parameter.name} is annotated {shown(parameter.annotation)}, which {parameter.kind.unknown}"
            for parameter in self._judged()
            if parameter.kind.unknown
        ]

    def never(self) -> list[str]:
        """Why no list of arguments can ever fit; empty where some may."""
        if self.taken.passed_on or self.taken.decorated:
            return []
        return [
            f"{parameter.name} is annotated {shown(parameter.annotation)}: {parameter.kind.never}"
            for parameter in self._judged()
            if parameter.kind.never and parameter.needed
        ]

    def _judged(self) -> Iterable[JobParameter]:
        return (*self._all.values(), *self._listed.values())
