"""Failures: looking at them, putting their jobs back, removing them (docs/protocol/core.md#failures).

A record is addressed by its failure_id or, where it has none, by its bytes; its place in the list, which
moves while people look at it, only chooses among records with the same bytes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from msgspec import structs

from pyresque.client.delayed_item import ready_item
from pyresque.client.next_retry import NextAttempt, next_attempts
from pyresque.client.put_back import PutBack
from pyresque.errors import MalformedPayload, NotAJob
from pyresque.failure.copies import as_one, copies_of, grouped, identity, joined, with_copies
from pyresque.model.job_class import queue_for
from pyresque.model.registry import Registry
from pyresque.store import effects
from pyresque.store import failures as store
from pyresque.store.connection.link import Command
from pyresque.store.space import Space
from pyresque.usercode.safely import plain_name
from pyresque.wire.records import FailureRecord

if TYPE_CHECKING:
    from pyresque.client.failure_selection import FailureSelection
    from pyresque.client.looking import Groups as GroupsOf
    from pyresque.client.nearby_failures import Place
    from pyresque.client.selection import NameFilter, When

    Groups = GroupsOf[FailureRecord]

Records = list[FailureRecord]
Effects = list[Command]
Marks = list[tuple[FailureRecord, bytes]]
Names = list[str]
Flags = list[bool]
MaybeRecords = list[FailureRecord | None]
Attempts = list[NextAttempt | None]


class FailureFilters(TypedDict, total=False):
    """What `select` may be asked for."""

    class_name: NameFilter
    exception: NameFilter
    queue: NameFilter
    text: str | None
    since: When
    until: When
    retried: bool | None
    ids: NameFilter


class Failures:
    """All failure lists of one Resque: `failed`, and `Q_failed` of the multi-queue backend.

    What looks, looks at all of them. What clears or requeues many takes, where no list is named, those of
    the failure backend, as Ruby does: with several backends the same failure is in several lists. All its
    copies are marked, or go, together.
    """

    def __init__(self, space: Space, multi_queue: bool = False, registry: Registry | None = None) -> None:
        self._space = space
        self._multi_queue = multi_queue
        self._registry = Registry() if registry is None else registry
        self._put_back = PutBack(space, self.with_copies)

    def lists(self) -> Names:
        """The names of the failure lists: `failed` and every `Q_failed`."""
        return ["failed", *(name for name in store.list_names(self._space) if name != "failed")]

    def count(self, *, list_name: str | None = None, class_name: str | None = None) -> int:
        """How many failures there are, in all lists or one, of all classes or one."""
        names = self.lists() if list_name is None else [list_name]
        if class_name is None:
            return sum(store.count(self._space, name) for name in names)
        return sum(
            1 for name in names for record in store.each(self._space, name) if record.class_name == class_name
        )

    def list(self, offset: int = 0, limit: int | None = 20, *, list_name: str | None = None) -> Records:
        """Failures from `offset` on, oldest first; all lists one after the other, or one list."""
        records: Records = []
        for name in self.lists() if list_name is None else [list_name]:
            missing = None if limit is None else limit - len(records)
            if missing == 0:
                break
            records += store.read(self._space, name, offset, missing)
            offset = max(0, offset - store.count(self._space, name)) if offset else 0
        return records

    def each(self, list_name: str | None = None) -> Iterator[FailureRecord]:
        """Every failure there is now, oldest first."""
        for name in self.lists() if list_name is None else [list_name]:
            yield from store.each(self._space, name)

    def find(self, record_id: str) -> FailureRecord | None:
        """The failure with this failure_id (or `sha1:` address), or with an id that alone begins so."""
        return self.find_all([record_id])[0]

    def find_all(self, record_ids: Sequence[str]) -> MaybeRecords:
        """What `find` gives for each of these ids; the lists are read only once for all of them."""
        starts = {record_id for record_id in record_ids if record_id}
        lengths = {len(start) for start in starts}
        candidates: dict[str, Records] = {}
        for record in self.each() if starts else ():
            whole = record.id
            for start in {whole[:length] for length in lengths} & starts:
                candidates.setdefault(start, []).append(record)
        chosen = {start: _only_one(start, candidates.get(start, [])) for start in starts}
        known = iter(self.with_copies([record for record in chosen.values() if record is not None]))
        merged = {start: None if record is None else next(known) for start, record in chosen.items()}
        return [merged.get(record_id) for record_id in record_ids]

    def with_copies(self, failures: Sequence[FailureRecord]) -> Records:
        """These failures, each with its copies in other lists; the lists are read once for all of them."""
        records = [*failures]
        queues = {record.text("queue") for record in records}
        names = {
            "failed",
            *(record.list_name for record in records),
            *(f"{queue}_failed" for queue in queues),
        }
        there = [name for name in self.lists() if name in names]
        full = [name for name in there if len(there) > 1 and store.count(self._space, name)]
        if len(full) < 2:  # the rule, and then nothing has to be read
            return [structs.replace(record, copies=record.copies or ()) for record in records]
        return with_copies(records, (record for name in full for record in store.each(self._space, name)))

    def select(self, *, list_name: str | None = None, **filters: Unpack[FailureFilters]) -> FailureSelection:
        """Some of the failures, to look at and to act on: `select(exception="Timeout*").retry()`.

        Args:
            list_name: the list that is read; all of them unless it is given.
            filters: `class_name` (an Active Job's own), `exception` and `queue` are names, with `*` for any
                text, or several names. `text` is a text anywhere in the record. `since` and `until`, which
                are included, are moments, or timedeltas: `since=timedelta(hours=1)` is an hour ago.
                `retried` is whether its job was put back. `ids` are ids, or beginnings of just one id.

        Raises:
            InvalidSelection, InvalidTime: one of them cannot be understood.
        """
        from pyresque.client.failure_selection import FailureFilter, FailureSelection

        wanted = FailureFilter.of(**filters)
        return FailureSelection(self, self._space, self._put_back, wanted, list_name)

    def these(self, seen: Sequence[tuple[str, Place | None]]) -> FailureSelection:
        """The failures with these ids, without a look at all lists: for who has seen where they stood.

        Args:
            seen: ids, each with the list and the index where it stood (`list_name` and `index` of a record),
                or None. It is looked for there, else among the newest 20,000.
        """
        from pyresque.client.failure_selection import FailureFilter, FailureSelection

        return FailureSelection(self, self._space, self._put_back, FailureFilter.of(), None, seen)

    def groups(self, by: str = "class", *, most: int | None = None) -> Groups:
        """All failures, or the newest so many, in groups; the largest first.

        Args:
            by: `class`, `exception`, `frame`, `queue` or `hour` (in UTC).
        """
        return self.select().groups(by, most=most)

    def search(self, text: str) -> Records:
        """The failures in whose record this text occurs."""
        return [record for record in self.each() if text in record.raw.decode("utf-8", "replace")]

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
        """Put the job of a failure back on its queue; the record stays, and it and its copies are marked.

        It is put back even if a retry is still to come: `next_attempt` tells whether it would run twice.

        What was put aside goes back where it came from, with its bytes as they were, once: a delayed job is
        delayed again and due at once, so that its hooks run anew.

        Returns:
            False if there is no such failure any more.

        Raises:
            NotAJob: the record holds nothing that could be put on a queue.
        """
        record = self._record(failure)
        return record is not None and self._put_back.one(record)

    def retry_with(self, failure: str | FailureRecord, args: Any, *, queue: str | None = None) -> bool:
        """Put a job like that of a failure back, with other arguments; the failure is marked as retried.

        Its class, of an Active Job its whole hash, and the further keys of its payload stay as they are. The
        push and the mark are one step. As with `requeue`, a retry that is still to come is not stopped.

        Args:
            args: the new arguments: a list. What else Ruby accepts (a hash, one value) is spread as it does.
            queue: another queue than that of the failure.

        Returns:
            False if there is no such failure any more.

        Raises:
            NotAJob: the record holds no job, or the arguments cannot be written as JSON.
        """
        record = self._record(failure)
        queue = None if queue is None else queue_for(None, "", queue)
        return record is not None and self._put_back.edited(record, args, queue)

    def bring_forward(self, failure: FailureRecord, attempt: NextAttempt) -> bool:
        """Let a delayed attempt at the job of a failure come now; its records are marked as retried.

        Returns:
            False if the failure is gone, or the attempt is delayed no more; then nothing is done.

        Raises:
            NotAJob: the attempt is not delayed, or not sure, or could not be put on a queue.
        """
        if attempt.state != "delayed" or not attempt.sure:
            raise NotAJob("only a delayed attempt can be brought forward, and one that is known for certain")
        try:
            ready = ready_item(attempt.element[1], self._registry, self._space.style)
        except MalformedPayload as error:
            raise NotAJob(f"its delayed job is not a job: {error}") from None
        push = effects.push(self._space.keys, ready.queue, ready.payload)
        return store.forward(self._space, self._put_back.marks(failure), attempt.element, push)

    def requeue_all(self) -> int:
        """Put every failed job of the backend's lists back, as Ruby does; returns how many.

        Those whose automatic attempt is still to come, too: they run twice.
        """
        return sum(self._requeue_list(name) for name in self._own_lists())

    def requeue_queue(self, queue: str) -> int:
        """Put every failed job of a queue back; returns how many."""
        queue = plain_name(queue)
        if self._multi_queue:
            return self._requeue_list(self._known(queue))
        records = [record for record in store.each(self._space, "failed") if record.text("queue") == queue]
        return self._requeue_each(records)

    def remove(self, failure: str | FailureRecord) -> bool:
        """Remove a failure with its copies; False if there is no such failure any more."""
        record = self._record(failure)
        if record is None:
            return False
        copies = self.with_copies([record])[0].copies if record.copies is None else record.copies
        removed = store.discard(self._space, record)
        for copy in copies or () if removed else ():
            store.discard(self._space, copy)
        return removed

    def remove_all(self, failures: Sequence[FailureRecord]) -> Flags:
        """Remove many failures with their copies, in one pass; for each whether it was still there."""
        records = self.with_copies(failures)
        gone = self._gone(records)
        flags = []
        for record in records:
            flags.append(gone[record.list_name][record.raw] > 0)
            gone[record.list_name][record.raw] -= 1
        return flags

    def remove_queue(self, queue: str) -> int:
        """Remove every failure of a queue, with its copies in other lists; returns how many records."""
        queue = plain_name(queue)
        if self._multi_queue:
            name = self._known(queue)
            removed = store.count(self._space, name)
            self._clear([name])
            return removed
        doomed = [record for record in store.each(self._space, "failed") if record.text("queue") == queue]
        return self._remove(self.with_copies(doomed))

    def clear(self, list_name: str | None = None) -> None:
        """Remove every failure, of the backend's lists or one, with its copies in other lists."""
        self._clear(self._own_lists() if list_name is None else [list_name])

    def clear_some(self, left: Mapping[str, int], seconds: float) -> tuple[int, dict[str, int]]:
        """Remove the oldest failures of whole lists, for so many seconds.

        Args:
            left: the lists, with how many of each are meant. Copies in other lists stay.

        Returns:
            How many were removed, and how many are left of each list.
        """
        end = time.monotonic() + seconds
        done, rest = 0, {}
        for name, most in left.items():
            removed = store.clear(self._space, name, most, end - time.monotonic())
            is_done = time.monotonic() < end or removed >= most
            rest[name] = 0 if is_done else most - removed
            done += removed
        return done, rest

    def clear_retried(self, list_name: str | Sequence[str] | None = None) -> int:
        """Remove what has been put back, of the backend's lists, or one, or several; returns how many.

        Where one copy of a failure was put back, all of them go.
        """
        names = [list_name] if isinstance(list_name, str) else list_name or self._own_lists()
        full = [name for name in self.lists() if store.count(self._space, name)]
        if set(full) <= set(names) and len(full) < 2:
            return self._remove(
                joined(record for name in full for record in self.each(name) if record.was_retried)
            )
        marked = {identity(record) for name in full for record in self.each(name) if record.was_retried}
        groups = grouped(record for name in full for record in self.each(name) if identity(record) in marked)
        records = [as_one(group) for group in groups if any(record.list_name in names for record in group)]
        return self._remove([record for record in records if record.was_retried])

    def _own_lists(self) -> Names:
        return store.list_names(self._space) if self._multi_queue else ["failed"]

    def _clear(self, names: Names) -> None:
        others = [name for name in self.lists() if name not in names and store.count(self._space, name)]
        going = (
            Counter(identity(record) for name in names for record in self.each(name)) if others else Counter()
        )
        for name in others:
            store.remove(self._space, name, copies_of(going, self.each(name)))
        for name in names:
            store.clear(self._space, name)

    def _remove(self, records: Records) -> int:
        """Remove failures with the copies that are known; returns how many records."""
        return sum(counts.total() for counts in self._gone(records).values())

    def _gone(self, records: Records) -> dict[str, Counter[bytes]]:
        doomed: dict[str, Records] = {}
        for record in records:
            for copy in (record, *(record.copies or ())):
                doomed.setdefault(copy.list_name, []).append(copy)
        return {name: store.remove(self._space, name, those) for name, those in doomed.items()}

    def _record(self, failure: str | FailureRecord) -> FailureRecord | None:
        return self.find(failure) if isinstance(failure, str) else failure

    def _requeue_list(self, name: str) -> int:
        records = list(store.each(self._space, name))
        # Ruby's multi-queue backend goes from the newest to the oldest.
        return self._requeue_each(records if name == "failed" else records[::-1])

    def _requeue_each(self, records: Records) -> int:
        return self._put_back.many(self.with_copies(joined(records))).count("done")

    def _known(self, queue: str) -> str:
        name = f"{queue}_failed"
        store.make_known(self._space, name)
        return name


def _only_one(record_id: str, candidates: Records) -> FailureRecord | None:
    exact = [record for record in candidates if record.id == record_id] or candidates
    return as_one(grouped(exact)[0]) if len({identity(record) for record in exact}) == 1 else None
