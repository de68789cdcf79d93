"""Several Resques in one dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.errors import ConfigError
from pyresque.testing.redis_server import DevRedis
from pyresque.web import create_app
from tests.redis.web.conftest import token_of

NAMES = ("shop", "a/b ü", "..")


@pytest.fixture
def shops(resque: Resque, server: DevRedis) -> Iterator[dict[str, Resque]]:
    """Three namespaces, each with one failure whose class is the name."""
    found = {name: Resque(server.url, f"n{number}") for number, name in enumerate(NAMES)}
    for name, one in found.items():
        failure = {
            "payload": {"class": f"Of{name}!", "args": []},
            "failure_id": "f1",
            "queue": "q",
            "failed_at": "",
        }
        one.link.execute("RPUSH", one.space.keys.failed, json.dumps(failure))
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def browser(shops: dict[str, Resque]) -> FlaskClient:
    """Before a dashboard of all three."""
    return create_app(shops).test_client()


def links(page: str) -> list[str]:
    """Where the switch at the top leads to."""
    return [
        part.split('"')[0]
        for part in page.split('<details class="switch">')[1].split("</details>")[0].split('href="')
    ][1:]


def test_each_has_its_pages(browser: FlaskClient) -> None:
    """The first is shown first; the switch leads to each, and a page's links stay with it."""
    first = browser.get("/", follow_redirects=True)
    assert first.request.path == "/at/shop/"
    homes = links(first.text)
    assert len(homes) == len(set(homes)) == 3
    for name, home in zip(NAMES, homes, strict=True):
        page = browser.get(home)
        assert page.status_code == 200
        assert f'href="{home}failed"' in page.text
        assert f"Of{name}!" in browser.get(f"{home}failed").text
        assert 'aria-current="true"' in page.text


def test_an_action_is_for_the_one_at_hand(browser: FlaskClient, shops: dict[str, Resque]) -> None:
    """The others stay as they are, and its own log has it."""
    home = links(browser.get("/at/shop/").text)[1]
    fields = {
        "token": token_of(browser.get(f"{home}failed")),
        "id": "f1",
        "confirmed": "1",
        "back": f"{home}failed",
    }
    answer = browser.post(f"{home}actions/failed.remove", data=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{home}failed")
    assert [one.failures.count() for one in shops.values()] == [1, 0, 1]
    assert [one.link.execute("LLEN", one.space.keys.audit) for one in shops.values()] == [0, 1, 0]


def test_a_name_that_is_not_there(browser: FlaskClient) -> None:
    """Is said so, in the frame of the first; and to nobody who may not look."""
    answer = browser.get("/at/nothing/failed")
    assert answer.status_code == 404
    assert "nothing of this name" in answer.text
    assert browser.get("/at/shop/", headers={"Host": "evil.example"}).status_code == 403
    assert browser.get("/failed").status_code == 404


def test_one_by_its_name(shops: dict[str, Resque]) -> None:
    """It has the same URLs as one of several, and no switch."""
    page = create_app({"shop": shops["shop"]}).test_client().get("/", follow_redirects=True)
    assert page.request.path == "/at/shop/"
    assert "switch" not in page.text


def test_none_is_an_error() -> None:
    """So is one without a name."""
    for resques in ({}, {"": Resque()}):
        with pytest.raises(ConfigError, match="give a Resque"):
            create_app(resques)
