"""`pyresque schedule set`, `remove`, `disable`: what is asked, what is refused, and what they say."""

import json

import pytest


@pytest.mark.parametrize(
    ("entry", "told"),
    [('{"class": "R", "cron": "61 * * * *", "queue": "q"}', "61"),
     ('{"class": "R", "every": "1h"}', "no queue"),
     ("no json", "not JSON"), ("[]", "must be a mapping"), ("[" * 100_000, "not JSON")],
)  # fmt: skip
def test_schedule_set_refuses_with_the_reason(stage, run, entry, told):
    """And writes nothing."""
    assert told in run("schedule", "set", "bad", entry, status=1)
    assert stage.keys() == []


def test_set_over_an_entry_asks_and_shows_both(stage, console):
    """A new one is written without a question; the same again changes nothing."""
    old, new = (f'{{"class":"A","every":"{hours}h","queue":"q"}}' for hours in (1, 2))
    stored = ("HGET", "resque:persistent_schedules", "a")
    assert console.shown("schedule", "set", "a", old, "--dry-run").startswith("would set the entry a, next ")
    assert stage.redis(*stored) is None
    assert console.shown("schedule", "set", "a", old).startswith("set a; next ")
    assert console.shown("schedule", "set", "a", old).startswith("a is like that already; next ")
    for words, answer, code in ((["--dry-run"], "", 0), ([], "n\n", 1), ([], "", 1)):
        done = console.run("schedule", "set", "a", new, *words, answer=answer)
        assert done.exit_code == code
        assert done.stdout.startswith(f"old  {old}\nnew  {new}\n")
        assert stage.redis(*stored) == old.encode()
    assert console.run("schedule", "set", "a", new, answer="y\n").exit_code == 0
    assert stage.redis(*stored) == new.encode()
    assert console.run("schedule", "set", "a", old, "--yes").exit_code == 0
    assert stage.redis(*stored) == old.encode()


def test_remove_asks_and_shows_what_goes(stage, console):
    """Also an entry that is broken; a name that is not there is told, and the others go."""
    stage.redis("HSET", "resque:persistent_schedules", "a", '{"class":"A"}', "b\x1b", b"\xff no json")
    order = "remove 2 entries of the schedule (a, b\\x1b)"
    done = console.run("schedule", "remove", "a", "b\x1b", "nobody", "--dry-run")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, f"would {order}")
    assert 'a  {"class":"A"}' in done.stdout
    assert "there is no entry nobody" in done.stderr
    assert console.run("schedule", "remove", "a", answer="n\n").exit_code == 1
    assert stage.redis("HLEN", "resque:persistent_schedules") == 2
    assert console.run("schedule", "remove", "a", "b\x1b", answer="y\n").exit_code == 0
    assert stage.redis("HLEN", "resque:persistent_schedules") == 0


def test_a_schedule_with_an_empty_name_is_told(run):
    """`--schedule "$UNSET"` starts no scheduler without its schedule."""
    assert "cannot read the schedule" in run("scheduler", "--schedule", "", status=2)


def test_set_notes_a_key_that_looks_like_a_slip(stage, console):
    """It is stored, for it may be for somebody else, and whoever typed it hears of it."""
    entry = '{"class":"R","cron":"0 3 * * *","queue":"q","tz":"Europe/Berlin"}'
    done = console.run("schedule", "set", "nightly", entry)
    assert done.stdout.startswith("set nightly; next ")
    assert (
        done.stderr
        == "Note: nothing reads tz: the zone stands in the cron text, as in '0 3 * * * Europe/Berlin'\n"
    )


def test_schedule_disable_and_enable(stage, run):
    """An entry is switched off and on; its next run is told accordingly."""
    run("schedule", "set", "a", '{"class": "A", "every": "1h", "queue": "q", "rails_env": "production"}')
    before = stage.resque.stored_schedule()
    assert run("schedule", "disable", "a") == "switched off a\n"
    assert run("schedule", "disable", "a") == "a is off already\n"
    shown = json.loads(run("schedule", "list", "--json").splitlines()[0])
    assert (shown["next"], shown["runs_here"]) == (None, False)
    assert run("schedule", "enable", "a") == "switched on a\n"
    assert run("schedule", "enable", "a") == "a is on already\n"
    assert stage.resque.stored_schedule() == before
    assert "no entry b in Redis" in run("schedule", "disable", "b", status=1)
