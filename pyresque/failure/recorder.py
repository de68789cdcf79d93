"""Recording failures with whatever backend there is, so that no failed job is ever without a record."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyresque.failure.backend import Backend, Failure, effects_of
from pyresque.failure.describe import error_name, whole_message
from pyresque.failure.redis import Redis
from pyresque.log import Log
from pyresque.store.connection.link import Command
from pyresque.store.effects import put_aside
from pyresque.store.space import Space
from pyresque.usercode.calling import call
from pyresque.usercode.safely import tried
from pyresque.wire.aside_links import RESTORABLE, link_to, pointer

logger = Log("pyresque.failure")


@dataclass(frozen=True)
class Recorder:
    """The failure backend of one Resque, and whether its failures get ids."""

    space: Space
    backend: Backend
    failure_ids: bool = True

    def new_id(self) -> str | None:
        """A failure_id as Ruby 3.1 makes it, a random UUID in lower case; None where ids are off."""
        return str(uuid.uuid4()) if self.failure_ids else None

    def failure(
        self,
        error: BaseException,
        payload: bytes,
        worker_id: str,
        queue: str | None,
        backtrace: Sequence[str] = (),
    ) -> Failure:
        """What is recorded of an error; `payload` is the job as JSON, empty where there is none."""
        name, text = error_name(error), whole_message(error)
        return Failure(payload, name, text, list(backtrace), worker_id, queue, self.new_id())

    def save(self, failure: Failure) -> bool:
        """Tell the user's own backend; whether it has saved the failure."""
        _, error = tried(call, self.backend.save, failure)
        if error is not None:
            logger.exception("Received exception when reporting failure: %s", error, exc_info=error)
        return error is None

    def effects(self, failure: Failure, saved: bool = True) -> list[Command]:
        """The commands that record the failure in Redis; in `failed` if no backend has saved it."""
        effects = effects_of(self.backend, failure, self.space.keys, self.space.style)
        if effects or (effects is not None and saved and type(self.backend) is not Backend):
            return effects
        return Redis().effects(failure, self.space.keys, self.space.style)

    def aside(self, key: str, raw: bytes, failure: Failure) -> list[Command]:
        """The commands that put bytes aside that cannot be in this (full) key, and record a failure for them.

        The record is in Redis in any case, for it alone leads to the bytes. Without a payload it shows them.
        """
        keys, style = self.space.keys, self.space.style
        name = key.removeprefix(keys.prefix)
        link, back = link_to(name, raw), bool(failure.payload) or name.startswith(RESTORABLE)
        error = f"{failure.error}. The bytes lie in the list {keys.aside(key)}"
        error += "; `pyresque failed retry` puts them back" if back else ""
        linked = (
            replace(failure, error=error, aside=link)
            if failure.payload
            else replace(failure, error=error, payload=pointer(link, raw, style))
        )
        recorded = self.effects(linked, self.save(linked)) or Redis().effects(linked, keys, style)
        return [*put_aside(keys, key, raw), *recorded]
