"""Jobs and hooks that change their arguments, for test_arguments.py."""

import os

from pyresque import Retry, job

IN_LOOP = os.environ.get("MODE") == "async"


def spoil(what, items, options):
    if what == "clear":
        items.clear()
        options.clear()
    elif what == "add":
        items.append("added")
        options["token"] = "added"
    elif what == "cycle":
        items.append(items)
        options["self"] = options
    elif what == "deep":
        inner = items
        for _ in range(5000):
            inner.append([])
            inner = inner[-1]
    elif what == "object":
        items.append(object())
        options[5] = {1, 2}


class Identifies(Retry):
    """A retry whose `identify` spoils the arguments, too."""

    def identifier(self, args):
        found = super().identifier(args)
        spoil(*args)
        return found


def made(name, place, retry=None, fails=True):
    """A job that spoils its arguments there, and fails or is done."""

    def perform(what, items, options):
        if place == "identify" and (items, options) != ([1, [2], {"a": None}], {"k": [1], "n": {"m": 1}}):
            raise AssertionError("the arguments of the job are spoiled")
        if place == "perform":
            spoil(what, items, options)
        if fails:
            raise LookupError("as planned")

    async def perform_in_loop(what, items, options):
        perform(what, items, options)

    class Spoils:
        @staticmethod
        def on_failure(error, what, items, options):
            if place == "on_failure":
                spoil(what, items, options)

        @staticmethod
        def before_perform(what, items, options):
            if place == "before_perform":
                spoil(what, items, options)

        @staticmethod
        def always(what, items, options):
            if place == "always":
                spoil(what, items, options)

    Spoils.perform = staticmethod(perform_in_loop if IN_LOOP else perform)  # type: ignore[attr-defined]
    job(queue="q", name=name, retry=retry)(Spoils)


PLACES = ("before_perform", "perform", "on_failure", "always", "identify")
WHATS = ("clear", "add", "cycle", "deep", "object")

for place in PLACES:
    made(f"Fails_{place}", place)
    made(f"Done_{place}", place, fails=False)
    kind = Identifies if place == "identify" else Retry
    made(f"Later_{place}", place, kind(limit=3, backoff=[600]))
    made(f"Again_{place}", place, kind(limit=2, backoff=0))
