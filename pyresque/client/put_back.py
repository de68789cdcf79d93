"""How the job of a failure is put back: its records are marked, and the job pushed, in one step.

What was put aside goes back where it came from, with its bytes as they were, once: a delayed job is delayed
again and due at once, so that its hooks run anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pyresque.errors import NotAJob
from pyresque.store import effects
from pyresque.store import failures as store
from pyresque.store.connection.link import Command
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.aside_links import RESTORABLE
from pyresque.wire.encoding import encode
from pyresque.wire.extra_keys import begun_before
from pyresque.wire.records import FailureRecord, wrapped_job

Outcome = Literal["done", "gone"] | NotAJob
"""What became of a failure that was to be put back; an error tells why it could not be."""

Marks = list[tuple[FailureRecord, bytes]]


class PutBack:
    """Puts the jobs of failures back.

    Args:
        with_copies: gives these records, each with its copies in other lists.
    """

    def __init__(
        self, space: Space, with_copies: Callable[[Sequence[FailureRecord]], list[FailureRecord]]
    ) -> None:
        self._space = space
        self._with_copies = with_copies

    def one(self, record: FailureRecord) -> bool:
        """Put one back; False if its record is gone.

        Raises:
            NotAJob: the record holds nothing that could be put on a queue.
        """
        if not record.value:
            raise NotAJob("this record is not a JSON object: it can only be shown and removed")
        marks = self.marks(record)
        if record.aside is None:
            return store.requeue(self._space, marks, self._push(record)) == 1
        return self._what_was_aside(record, record.aside, marks)

    def edited(self, record: FailureRecord, args: Any, queue: str | None) -> bool:
        """Put a job like that of a failure back, with other arguments; False if its record is gone.

        Raises:
            NotAJob: the record holds no job, or it goes back only as it is, or these cannot be its arguments.
        """
        if record.aside is not None and not record.class_name:
            raise NotAJob("what was put aside goes back as it is: retry it without other arguments")
        payload = with_arguments(record.payload, args)
        return store.requeue(self._space, self.marks(record), self._push(record, payload, queue)) == 1

    def many(self, records: Sequence[FailureRecord]) -> list[Outcome]:
        """Put many back, in few steps; for each what became of it. Their copies are known."""
        outcomes: list[Outcome] = ["gone"] * len(records)
        together: list[tuple[int, Marks, list[Command]]] = []
        for number, record in enumerate(records):
            try:
                if record.value and record.aside is None:
                    together.append((number, self.marks(record), self._push(record)))
                else:
                    outcomes[number] = "done" if self.one(record) else "gone"
            except NotAJob as error:
                outcomes[number] = error
        there = store.requeue_many(self._space, [(marks, push) for _, marks, push in together])
        for (number, *_), done in zip(together, there, strict=True):
            outcomes[number] = "done" if done else "gone"
        return outcomes

    def marks(self, record: FailureRecord) -> Marks:
        """The record and its copies, each with what it is once it is marked as retried."""
        if record.copies is None:
            [record] = self._with_copies([record])
        marks = []
        for copy in (record, *(record.copies or ())):
            value = {**copy.value, "retried_at": _now(copy.list_name)}
            marks.append((copy, encode(value, self._space.style)))
        return marks

    def _push(
        self, record: FailureRecord, payload: dict[str, Any] | None = None, queue: str | None = None
    ) -> list[Command]:
        queue = queue or record.text("queue")
        if not queue:
            raise NotAJob("this record names no queue: it can only be shown and removed")
        if not record.class_name:
            raise NotAJob("this record holds no job with a class: it can only be shown and removed")
        job = _requeued(record.payload if payload is None else payload)
        return effects.push(self._space.keys, queue, encode(job, self._space.style))

    def _what_was_aside(self, record: FailureRecord, name: str, marks: Marks) -> bool:
        """Put back what was put aside; its list tells where it belongs."""
        if record.was_retried and record.class_name:
            raise NotAJob(f"its job was put back before, at {record.retried_at}: the record can go")
        if name.startswith(RESTORABLE):
            answer = store.requeue(self._space, marks, second=int(time.time()))
        elif record.class_name:
            answer = store.requeue(self._space, marks, self._push(record))
        else:
            raise NotAJob("what was put aside is not a job: it can only be shown and removed")
        if answer < 0:
            aside = self._space.keys.aside(self._space.keys.prefix + name)
            if answer == store.NOT_THERE:
                raise NotAJob(f"it is not in the list {aside} any more: it was put back before, or removed")
            raise NotAJob(f"it stays in {aside}: where it came from, a key holds something else than a list")
        return answer == 1


def with_arguments(payload: dict[str, Any], args: Any) -> dict[str, Any]:
    """A payload with other arguments: of an Active Job its own, inside its hash.

    Raises:
        NotAJob: an Active Job cannot have these.
    """
    job = wrapped_job(payload)
    if job is None:
        return {**payload, "args": args}
    if not isinstance(args, list):
        raise NotAJob("the arguments of an Active Job must be a list, as in [42]")
    return {**payload, "args": [{**job, "arguments": args}]}


def _now(list_name: str) -> str:
    now = time.time()
    return times.failed_at(now) if list_name == "failed" else times.retried_at_without_zone(now)


def _requeued(payload: dict[str, Any]) -> dict[str, Any]:
    """The job as it goes back: class and args first as Ruby writes them, then whatever else it had.

    Args that are not a list are spread as Ruby's splat does it. Ruby drops the further keys; a writer who put
    them there may need them.
    """
    args = payload.get("args")
    if isinstance(args, dict):
        args = [[key, value] for key, value in args.items()]
    elif args is None:
        args = []
    others = {key: value for key, value in begun_before(payload).items() if key not in ("class", "args")}
    return {"class": payload["class"], "args": args if isinstance(args, list) else [args], **others}
