"""What the commands of a settlement, a requeue or a retirement are."""

import pytest

from pyresque.keys import Keys
from pyresque.store import effects
from pyresque.store.script import flat

KEYS = Keys("ns")


@pytest.mark.parametrize(
    ("made", "commands"),
    [
        (effects.push(KEYS, "q", b"x"), [("SADD", "ns:queues", "q"), ("RPUSH", "ns:queue:q", b"x")]),
        (effects.push_first(KEYS, "q", b"x"), [("SADD", "ns:queues", "q"), ("LPUSH", "ns:queue:q", b"x")]),
        (
            effects.delay(KEYS, 12, b"x"),
            [
                ("RPUSH", "ns:delayed:12", b"x"),
                ("SADD", b"ns:timestamps:x", b"delayed:12"),
                ("ZADD", "ns:delayed_queue_schedule", 12, 12),
            ],
        ),
        (effects.record_failure(KEYS, "failed", b"r"), [("RPUSH", "ns:failed", b"r")]),
        (
            effects.record_failure(KEYS, "q_failed", b"r"),
            [("SADD", "ns:failed_queues", "q_failed"), ("RPUSH", "ns:q_failed", b"r")],
        ),
        (effects.put_aside(KEYS, "ns:queue:q", b"x"), [("RPUSH", "ns:pyresque:aside:queue:q", b"x")]),
        (
            effects.count(KEYS, ["processed"], "id"),
            [("INCRBY", "ns:stat:processed", 1), ("INCRBY", "ns:stat:processed:id", 1)],
        ),
        (
            effects.count_recovery(KEYS, "d", 9),
            [("INCRBY", "ns:pyresque:recovered:d", 1), ("EXPIRE", "ns:pyresque:recovered:d", 9)],
        ),
        ([effects.set_attempt("k", 2, None)], [("SET", "k", 2, "KEEPTTL")]),
        ([effects.set_attempt("k", 2, 5)], [("SET", "k", 2, "EX", 5)]),
        ([effects.keep_failure("k", b"r", 5)], [("SETEX", "k", 5, b"r")]),
        ([effects.forget("k")], [("UNLINK", "k")]),
    ],
)
def test_what_an_effect_does(made, commands):
    """Each names its keys in the order in which the script is to write them."""
    assert made == commands


def test_scripts_read_them_as_one_list_of_words():
    """The number of words of each, then the words."""
    assert flat([("UNLINK", "k"), ("SET", "k", 1)]) == [2, "UNLINK", "k", 3, "SET", "k", 1]
