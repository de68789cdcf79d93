"""What a reply must look like, and how it proves to be the one to its command."""

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import RedisError, RedisRefused, RedisReplied, RedisUnavailable
from pyresque.store import delayed, failures, locks, master, queues, reservation, schedules, stats, workers
from pyresque.store.connection.replies import (
    ErrorReply,
    RoundTrip,
    anything,
    cases,
    data,
    digits,
    either,
    exactly,
    expected,
    fraction,
    integer,
    many,
    maybe,
    new_word,
    number,
    pairs,
    row,
    words,
)
from pyresque.store.script import Script
from pyresque.store.space import Space

VALUES = [
    None, True, False, 0, 1, -1, 7, 1.5, b"", b"OK", b"x", b"12", b"PONG", [], [b"x"], [b"x", b"y"], [1, 2],
    [None], [[b"x"]], {}, {b"a": 1}, {b"proto": 3}, ErrorReply("ERR x"), [ErrorReply("ERR x")],
    hiredis.PushNotification([b"invalidate"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "fitting"),
    [
        (anything, VALUES),
        (data, [b"", b"OK", b"x", b"12", b"PONG"]),
        (integer(), [0, 1, -1, 7]),
        (integer(0), [0, 1, 7]),
        (integer(0, 1), [0, 1]),
        (exactly(b"OK"), [b"OK"]),
        (exactly(1), [1]),
        (maybe(data), [None, b"", b"OK", b"x", b"12", b"PONG"]),
        (either(integer(0), digits), [0, 1, 7, b"12"]),
        (words, [[], [b"x"], [b"x", b"y"]]),
        (many(data, 1), [[b"x"]]),
        (pairs, [[], [b"x", b"y"]]),
        (row(data, data), [[b"x", b"y"]]),
        (row(data, rest=data), [[b"x"], [b"x", b"y"]]),
        (cases(x=row(data, data)), [[b"x", b"y"]]),
        (digits, [b"12"]),
        (fraction, [b"12"]),
    ],
)
def test_forms(check, fitting):
    """Each form takes its own and nothing else: no truth for a number, no message for a list."""
    assert [repr(one) for one in VALUES if check(one)] == [repr(one) for one in fitting]


@pytest.mark.parametrize(
    ("command", "right", "wrong"),
    [
        (("GET", "x"), b"x", 1),
        (("get", "x"), None, []),
        ((b"SET", b"x", b"1"), b"OK", None),
        (("SET", "x", 1, "EX", 5, "NX"), None, b"x"),
        (("SET", "x", 1, b"nx"), b"OK", 1),
        (("MGET", "x", "y"), [b"x", None], [b"x"]),
        (("HGETALL", "x"), [b"a", b"b"], [b"a"]),
        (("SISMEMBER", "x", "y"), 1, 2),
        (("LLEN", "x"), 5, -1),
        (("TIME",), [b"1764460800", b"5"], [b"1", b"5"]),
        (("TTL", "x"), -2, -3),
        (("PING",), b"PONG", b"OK"),
        (("HELLO", 3), {b"proto": 3}, {b"proto": 2}),
        (("CLIENT", "TRACKING", "ON"), b"OK", 1),
        (("CLIENT", "SETNAME", "x"), b"OK", b"x"),
        (("CLIENT", "LIST"), b"id=1", [b"id=1"]),
        (("CLIENT", "KILL", "TYPE", "normal"), 3, None),
        (("SELECT", 3), b"OK", b"QUEUED"),
        (("SCAN", 0), [b"0", [b"k"]], [b"0", b"k"]),
        (("DEBUG", "x"), {b"any": b"thing"}, None),
    ],
)
def test_the_reply_to_a_command_has_its_form(command, right, wrong):
    """Whatever words it is written in."""
    assert expected(command)(right)
    assert expected(command) is anything or not expected(command)(wrong)


def test_numbers_in_texts():
    """What Redis takes for an integer; nothing else ends anybody."""
    assert [number(raw) for raw in (None, b"", b"12", b"-3", b"x", b"1" * 5000, b"1.5")] == [
        0,
        0,
        12,
        -3,
        0,
        0,
        0,
    ]


# --- a round trip --------------------------------------------------------------------------------------


def read(trip, *replies, in_step=True):
    return trip.read(list(replies), "here", in_step=in_step)


def test_replies_are_proved_by_the_word_behind_them():
    """Ours, in its place, and everything in its form."""
    trip = RoundTrip([("GET", "x"), ("LLEN", "y")])
    *sent, (echo, word) = trip.sent
    assert (sent, echo) == ([("GET", "x"), ("LLEN", "y")], "ECHO")
    assert read(trip, b"x", 3, word) == [b"x", 3]
    for replies in ([b"z", b"x", 3], [b"x", 3, b"other"], [b"x", word, 3], [1, 3, word], [b"x", 3, None]):
        with pytest.raises(RedisUnavailable, match="not an answer") as caught:
            read(trip, *replies)
        assert caught.value.maybe_done


def test_what_comes_behind_a_proved_reply_does_not_harm_it():
    """The link closes the connection then."""
    trip = RoundTrip([("GET", "x")])
    assert read(trip, b"x", trip.sent[-1][1], in_step=False) == [b"x"]


def test_errors_stand_in_their_places():
    """With what they mean; the word behind them proves them, too."""
    trip = RoundTrip([("GET", "x"), ("GET", "y")])
    first, second = read(trip, ErrorReply("WRONGTYPE x"), ErrorReply("NOPERM x"), trip.sent[-1][1])
    assert (type(first), type(second)) == (RedisReplied, RedisRefused)


def test_a_server_that_answers_nothing_but_errors_is_believed():
    """While it loads it echoes nothing either."""
    trip = RoundTrip([("GET", "x")])
    (only,) = read(trip, ErrorReply("LOADING x"), ErrorReply("LOADING x"))
    assert isinstance(only, RedisUnavailable)
    assert not only.maybe_done


@pytest.mark.parametrize("text", ["ERR whatever", "WRONGTYPE x", "LOADING x", ""])
def test_a_reply_without_its_word_is_in_doubt(text):
    """An error in the place of the word proves nothing of the reply before it."""
    trip = RoundTrip([("SET", "x", 1)])
    with pytest.raises(RedisUnavailable) as caught:
        read(trip, b"OK", ErrorReply(text))
    assert caught.value.maybe_done


@pytest.mark.parametrize(
    "text",
    [
        "ERR unknown command 'ECHO', with args beginning with: ",
        "NOPERM this user has no permissions to run the 'echo' command",
    ],
)
def test_where_nothing_is_echoed_it_goes_without(text):
    """Then a reply too many is seen only if it has come already."""
    trip = RoundTrip([("GET", "x")])
    assert read(trip, b"x", ErrorReply(text)) == [b"x"]
    assert not trip.has_proof
    again = RoundTrip([("GET", "x")], echoes=False)
    assert list(again.sent) == [("GET", "x")]
    assert read(again, b"x") == [b"x"]
    with pytest.raises(RedisUnavailable):
        read(again, b"x", in_step=False)


def test_words_are_never_used_twice():
    """By nobody."""
    assert len({new_word() for _ in range(1000)}) == 1000


# --- any reply to anything -------------------------------------------------------------------------------

SCRIPTS = {
    one.name: one
    for module in (delayed, failures, locks, master, queues, reservation, schedules, stats, workers)
    for one in vars(module).values()
    if isinstance(one, Script)
}

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=8),
    st.sampled_from([b"job", b"held", b"look", b"more", b"queues", b"none", b"done", b"settled", b"OK"]),
)  # fmt: skip
replies = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.binary(max_size=3), inner, max_size=2)
    ),
    max_leaves=8,
)


class Answering:
    """A link that answers every script with this, as if it were right."""

    address, place, let_in, deadline = "here", "here/0", True, float("inf")

    def __init__(self, reply):
        self.reply = reply

    def forget(self, key):
        """No token is kept here."""

    def execute(self, *command, check=None):
        word = command[-1]
        answer = [word, self.reply]
        if not check(answer):
            raise RedisUnavailable("strange", maybe_done=True)
        return answer


@pytest.mark.parametrize("name", SCRIPTS)
@given(reply=replies)
def test_a_script_hands_out_only_answers_of_its_form(name, reply):
    """Anything else is an error of ours: nobody stumbles over it later."""
    script = SCRIPTS[name]
    try:
        found = script.run(Space(Answering(reply)), ["k"], ["a"])
    except RedisError:
        return
    assert script._form(found)


@given(reply=replies)
def test_any_answer_to_a_reservation_is_understood_or_refused(reply):
    """What has the right form can be read to its end."""
    for read_it, script in (
        (lambda reply: reservation.Answer.of(reply, 0), reservation._reserve),
        (reservation.Settled.of, reservation._settle),
    ):
        if script._form(reply):
            read_it(reply)  # type: ignore[call-arg]


def test_every_script_is_looked_at_here():
    """Each .lua file that is sent has declared the form of its answer."""
    assert len(SCRIPTS) >= 20
