"""Failures: looking at them, putting their jobs back, removing them (core.md section 14).

A record is addressed by its failure_id or, where it has none, by its bytes; its place in the list, which
moves while people look at it, only chooses among records with the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from pyresque.attempts import NextAttempt, next_attempts
from pyresque.due import ready_item
from pyresque.errors import MalformedPayload, NotAJob
from pyresque.registry import Registry
from pyresque.store import failures as store
from pyresque.store.link import Command
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.aside import RESTORABLE
from pyresque.wire.encoding import encode
from pyresque.wire.records import FailureRecord

Records = list[FailureRecord]
Effects = list[Command]
Names = list[str]
Found = list[FailureRecord | None]
Attempts = list[NextAttempt | None]


class Failures:
    """All failure lists of one Resque: `failed`, and `Q_failed` of the multi-queue backend.

    What looks, looks at all of them. What clears or requeues many takes, where no list is named, those of
    the failure backend, as Ruby does: with several backends the same failure stands in several lists.
    """

    def __init__(self, space: Space, multi_queue: bool = False, registry: Registry | None = None) -> None:
        self._space = space
        self._multi_queue = multi_queue
        self._registry = Registry() if registry is None else registry

    def lists(self) -> Names:
        """The names of the failure lists: `failed` and every `Q_failed`."""
        return ["failed", *(name for name in store.list_names(self._space) if name != "failed")]

    def count(self, *, list_name: str | None = None, class_name: str | None = None) -> int:
        """How many failures there are, in all lists or one, of all classes or one."""
        names = self.lists() if list_name is None else [list_name]
        if class_name is None:
            return sum(store.count(self._space, name) for name in names)
        return sum(
            1 for name in names for one in store.each(self._space, name) if one.class_name == class_name
        )

    def list(self, offset: int = 0, limit: int | None = 20, *, list_name: str | None = None) -> Records:
        """Failures from `offset` on, oldest first; all lists one after the other, or one list."""
        found: Records = []
        for name in self.lists() if list_name is None else [list_name]:
            wanted = None if limit is None else limit - len(found)
            if wanted == 0:
                break
            found += store.read(self._space, name, offset, wanted)
            offset = max(0, offset - store.count(self._space, name)) if offset else 0
        return found

    def each(self, list_name: str | None = None) -> Iterator[FailureRecord]:
        """Every failure there is now, oldest first."""
        for name in self.lists() if list_name is None else [list_name]:
            yield from store.each(self._space, name)

    def find(self, record_id: str) -> FailureRecord | None:
        """The failure with this failure_id (or `sha1:` address), or with an id that alone begins so."""
        return self.find_all([record_id])[0]

    def find_all(self, record_ids: Sequence[str]) -> Found:
        """What `find` gives for each of these ids; the lists are read only once for all of them."""
        wanted = {one for one in record_ids if one}
        lengths = {len(one) for one in wanted}
        found: dict[str, Records] = {}
        for record in self.each() if wanted else ():
            own = record.id
            for start in {own[:length] for length in lengths} & wanted:
                found.setdefault(start, []).append(record)
        return [_only_one(one, found.get(one, [])) for one in record_ids]

    def search(self, text: str) -> Records:
        """The failures in whose record this text occurs."""
        return [one for one in self.each() if text in one.raw.decode("utf-8", "replace")]

    def next_attempt(self, failure: str | FailureRecord) -> NextAttempt | None:
        """The automatic attempt at the job of a failure that is still to come; None where there is none."""
        record = self._record(failure)
        return None if record is None else self.next_attempts([record])[0]

    def next_attempts(self, failures: Sequence[FailureRecord], *, thorough: bool = True) -> Attempts:
        """The same for each of these failures, in one go.

        Args:
            thorough: look at every delayed and waiting job if need be, not only at the first 20,000.
        """
        return next_attempts(self._space, self._registry, failures, thorough)

    def requeue(self, failure: str | FailureRecord) -> bool:
        """Put the job of a failure back on its queue; the record stays and is marked as retried.

        It is put back whatever else is to come: `next_attempt` tells whether it would run twice.

        What was put aside goes back where it came from, with its bytes as they were, once: a delayed job is
        delayed again and due at once, so that its hooks run anew.

        Returns:
            False if there is no such failure any more.

        Raises:
            NotAJob: the record holds nothing that could be put on a queue.
        """
        record = self._record(failure)
        if record is None:
            return False
        value = {**record.value, "retried_at": self._now(record.list_name)}
        if not record.value:
            raise NotAJob("this record is no JSON object: it can only be shown and removed")
        marked = encode(value, self._space.style)
        if record.aside is None:
            return store.requeue(self._space, record, marked, self._push(record)) == 1
        return self._requeue_aside(record, record.aside, marked)

    def bring_forward(self, failure: FailureRecord, attempt: NextAttempt) -> bool:
        """Let a delayed attempt at the job of a failure come now; the record is marked as retried.

        Returns:
            False if the failure is gone, or the attempt is delayed no more; then nothing is done.

        Raises:
            NotAJob: the attempt is not delayed, or not sure, or could not be put on a queue.
        """
        if attempt.state != "delayed" or not attempt.sure:
            raise NotAJob("only a delayed attempt can be brought forward, and one that is known for certain")
        try:
            ready = ready_item(attempt.place[1], self._registry, self._space.style)
        except MalformedPayload as error:
            raise NotAJob(f"its delayed job is none: {error}") from None
        keys, value = self._space.keys, {**failure.value, "retried_at": self._now(failure.list_name)}
        push: Effects = [
            ("SADD", keys.queues, ready.queue),
            ("RPUSH", keys.queue(ready.queue), ready.payload),
        ]
        marked = encode(value, self._space.style)
        return store.forward(self._space, failure, marked, attempt.place, push)

    def requeue_all(self) -> int:
        """Put every failed job of the backend's lists back, as Ruby does; returns how many.

        Those whose automatic attempt is still to come, too: they run twice.
        """
        return sum(self._requeue_list(name) for name in self._own_lists())

    def requeue_queue(self, queue: str) -> int:
        """Put every failed job of a queue back; returns how many."""
        if self._multi_queue:
            return self._requeue_list(self._known(queue))
        records = [one for one in store.each(self._space, "failed") if one.text("queue") == queue]
        return sum(self._requeued(one) for one in records)

    def remove(self, failure: str | FailureRecord) -> bool:
        """Remove a failure; False if there is no such failure any more."""
        record = self._record(failure)
        return record is not None and store.discard(self._space, record)

    def remove_queue(self, queue: str) -> int:
        """Remove every failure of a queue; returns how many."""
        if self._multi_queue:
            name = self._known(queue)
            removed = store.count(self._space, name)
            store.clear(self._space, name)
            return removed
        return self._remove([one for one in store.each(self._space, "failed") if one.text("queue") == queue])

    def clear(self, list_name: str | None = None) -> None:
        """Remove every failure, of the backend's lists or one."""
        for name in self._own_lists() if list_name is None else [list_name]:
            store.clear(self._space, name)

    def clear_retried(self, list_name: str | None = None) -> int:
        """Remove what has been put back, of the backend's lists or one; returns how many failures."""
        names = self._own_lists() if list_name is None else [list_name]
        records = (one for name in names for one in self.each(name))
        return self._remove([one for one in records if one.was_retried])

    def _own_lists(self) -> Names:
        return store.list_names(self._space) if self._multi_queue else ["failed"]

    def _remove(self, records: Records) -> int:
        removed = 0
        for name in {one.list_name for one in records}:
            raws = [one.raw for one in records if one.list_name == name]
            removed += store.remove(self._space, name, raws)
        return removed

    def _record(self, failure: str | FailureRecord) -> FailureRecord | None:
        return self.find(failure) if isinstance(failure, str) else failure

    def _requeue_list(self, name: str) -> int:
        records = list(store.each(self._space, name))
        # Ruby's multi-queue backend goes from the newest to the oldest.
        return sum(self._requeued(one) for one in (records if name == "failed" else reversed(records)))

    def _requeued(self, record: FailureRecord) -> int:
        try:
            return int(self.requeue(record))
        except NotAJob:
            return 0

    def _known(self, queue: str) -> str:
        name = f"{queue}_failed"
        self._space.link.execute("SADD", self._space.keys.failed_queues, name)
        return name

    def _now(self, list_name: str) -> str:
        return (
            times.failed_at(time.time())
            if list_name == "failed"
            else times.retried_at_without_zone(time.time())
        )

    def _push(self, record: FailureRecord) -> Effects:
        keys, queue = self._space.keys, record.text("queue")
        if not queue:
            raise NotAJob("this record names no queue: it can only be shown and removed")
        if not record.class_name:
            raise NotAJob("this record holds no job with a class: it can only be shown and removed")
        return [
            ("SADD", keys.queues, queue),
            ("RPUSH", keys.queue(queue), encode(_requeued(record.payload), self._space.style)),
        ]

    def _requeue_aside(self, record: FailureRecord, name: str, marked: bytes) -> bool:
        """Put back what was put aside; its list tells where it belongs."""
        if record.was_retried and record.class_name:
            raise NotAJob(f"its job was put back before, at {record.value['retried_at']}: the record can go")
        if name.startswith(RESTORABLE):
            answer = store.requeue(self._space, record, marked, second=int(time.time()))
        elif record.class_name:
            answer = store.requeue(self._space, record, marked, self._push(record))
        else:
            raise NotAJob("what was put aside is no job: it can only be shown and removed")
        if answer < 0:
            aside = self._space.keys.aside(self._space.keys.prefix + name)
            if answer == store.NOT_THERE:
                raise NotAJob(f"it is not in the list {aside} any more: it was put back before, or removed")
            raise NotAJob(f"it stays in {aside}: where it came from, a key holds something else than a list")
        return answer == 1


def _only_one(record_id: str, candidates: Records) -> FailureRecord | None:
    exact = [one for one in candidates if one.id == record_id] or candidates
    return exact[0] if len({one.raw for one in exact}) == 1 else None


def _requeued(payload: dict[str, Any]) -> dict[str, Any]:
    """The job as it goes back: class and args first as Ruby writes them, then whatever else it had.

    Args that are no list are spread as Ruby's splat does it. Ruby drops the further keys; a writer who put
    them there may need them.
    """
    args = payload.get("args")
    if isinstance(args, dict):
        args = [[key, value] for key, value in args.items()]
    elif args is None:
        args = []
    others = {key: value for key, value in payload.items() if key not in ("class", "args")}
    return {"class": payload["class"], "args": args if isinstance(args, list) else [args], **others}
