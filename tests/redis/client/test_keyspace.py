"""Keys as they are: those below the namespace, of every type, a part at a time."""

import pytest

from pyresque import Resque
from pyresque.errors import InvalidSelection


def command(resque, *words):
    return resque.link.execute(*words)


def every_name(resque, match=None, count=10):
    names, cursor = [], 0
    while True:
        page = resque.keys(match, cursor, count)
        names += page.names
        cursor = page.cursor
        if cursor == 0:
            return sorted(names)


def test_only_keys_below_the_namespace(resque):
    command(
        resque, "MSET", "other:x", "1", "resque", "1", "resqueue:x", "1", "resque:a", "1", "resque:b:c", "1"
    )
    for n in range(300):
        command(resque, "SET", f"resque:stat:n{n}", n)
    assert len(every_name(resque)) == 302
    assert every_name(resque, "b:") == ["b:c"]
    assert every_name(resque, "stat:n1?") == [f"stat:n{n}" for n in range(10, 20)]
    assert every_name(resque, "*99") == ["stat:n199", "stat:n299", "stat:n99"]
    assert every_name(resque, "[a]") == []


def test_a_namespace_is_no_pattern(server, resque):
    odd = Resque(server.url, namespace="a*[b]?\\")
    command(resque, "MSET", "a*[b]?\\:x", "1", "axb:x", "1", "a1bc\\:y", "1")
    assert odd.keys().names == ["x"]
    odd.close()


def test_every_type(resque):
    command(resque, "SET", "resque:text", b"\xff\x00", "PX", 60_000)
    command(resque, "RPUSH", "resque:list", *range(50))
    command(resque, "SADD", "resque:set", "a", b"\xfe")
    command(resque, "ZADD", "resque:zset", 1.5, "m", 2, "n")
    command(resque, "HSET", "resque:hash", "f", "v", b"\xfd", "w")
    for n in range(5):
        command(resque, "XADD", "resque:stream", f"{n + 1}-0", "field", n)
    types = {key.name: (key.type, key.size) for key in resque.keys().keys}
    assert types == {
        "text": ("string", 2), "list": ("list", 50), "set": ("set", 2), "zset": ("zset", 2),
        "hash": ("hash", 2), "stream": ("stream", 5),
    }  # fmt: skip
    text = resque.key("text")
    assert (text.rows, text.next) == ([(b"0", b"\xff\x00")], None)
    assert 0 < text.ttl <= 60
    assert resque.key("list", count=20).next == "20"
    assert resque.key("list", 40, 20).rows == [(b"%d" % n, b"%d" % n) for n in range(40, 50)]
    assert sorted(resque.key("set").rows) == [(b"", b"a"), (b"", b"\xfe")]
    assert resque.key("zset").rows == [(b"1.5", b"m"), (b"2", b"n")]
    assert dict(resque.key("hash").rows) == {b"f": b"v", b"\xfd": b"w"}
    stream = resque.key("stream", count=2)
    assert (stream.rows, stream.next) == ([(b"1-0", b'{"field": "0"}'), (b"2-0", b'{"field": "1"}')], "3-0")
    assert [label for label, _ in resque.key("stream", stream.next, 10).rows] == [b"3-0", b"4-0", b"5-0"]
    assert resque.key("list").ttl is None
    command(resque, "XADD", "resque:odd", "1-0", "f", b"\xff", "f", "again")
    assert resque.key("odd").rows == [(b"1-0", b'{"f": "\\\\xff", "f (2)": "again"}')]


def test_large_ones_in_parts(resque):
    command(resque, "SET", "resque:text", b"ab" * 50_000)
    command(resque, "HSET", "resque:hash", *(word for n in range(2000) for word in (f"f{n}", n)))
    command(resque, "SADD", "resque:set", *(f"m{n}" for n in range(2000)))
    for name, size in (("text", 100_000), ("hash", 2000), ("set", 2000)):
        parts, start = [], ""
        while start is not None:
            value = resque.key(name, start)
            parts += value.rows
            start = value.next
        whole = sum(len(row) for _, row in parts) if name == "text" else len({*parts})
        assert (value.size, whole) == (size, size)


def test_what_cannot_be(resque):
    assert resque.key("nobody") is None
    command(resque, "RPUSH", "resque:list", 1)
    for start in ("x", "-5", "9" * 30, "\u0663", "1-1"):
        assert resque.key("list", start).rows == [(b"0", b"1")]
    with pytest.raises(InvalidSelection):
        resque.keys(count=0)
    with pytest.raises(InvalidSelection):
        resque.key("list", count="7")
