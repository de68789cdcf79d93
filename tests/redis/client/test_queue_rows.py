"""Queues as a list shows them: who takes from them, what is in them, whether they are paused."""

from pyresque.client import queue_rows


def test_a_row_tells_all_of_a_queue(resque):
    for name in ("A", "B", "A"):
        resque.push("Mail", {"class": name, "args": []})
    resque.push("other", {"class": "C", "args": []})
    resque.pause("other")
    resque.link.execute("SADD", "resque:workers", "h:1:Mail", "h:2:M*", "h:3:*", "h:4:other,", "odd")
    assert queue_rows.sizes(resque, "MAI") == {"Mail": 3}
    mail, other = queue_rows.rows(resque, queue_rows.sizes(resque))
    assert (mail.name, mail.size, mail.workers, mail.classes, mail.is_paused) == (
        "Mail",
        3,
        3,
        ("A", "B"),
        False,
    )
    assert (other.workers, other.is_paused) == (2, True)
    assert queue_rows.rows(resque, {}) == []


def test_a_queue_is_there_if_it_is_known_or_has_a_key(resque):
    resque.link.execute("SADD", "resque:queues", "empty")
    resque.link.execute("SET", "resque:queue:odd", "text")
    assert [queue_rows.is_there(resque, name) for name in ("empty", "odd", "none")] == [True, True, False]


def test_a_dead_worker_takes_from_no_queue(resque):
    resque.push("mail", {"class": "A", "args": []})
    resque.link.execute("SADD", "resque:workers", "far:1:mail", "gone:2:mail")
    resque.link.execute("HSET", "resque:workers:heartbeat", "gone:2:mail", "2001-01-01T00:00:00+00:00")
    [mail] = queue_rows.rows(resque, queue_rows.sizes(resque))
    assert mail.workers == 1
