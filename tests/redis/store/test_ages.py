"""Since when something is as it is: by what whoever looked before has noted."""

from pyresque.store import ages

KEY = "resque:pyresque:test_ages"


def test_an_age_goes_on_as_long_as_nothing_changes(resque):
    assert ages.since(resque.space, KEY, {"a": b"x", "b": b"y", "c": None}, 100) == {"a": 100, "b": 100}
    assert ages.since(resque.space, KEY, {"a": b"x", "b": b"z"}, 160) == {"a": 100, "b": 160}
    assert ages.since(resque.space, KEY, {"a": None, "b": b"z"}, 170) == {"b": 160}
    assert ages.since(resque.space, KEY, {"a": b"x"}, 180) == {"a": 180}  # it was gone meanwhile
    assert 0 < resque.link.execute("TTL", KEY) <= ages.MEMORY


def test_of_what_is_seen_for_the_first_time_a_moment_may_be_known(resque):
    first = {"a": 40.0, "b": 50.0}
    assert ages.since(resque.space, KEY, {"a": b"x"}, 100, first) == {"a": 40}
    assert ages.since(resque.space, KEY, {"a": b"y", "b": b"x"}, 200, first) == {"a": 200, "b": 50}


def test_a_note_of_a_moment_to_come_or_of_another_form_does_not_count(resque):
    ages.since(resque.space, KEY, {"a": b"x", "b": b"x"}, 1_000)
    resque.link.execute("HSET", KEY, "b", b"\xff nonsense")
    assert ages.since(resque.space, KEY, {"a": b"x", "b": b"x"}, 500) == {"a": 500, "b": 500}


def test_where_nothing_can_be_noted_nothing_is_known(resque):
    resque.link.execute("SET", KEY, "of somebody else")
    assert ages.since(resque.space, KEY, {"a": b"x"}, 100) == {}
    assert ages.since(resque.space, KEY, {}, 100) == {}
