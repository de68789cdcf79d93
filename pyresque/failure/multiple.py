"""Several backends at once."""

from __future__ import annotations

from pyresque.errors import BackendError
from pyresque.failure.backend import Backend, Failure, effects_of
from pyresque.failure.describe import error_message, error_name
from pyresque.failure.redis import Redis, RedisMultiQueue
from pyresque.keys import Keys
from pyresque.store.connection.link import Command
from pyresque.usercode.calling import call
from pyresque.usercode.safely import name_of, tried
from pyresque.wire.encoding import Style
from pyresque.wire.ruby_inspect import inspect


class Multiple(Backend):
    """Every failure to each of these backends, all with the same failure_id.

    See docs/protocol/core.md#several-backends.
    """

    def __init__(self, *backends: Backend) -> None:
        self.backends = backends

    def save(self, failure: Failure) -> None:
        """Save to each; one that raises does not stop the others.

        Raises:
            BackendError: some raised; the text names them as Ruby does.
        """
        texts = []
        for backend in self.backends:
            _, error = tried(call, backend.save, failure)
            if error is not None:
                texts.append(f"{name_of(type(backend))}:{error_name(error)}:{inspect(error_message(error))}")
        if texts:
            raise BackendError("Some backends raise error: " + "; ".join(texts))

    def effects(self, failure: Failure, keys: Keys, style: Style) -> list[Command]:
        """What all of them do in Redis."""
        return [
            effect for backend in self.backends for effect in effects_of(backend, failure, keys, style) or ()
        ]


def keeps_lists_per_queue(backend: Backend) -> bool:
    """Whether the failures to clear and requeue are in `Q_failed`, not in `failed`.

    Of several backends the first that has lists decides (docs/protocol/core.md#several-backends).
    """
    several = backend.backends if isinstance(backend, Multiple) else (backend,)
    first = next((backend for backend in several if isinstance(backend, Redis | RedisMultiQueue)), None)
    return isinstance(first, RedisMultiQueue)
