"""The pages of stats, by Flask's test client: Resque's numbers, what Redis tells, keys of every type."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.web import create_app


@pytest.fixture
def client(resque: Resque) -> FlaskClient:
    """A browser before the dashboard."""
    return create_app(resque).test_client()


def shown(client: FlaskClient, path: str, status: int = 200) -> str:
    """A page as people read it."""
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.text)
    return unescape(answer.text)


def test_the_numbers_of_resque(client: FlaskClient, resque: Resque) -> None:
    """Ruby's names, sorted, with the values of Resque.info."""
    resque.enqueue("A", queue="q")
    resque.link.execute("SET", "resque:stat:processed", 77)
    assert client.get("/stats").headers["Location"] == "/stats/resque"
    rows = re.findall(r"<tr><td>(\w+)</td><td[^>]*>(.*?)</td></tr>", shown(client, "/stats/resque"))
    assert [name for name, _ in rows] == sorted(resque.info())
    values = dict(rows)
    assert (values["pending"], values["processed"], values["queues"]) == ("1", "77", "1")
    assert values["servers"] == f"redis://{resque.link.address}"


def test_what_redis_tells(client: FlaskClient, server: object) -> None:
    """By section, and searched; the password is nowhere."""
    page = shown(client, "/stats/redis")
    for text in ('<h2 id="part-1">Server</h2>', "redis_version", "Memory", "used_memory_human"):
        assert text in page
    assert server.password not in page  # type: ignore[attr-defined]
    found = shown(client, "/stats/redis?text=MAXMEMORY_POLICY")
    assert "noeviction" in found
    assert "redis_version" not in found
    assert "Redis tells nothing with this text." in shown(client, "/stats/redis?text=nowhere")


def everything(resque: Resque) -> None:
    """A key of each type."""
    redis = resque.link.execute
    redis("SET", "resque:text", "some text")
    redis("SETEX", "resque:short", 100, "gone soon")
    redis(
        "RPUSH",
        "resque:queue:list",
        '{"class":"A","args":[{"password":"pa55w0rd"}]}',
        b"\xff",
        "<script>alert(1)</script>",
    )
    redis("SADD", "resque:set", "member one")
    redis("ZADD", "resque:zset", 1.5, "scored")
    redis("HSET", "resque:hash", "field", "value", "api_token", "t0ps3cret")
    redis("XADD", "resque:stream", "1-1", "name", "streamed")
    redis("SET", "resque:pyresque:own", "ours")
    redis("SET", "resque:db_password", "pa55w0rd")
    redis("SET", b"resque:\xff/../a?b#c", "odd name")
    redis("SET", "resque:", "no name")
    redis("SET", "other:key", "not of this namespace")


TYPES = {
    "text": ("string", "some text"), "queue:list": ("list", '"class": "A"'), "set": ("set", "member one"),
    "zset": ("zset", "scored"), "hash": ("hash", "field"), "stream": ("stream", "streamed"),
    "pyresque:own": ("string", "ours"),
}  # fmt: skip


def test_keys_of_every_type(client: FlaskClient, resque: Resque) -> None:
    """All are listed with their type and size, and each page shows what is in it."""
    everything(resque)
    page = shown(client, "/stats/keys")
    for name, (kind, text) in TYPES.items():
        assert re.search(rf'href="/stats/keys/{name}">{name}</a></td><td>{kind}</td>', page), name
        assert text in shown(client, f"/stats/keys/{name}")
    assert "other:key" not in page
    assert "in 99 s" in shown(client, "/stats/keys/short") or "in 1 min" in shown(client, "/stats/keys/short")


def test_no_link_of_a_key_is_broken(client: FlaskClient, resque: Resque) -> None:
    """Whatever a key is called; script in it does not run, and secrets are hidden."""
    everything(resque)
    hrefs = re.findall(r'<td class="mono"><a href="([^"]*)"', client.get("/stats/keys").text)
    assert len(hrefs) == 11
    for href in hrefs:
        answer = client.get(unescape(href))
        assert answer.status_code == 200, href
        for text in ("<script>alert", "pa55w0rd", "t0ps3cret"):
            assert text not in answer.text


def test_some_of_the_keys(client: FlaskClient, resque: Resque) -> None:
    """By a part of the name, or by a pattern."""
    everything(resque)
    page = shown(client, "/stats/keys?match=queue:*")
    assert "queue:list" in page
    assert ">zset</a>" not in page
    assert ">zset</a>" in shown(client, "/stats/keys?match=zse")
    assert "No key has this in its name." in shown(client, "/stats/keys?match=nowhere")
    assert "There is no such key" in shown(client, "/stats/keys/nowhere", 404)


def test_no_key_is_there(client: FlaskClient) -> None:
    """The page says what makes some."""
    assert "There is no key yet." in shown(client, "/stats/keys")


def test_many_keys_and_long_ones(client: FlaskClient, resque: Resque) -> None:
    """Page by page, each key once and each element once."""
    resque.link.execute("MSET", *[text for n in range(1000) for text in (f"resque:key:{n:04}", "x")])
    found: list[str] = []
    path = "/stats/keys"
    while path:
        page = shown(client, path)
        found += re.findall(r">(key:\d+)</a>", page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        path = following[1] if following else ""
    assert set(found) == {f"key:{n:04}" for n in range(1000)}
    resque.link.execute("RPUSH", "resque:long", *[f"element {n:03}." for n in range(120)])
    elements: list[str] = []
    path = "/stats/keys/long"
    while path:
        page = shown(client, path)
        elements += re.findall(r"element \d+\.", page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        path = following[1] if following else ""
    assert elements == [f"element {n:03}." for n in range(120)]


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=99999999999999999999", "cursor=-1", "start=x", "match=[", "match=%FF"]
)
def test_nonsense_in_the_query(client: FlaskClient, resque: Resque, query: str) -> None:
    """It is passed over, or refused with a sentence."""
    everything(resque)
    for path in (
        "/stats/keys",
        "/stats/keys/queue:list",
        "/stats/keys/hash",
        "/stats/keys/stream",
        "/stats/keys/text",
    ):
        assert client.get(f"{path}?{query}").status_code in (200, 400), path
