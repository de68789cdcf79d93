"""Every interleaving and every fault in small worlds: nothing lost, nothing doubled, nothing left behind.

What is played is described in `explorer.py`; who acts, and what must be true, in `worlds/`. The long run is

    python -m tests.model long

and what has failed is played again, step by step, with

    python -m tests.model replay 'NAME: STEPS'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pyresque.testing.redis_server import DevRedis, running
from tests.model.explorer import Wrong
from tests.model.mutants import Mutant, is_found, mutants_of
from tests.model.programme import WORLDS, explored, named
from tests.model.states import scripts
from tests.model.summary import PLAYED
from tests.model.world import Final, World


@pytest.fixture(scope="module")
def own_server() -> Iterator[DevRedis]:
    """A server that nobody else uses: each state is loaded into it over and over."""
    with running() as server:
        yield server


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_whatever_happens_everything_is_as_it_must_be(
    world: World, own_server: DevRedis, record_property: Callable[[str, object], None]
) -> None:
    """Every order of the commands, with as many faults as the world has in a short run."""
    with explored(world, own_server.url) as explorer:
        count = explorer.explore(world.faults[0])
    record_property(PLAYED, [count.runs, count.moments])
    assert count.runs >= count.ends >= 1


def test_every_script_is_in_a_world(own_server: DevRedis) -> None:
    """Its actors run it, and not only those who come before and behind them; it takes no fault for that."""
    unused = set(scripts())
    for world in WORLDS:
        with explored(world, own_server.url) as explorer:
            for seed in range(10):
                explorer.walk(seed, faults=0)
            unused -= explorer.stage.redis.used
    # What two workers with one id do to each other takes an order that hardly any run has.
    replaced = "a worker that stood still, and is replaced under its id"
    with explored(named(replaced), own_server.url) as explorer:
        explorer.explore(0)
        unused -= explorer.stage.redis.used
    assert not unused


def test_what_is_wrong_is_found_and_can_be_played_again(own_server: DevRedis) -> None:
    """A claim that is false is refuted by a run, and that run refutes it again."""

    def nobody_dies(final: Final) -> None:
        assert not final.dead or final.after.failures() == [], "somebody died, and his job has failed"

    world = replace(named("two workers"), check=nobody_dies)
    with explored(world, own_server.url) as explorer:
        with pytest.raises(Wrong) as found:
            explorer.explore(1)
        steps: list[str] = []
        with pytest.raises(Wrong) as again:
            explorer.replay(found.value.path, steps.append)
    assert again.value.reason == found.value.reason
    assert len(steps) == len(found.value.path)
    assert any("the process is killed" in step for step in steps)
    assert f"two workers: {' '.join(found.value.path)}" in str(found.value)


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_chooses_a_run(seed: int, own_server: DevRedis) -> None:
    """Runs with more faults than can be explored; the same seed is the same run."""
    with explored(named("two clients and a worker"), own_server.url) as explorer:
        assert explorer.walk(seed, faults=6) == explorer.walk(seed, faults=6)


SAMPLE = [
    ("one worker tries at once", Mutant("settle", "settled > ", "settled - 1 == ")),
    ("one worker, three jobs", Mutant("reserve", "redis.call('SET', KEYS[1], record)", "")),
    ("a client alone", Mutant("once", "if kept then", "if false then")),
]
"""Wrong lines: a late repetition settles another attempt; a job is nowhere; a job is pushed twice."""


@pytest.mark.parametrize(("world", "mutant"), SAMPLE, ids=str)
def test_a_script_with_a_wrong_line_is_found_out(world: str, mutant: Mutant, own_server: DevRedis) -> None:
    """`python -m tests.model.mutants` tries every line of every script; this is a sample."""
    assert is_found(mutant, [named(world)], own_server.url)


def test_mutants_are_made_of_every_line_that_does_something() -> None:
    """Deleted, negated, compared otherwise."""
    assert {(one.old.strip(), one.new.strip()) for one in mutants_of("unlock")} >= {
        ("if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end", ""),
        ("redis.call('UNLINK', KEYS[2])", ""),
    }
