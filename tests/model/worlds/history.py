"""What is counted by class: each job once, whatever is lost, repeated or late."""

from __future__ import annotations

from typing import Any

from pyresque import Resque
from pyresque.client.ruby_jobs import look_at_ruby
from pyresque.worker.tally import Tally
from tests.model.actor import Me, Program
from tests.model.cast import calls, client
from tests.model.world import Final, World

RUBY = "web:1:jobs"


def _tells(name: str) -> Program:
    """The end of a worker that has done two jobs of a class, one of which has failed; it tells twice."""

    def program(me: Me) -> Any:
        tally = Tally(client().space, is_on=True, short=0)
        for failed in (False, True):
            tally.ended[name, failed] += 1
            tally.tell(is_leaving=True)
        return sum(tally.ended.values()) - sum(tally.told.values())

    return program


def _rubys(resque: Resque) -> None:
    """A Ruby worker at work, and jobs that have been done."""
    resque.link.execute("SADD", "resque:workers", RUBY)
    resque.link.execute(
        "SET", f"resque:worker:{RUBY}", b'{"queue":"jobs","payload":{"class":"Mail","args":[]}}'
    )
    resque.link.execute("SET", "resque:stat:processed", 7)


def _counted_once(final: Final) -> None:
    """None counts twice. What a worker knows to have told is counted, and all is where nothing went wrong."""
    counts = {}
    for day in final.before.keys("pyresque:counts:"):
        for field, value in final.before[day]:
            counts[field.decode()] = [int(number) for number in value.split()[:2]]
    for name, class_name in {"a": "Good", "b": "Other"}.items():
        if name not in final.results:
            continue
        processed, failed = counts.get(f"python {class_name}", [0, 0])
        assert max(processed, 2 * failed) <= 2, f"{class_name} counts twice: {processed}, {failed}"
        untold = final.results[name]
        if isinstance(untold, int):
            assert processed >= 2 - untold, f"{class_name} is said to be told: {processed}"
        if final.is_calm:
            assert (processed, failed) == (2, 1), f"{class_name} is not counted"
    seen, _ = counts.get("ruby Mail", [0, 0])
    assert seen <= 1, "a job of Ruby's was seen by two, and counts twice"
    assert seen or not final.is_calm, "a job of Ruby's was not seen"
    of_day = [value for _, value in final.before["pyresque:history:day"]]
    assert sum(int(value.split()[1]) for value in of_day) <= 2, of_day


WORLDS = [
    World(
        "workers that tell what they have done, and two who look at Ruby",
        calls(_rubys),
        {
            "a": _tells("Good"),
            "b": _tells("Other"),
            "c": calls(lambda resque: look_at_ruby(resque.space)),
            "d": calls(lambda resque: look_at_ruby(resque.space)),
        },
        _counted_once,
        faults=(0, 1),
    ),
    World(
        "a worker that tells what it has done, and somebody who looks at Ruby",
        calls(_rubys),
        {"a": _tells("Good"), "c": calls(lambda resque: look_at_ruby(resque.space))},
        _counted_once,
        faults=(1, 2),
    ),
]
