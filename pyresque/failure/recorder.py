"""Recording failures with whatever backend there is, so that no failed job is ever without a record."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from pyresque.failure.backend import Backend, Failure
from pyresque.failure.redis import Redis
from pyresque.store.link import Command
from pyresque.store.space import Space

logger = logging.getLogger("pyresque.failure")


@dataclass(frozen=True)
class Recorder:
    """The failure backend of one Resque, and whether its failures get ids."""

    space: Space
    backend: Backend
    failure_ids: bool = True

    def new_id(self) -> str | None:
        """A failure_id as Ruby 3.1 makes it, a random UUID in lower case; None where ids are off."""
        return str(uuid.uuid4()) if self.failure_ids else None

    def save(self, failure: Failure) -> bool:
        """Tell the user's own backend; whether it has saved the failure."""
        try:
            self.backend.save(failure)
        except Exception as error:
            logger.exception("Received exception when reporting failure: %s", error)
            return False
        return True

    def effects(self, failure: Failure, saved: bool = True) -> list[Command]:
        """The commands that record the failure in Redis; in `failed` if no backend has saved it."""
        effects = self.backend.effects(failure, self.space.keys, self.space.style)
        if effects or (saved and type(self.backend) is not Backend):
            return effects
        return Redis().effects(failure, self.space.keys, self.space.style)
