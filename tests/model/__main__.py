"""Play the worlds from the command line.

python -m tests.model                            every world, with few faults
python -m tests.model long                       with more of them, and runs that chance chooses
python -m tests.model long 'two workers'         only this world
python -m tests.model replay 'two workers: 0 0l' one run, step by step
"""

from __future__ import annotations

import os
import sys

from pyresque.testing.redis_server import running
from tests.model.explorer import Wrong
from tests.model.programme import WORLDS, explored, named, play


def main(arguments: list[str]) -> int:
    """Play what is asked for; 1 if something is wrong."""
    mode, *rest = arguments or ["short"]
    try:
        if mode == "replay":
            replay(rest[0])
        else:
            seed = int(os.environ.get("PYRESQUE_MODEL_SEED", "1"))
            worlds = [named(name) for name in rest] or WORLDS
            play(worlds, mode == "long", seed, lambda text: print(text, flush=True))
    except Wrong as wrong:
        print(wrong)
        return 1
    return 0


def replay(text: str) -> None:
    """Play one run and print its steps.

    Raises:
        Wrong: it ends as it must not.
    """
    name, _, path = text.partition(": ")
    with running() as server, explored(named(name), server.url) as explorer:
        explorer.replay(path.split(), print)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
