"""Which classes wait that nobody here knows, and what may be wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from pyresque.errors import MalformedPayload, RedisReplied
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store import queues as store
from pyresque.store.space import Space
from pyresque.usercode.safely import cut
from pyresque.wire.records import Payload, is_wrapper

MOST = 10_000
"""Jobs at the head of a queue that are looked at, unless another number is given."""
MOST_BYTES = 64 << 20
"""The bytes of them, about."""
FIRST_WINDOW, WINDOW = 8, 1000
"""Jobs that are read at a time, at first and at most."""
MOST_CLASSES = 1000
"""So many classes of a queue are told apart."""
MOST_NAME = 200
"""So many characters of a name are shown."""
LIKE = 0.75
"""How much alike two names are, from 0 to 1, where one may be meant for the other."""


@dataclass(frozen=True)
class WaitingClass:
    """A class whose jobs wait on a queue, and that is not registered here: `count` of them.

    `near` are the registered classes that may be meant, `advice` is a sentence for people. `is_sampled`: the
    queue has more jobs than were looked at.
    """

    queue: str
    class_name: str
    count: int
    near: list[str]
    advice: str
    is_sampled: bool = False


def waiting_classes(
    resque: ResqueLike,
    registry: Registry | None = None,
    queues: Sequence[str] | None = None,
    most: int = MOST,
) -> list[WaitingClass]:
    """The classes that wait and are not registered here, by queue, the most frequent first.

    What is not a job is left out: the next worker that comes to it puts it aside.

    Args:
        registry: the jobs that are known; those of `resque` unless another one is given.
        queues: the queues that are looked at; all of them unless some are named.
        most: how many jobs of each queue are looked at.
    """
    registry = resque.registry if registry is None else registry
    found = []
    for queue in store.names(resque.space) if queues is None else queues:
        found += waiting_in(resque.space, queue, registry, most)
    return found


def waiting_in(
    space: Space, queue: str, registry: Registry, most: int = MOST, most_bytes: int = MOST_BYTES
) -> list[WaitingClass]:
    """The same of one queue.

    Args:
        most: how many jobs are looked at.
        most_bytes: and about how many bytes.
    """
    counts, is_sampled = counted(space, queue, registry, most, most_bytes)
    found = []
    for (name, wrapped), count in counts.most_common():
        near, advice = advice_about(name, wrapped, registry)
        found.append(WaitingClass(queue, name, count, near, advice, is_sampled))
    return found


def counted(
    space: Space, queue: str, registry: Registry, most: int = MOST, most_bytes: int = MOST_BYTES
) -> tuple[Counter[tuple[str, bool]], bool]:
    """How many jobs wait of each class that is not registered, and whether there are more jobs.

    With each class whether its jobs come wrapped, as those of Active Job.
    """
    counts: Counter[tuple[str, bool]] = Counter()
    is_known: dict[tuple[str, str], bool] = {}
    seen = size = 0
    for raw in first_jobs(space, queue, most, most_bytes):
        seen, size = seen + 1, size + len(raw)
        outer, inner = names_in(raw)
        if not inner:
            continue
        if (outer, inner) not in is_known and len(is_known) < MOST_CLASSES:
            is_known[outer, inner] = is_known_class(outer, inner, registry)
        if not is_known.get((outer, inner), True):
            counts[inner, is_wrapper(outer)] += 1
    return counts, seen >= most or size >= most_bytes


def first_jobs(space: Space, queue: str, most: int, most_bytes: int) -> Iterator[bytes]:
    """The first jobs, in windows that grow: jobs may be large."""
    start, window, size = 0, FIRST_WINDOW, 0
    while start < most and size < most_bytes:
        count = min(window, most - start)
        try:
            piece = store.elements(space, queue, start, count)
        except RedisReplied:  # it is not a list
            return
        yield from piece
        if len(piece) < count:
            return
        start, size = start + count, size + sum(map(len, piece))
        window = min(2 * window, WINDOW)


class _Head(msgspec.Struct):
    """As much of a job as is read of all."""

    class_: Any = msgspec.field(name="class", default=None)


_HEADS = msgspec.json.Decoder(_Head)


def names_in(raw: bytes) -> tuple[str, str]:
    """The class on the wire and the job's own, which differ where it is wrapped; empty without one."""
    try:
        name = _HEADS.decode(raw).class_
        if isinstance(name, str) and not is_wrapper(name):
            return name, name
        payload = Payload.parse(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError, MalformedPayload):
        return "", ""
    return payload.class_name, payload.job_class


def is_known_class(outer: str, inner: str, registry: Registry) -> bool:
    """Whether a job of this class is registered, by its class on the wire and its own."""
    value: Mapping[str, Any] = {"class": outer, "args": [{"job_class": inner}]}
    return registry.find_for(Payload(b"", dict(value))) is not None


def advice_about(name: str, wrapped: bool, registry: Registry) -> tuple[list[str], str]:
    """The names that may be meant, and what to do."""
    bare = name.removeprefix("::")
    jobs = [job.name for job in registry.jobs()]
    inner = [job.name for job in registry.wrapped_jobs()]
    plain = [name for name in jobs if name not in inner]
    if wrapped and bare in plain:
        return [bare], f"{bare} is an Active Job; here it is registered with @job: use @active_job.job"
    if not wrapped and bare in inner:
        return [bare], (
            f"{bare} was not enqueued as an Active Job; here it is registered as one: enqueue it with "
            "active_job.enqueue, or register it with @job"
        )
    shown = cut(bare, MOST_NAME)
    near = close_names(shown, inner if wrapped else plain) or close_names(shown, plain if wrapped else inner)
    if near:
        return near, f"{shown}: did you mean {' or '.join(near)}?"
    if not jobs:
        return [], f"{shown}: no job is registered here, name the module that has it with -r"
    return [], f"{shown} is not registered here: is its module imported, or is it for Ruby?"


def close_names(name: str, known: Sequence[str]) -> list[str]:
    """Those of the known names that somebody may have meant, the most alike first; three at most."""
    last = name.rpartition("::")[2].lower()
    same_end = [known_name for known_name in known if known_name.rpartition("::")[2].lower() == last]
    spelled = {_letters(known_name): known_name for known_name in known}
    alike = get_close_matches(_letters(name), spelled, n=3, cutoff=LIKE)
    return list(dict.fromkeys([*same_end, *(spelled[letters] for letters in alike)]))[:3]


def _letters(name: str) -> str:
    """A name as it compares: `send_mail`, `send-mail` and `SendMail` are alike."""
    return name.lower().replace("_", "").replace("-", "")
