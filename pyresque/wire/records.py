"""The three JSON shapes that live in Redis: a job's payload, what a worker works on, a failure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from pyresque.errors import MalformedPayload
from pyresque.usercode.safely import tried
from pyresque.wire import aside_links as aside
from pyresque.wire.encoding import Style, decode, encode

MAX_PAYLOAD_DEPTH = 99
"""Levels of nesting in a whole payload: `worker:ID` adds one, and Ruby reads 100.

See docs/protocol/core.md#malformed-payloads.
"""

JOB_WRAPPER = "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"
"""The class of every Active Job on the wire; its own class is inside.

See docs/protocol/active-job.md#the-wrapper.
"""


class Payload(msgspec.Struct, frozen=True):
    """One element of a queue.

    `raw` are its exact bytes; `value` is the decoded object with every key it had.
    """

    raw: bytes
    value: dict[str, Any]

    @classmethod
    def parse(cls, raw: bytes) -> Payload:
        """Read an element of a queue.

        Raises:
            MalformedPayload: it is not a JSON object that a Ruby worker could hold in `worker:ID`.
        """
        value = decode(raw, MAX_PAYLOAD_DEPTH)
        if not isinstance(value, dict):
            raise MalformedPayload(f"a JSON {_kind(value)} where an object with class and args belongs")
        return cls(raw, value)

    @property
    def class_name(self) -> str:
        """The job's class as text; empty where there is none."""
        name = self.value.get("class")
        return name if isinstance(name, str) else ""

    @property
    def job_class(self) -> str:
        """The class as people know it: of a wrapped job its inner one; empty where there is none."""
        return inner_class(self.value)

    @property
    def args(self) -> list[Any]:
        """The arguments as Ruby spreads them (docs/protocol/core.md#the-arguments-of-a-job)."""
        args = self.value.get("args")
        return [[key, value] for key, value in args.items()] if isinstance(args, dict) else spread(args)

    def as_written(self, style: Style) -> bytes:
        """The bytes in this style, of a payload that was written in Ruby's own."""
        return self.raw if style == "ruby" else encode(self.value, style)

    def normal(self, style: Style) -> bytes:
        """The payload decoded and encoded again, as Ruby copies it into `worker:ID` and failures."""
        written, _ = tried(encode, self.value, style)
        # The job may have put something into it that JSON does not have, or that raises.
        return encode(decode(self.raw), style) if written is None else written


def spread(args: Any) -> list[Any]:
    """The arguments that a value of `args` means: nothing, a list, or one argument."""
    if args is None or args is False:
        return []
    return args if isinstance(args, list) else [args]


def is_wrapper(class_name: str) -> bool:
    """Whether this is the class under which Active Job puts its jobs on queues."""
    return class_name.removeprefix("::") == JOB_WRAPPER


def wrapped_job(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The job hash of an Active Job; None where a wrapper holds none, or it is not a wrapper."""
    name, args = value.get("class"), value.get("args")
    if not isinstance(name, str) or not is_wrapper(name) or not isinstance(args, list):
        return None
    return args[0] if len(args) == 1 and isinstance(args[0], dict) else None


def inner_class(value: Mapping[str, Any]) -> str:
    """The class of a payload, of a wrapped job its inner one; empty where there is none."""
    name = value.get("class")
    if not isinstance(name, str) or not is_wrapper(name):
        return name if isinstance(name, str) else ""
    inner = (wrapped_job(value) or {}).get("job_class")
    return inner if isinstance(inner, str) else ""


def shown(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Class and arguments as people want to see them: of a wrapped job, those inside."""
    name, args = value.get("class"), value.get("args")
    inner, job = inner_class(value), wrapped_job(value)
    if job is None or not inner:
        return name if isinstance(name, str) else "", args
    return inner, job.get("arguments")


def with_queue(payload: bytes, queue: str, style: Style) -> bytes:
    """The payload of a job as it is delayed: with the name of its queue at the end."""
    return b'%b,"queue":%b}' % (payload[:-1], encode(queue, style))


class WorkingOn(msgspec.Struct, frozen=True):
    """The value of `worker:ID`. Of a foreign or broken one, what cannot be read is None."""

    raw: bytes
    queue: str | None
    run_at: str | None
    payload: dict[str, Any] | None

    @classmethod
    def parse(cls, raw: bytes) -> WorkingOn:
        """Read `worker:ID`, whoever wrote it; never raises."""
        try:
            value = decode(raw)
        except MalformedPayload:
            value = None
        if not isinstance(value, dict):
            return cls(raw, None, None, None)
        queue, run_at, payload = value.get("queue"), value.get("run_at"), value.get("payload")
        return cls(
            raw,
            queue if isinstance(queue, str) else None,
            run_at if isinstance(run_at, str) else None,
            payload if isinstance(payload, dict) else None,
        )

    @property
    def class_name(self) -> str:
        """The class of the job being worked on, of a wrapped one its own; empty where it cannot be told."""
        return shown(self.payload or {})[0]


def working_on_bytes(queue: str, run_at: str, payload: bytes, style: Style) -> bytes:
    """The value of `worker:ID`; `payload` is spliced in as it is (the Lua script does the same)."""
    head = b'{"queue":%b,"run_at":"%b","payload":' % (encode(queue, style), run_at.encode())
    return head + payload + b"}"


class FailureRecord(msgspec.Struct, frozen=True, eq=False):
    """One element of a failure list, of whatever writer.

    `raw` are its exact bytes, `value` what they decode to (an empty dict where they are not an object),
    `list_name` is the bare name of the list it was read from, `place` where it stood there (-1: not known):
    of records with the same bytes it tells which is meant, as long as the list does not change. `copies` are
    the other records of the same failure (failure/copies.py); None: nobody has looked for them.
    """

    raw: bytes
    value: dict[str, Any]
    list_name: str = "failed"
    index: int = -1
    copies: tuple[FailureRecord, ...] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FailureRecord) and self._element == other._element

    def __hash__(self) -> int:
        return hash(self._element)

    @property
    def _element(self) -> tuple[bytes, str, int]:
        return self.raw, self.list_name, self.index

    @classmethod
    def parse(cls, raw: bytes, list_name: str = "failed", index: int = -1) -> FailureRecord:
        """Read an element of a failure list; never raises."""
        try:
            value = decode(raw)
        except MalformedPayload:
            value = None
        return cls(raw, value if isinstance(value, dict) else {}, list_name, index)

    @property
    def failure_id(self) -> str | None:
        """The UUID that Resque since 3.1 gives a failure; None in other records."""
        value = self.value.get("failure_id")
        return value if isinstance(value, str) else None

    @property
    def id(self) -> str:
        """What addresses this record: its failure_id, else `sha1:` and the digest of its bytes."""
        return self.failure_id or f"sha1:{hashlib.sha1(self.raw).hexdigest()}"  # noqa: S324 (no secret)

    @property
    def payload(self) -> dict[str, Any]:
        """The job that failed; empty where the record holds none."""
        value = self.value.get("payload")
        return value if isinstance(value, dict) else {}

    @property
    def class_name(self) -> str:
        """The class of the job that failed, of a wrapped one its own; empty where there is none."""
        name = shown(self.payload)[0]
        return "" if name == aside.CLASS else name

    @property
    def aside(self) -> str | None:
        """The list behind `pyresque:aside:` with what was put aside; None if nothing was."""
        return aside.list_of(aside.link_in(self.value))

    @property
    def was_retried(self) -> bool:
        """Whether its job was put back, as it or a copy that it knows says."""
        return self.retried_at is not None

    @property
    def retried_at(self) -> Any:
        """When its job was put back, as it or a copy that it knows says; None where it was not."""
        for record in (self, *(self.copies or ())):
            moment = record.value.get("retried_at")
            if moment is not None and moment is not False:
                return moment
        return None

    @property
    def holds_aside(self) -> bool:
        """Whether something was put aside with it that was not put back."""
        return self.aside is not None and not self.was_retried

    @property
    def aside_text(self) -> str:
        """What was put aside and is not a job, as text; empty where it is one, or nothing was."""
        args = self.payload.get("args")
        if aside.pointed_to(self.payload) is not None and isinstance(args, list):
            return str(args[1]) if len(args) > 1 else ""
        text = self.value.get("payload")
        return text if isinstance(text, str) and self.aside is not None else ""

    def text(self, key: str) -> str | None:
        """One of the record's texts: failed_at, exception, error, worker, queue, retried_at."""
        value = self.value.get(key)
        return value if isinstance(value, str) else None

    @property
    def backtrace(self) -> list[str]:
        """The lines of the backtrace, innermost first; empty where there are none."""
        value = self.value.get("backtrace")
        return [str(line) for line in value] if isinstance(value, list) else []


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "string", list: "array"}
    return kinds.get(type(value), "number")
