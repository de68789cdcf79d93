"""What becomes of code of the application that gets no answer from Redis."""

from __future__ import annotations

from pyresque.errors import RedisUnavailable


class HookTries:
    """How often something is tried that gets no answer from Redis, though we get one.

    A Redis that is away for a second must not cost a job. But one that never answers, because the
    application has another than we have, must not keep everything behind this up.
    """

    MOST = 5

    def __init__(self) -> None:
        self._thing: object = None
        self._left = 0

    def another(self, about: object, error: BaseException) -> bool:
        """Whether this is worth another try; only one thing is tried at a time."""
        if not issubclass(type(error), RedisUnavailable):  # what it says of its class itself is its own code
            return False
        if about != self._thing:
            self._thing, self._left = about, self.MOST
        self._left -= 1
        return self._left > 0
