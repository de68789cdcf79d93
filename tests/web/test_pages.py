"""Every page as each reader meets it: wide or narrow, light or dark, by keyboard, over hostile rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, url_for

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from pyresque.web import create_app
from pyresque.wire.records import FailureRecord
from tests.web import scene
from tests.web.conftest import NARROW, WIDE, Visit, violations
from tests.web.scene import PYTHON, SCRIPT, Scene, dumps
from tests.web.screenshots import IMAGES, picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

PARTS: dict[str, Callable[[Scene], list[dict[str, Any]]]] = {
    "classes.listing": lambda scene: [{}, {"who": "unknown"}, {"text": "nothing"}],
    "classes.one_class": lambda scene: [{"name": "Reports::Monthly"}, {"name": SCRIPT}],
    "history.history": lambda scene: [{}, {"by": "hour"}, {"by": "day"}],
    "delayed.same": lambda scene: [
        {"class_name": SCRIPT, "args": dumps([SCRIPT]), "queue": SCRIPT},
        {"class_name": "Users::ReminderJob", "args": "[]", "queue": "mail"},
    ],
    "delayed.second": lambda scene: [{"name": scene.seconds[0]}, {"name": scene.seconds[-1]}],
    "delayed.jobs": lambda scene: [{}, {"hours": "0"}, {"text": "script"}],
    "schedule.listing": lambda scene: [{}, {"show": "refused"}, {"text": "nobody"}],
    "failed.listing": lambda scene: [{}, {"class_name": "nobody"}],
    "failed.show": lambda scene: failures(scene),
    "queues.listing": lambda scene: [{}, {"name": "nobody"}],
    "queues.show": lambda scene: [
        {"queue": "embeddings"},
        {"queue": "mail", "text": "nobody"},
        {"queue": SCRIPT},
    ],
    "schedule.entry": lambda scene: [{"name": SCRIPT}, {"name": "nightly_report"}, {"name": "wrong"}],
    "schedule.edit": lambda scene: [{"name": "newsletter"}],
    "search.search": lambda scene: [{}, {"text": "Monthly"}, {"text": "script"}],
    "stats.key": lambda scene: [
        {"name": "failed"},
        {"name": "workers:heartbeat"},
        {"name": f"strange:{SCRIPT}"},
    ],
    "workers.show": lambda scene: [{"name": PYTHON}, {"name": f"host:1:{SCRIPT}"}],
}
"""What is filled into the URLs of a page, by its endpoint; a page that needs nothing need not be here."""


def failures(scene: Scene) -> list[dict[str, Any]]:
    """Where the pages of failures are: of those that somebody wrote by hand, and of the newest."""
    count = scene.execute("LLEN", "resque:failed")
    raws = {at: scene.execute("LINDEX", "resque:failed", at) for at in (0, 2, count - 1)}
    return [{"name": FailureRecord.parse(raw).id, "list": "failed", "at": at} for at, raw in raws.items()]


def pages(app: Flask) -> list[str]:
    """The endpoints of all pages: what can be fetched, but for files and what programs ask for."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    return sorted(one for one in endpoints if one != "static" and not one.startswith(("probes.", "metrics.")))


PAGES = pages(create_app(Resque("redis://nowhere.invalid")))


@pytest.fixture(scope="module")
def crowded(server: DevRedis, shown: Resque) -> Scene:
    """A shop at work, and somebody who writes script into its rows. The tests here only look."""
    server.empty()
    scene.hostile(shown.link.execute)
    return scene.everyday(shown.link.execute)


@pytest.mark.parametrize("endpoint", PAGES)
def test_a_page_is_for_everybody(
    endpoint: str, crowded: Scene, visit: Callable[..., Visit], axe: str, app: Flask
) -> None:
    """axe finds nothing, nothing is wider than the screen, every control is reached by Tab and shows it.

    No script of a row has run, none was refused either, and nothing was asked of another host (`visit`).
    """
    with app.test_request_context():
        paths = [url_for(endpoint, **parts) for parts in PARTS.get(endpoint, lambda _: [{}])(crowded)]
    tab = visit()
    found: dict[str, list[str]] = {}
    for path in paths:
        answer = tab.page.goto(tab.site + path)
        assert answer is not None
        assert answer.status == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            found[path] = _wrong_with(tab, axe)
    assert {path: told for path, told in found.items() if told} == {}


def test_questions_are_for_everybody(crowded: Scene, visit: Callable[..., Visit], axe: str) -> None:
    """What is asked before something is destroyed; nobody says yes here."""
    tab = visit()
    for path, button in (("/failed", "Remove all"), ("/queues/mail", "Remove the queue")):
        tab.to(path).get_by_role("button", name=button, exact=True).click()
        assert tab.page.title().partition(" · ")[0].endswith("?")
        assert _wrong_with(tab, axe) == [], path


def test_an_error_is_for_everybody(crowded: Scene, visit: Callable[..., Visit], axe: str) -> None:
    """Also a page that says that there is none. The browser itself complains of its status."""
    tab = visit()
    tab.to("/nowhere")
    assert _wrong_with(tab, axe) == []
    [complaint] = tab.complaints
    assert "404" in complaint
    tab.complaints.clear()


def _wrong_with(tab: Visit, axe: str) -> list[str]:
    page = tab.page
    wrong = [*unreached(page), *_seen(tab, axe)]
    page.emulate_media(color_scheme="dark")
    wrong += _seen(tab, axe, "color-contrast")
    page.set_viewport_size(NARROW)
    wrong += _seen(tab, axe)
    page.emulate_media(color_scheme="light")
    wrong += _seen(tab, axe, "color-contrast")
    page.set_viewport_size(WIDE)
    if page.locator("h1").count() != 1:
        wrong.append("not one heading")
    if page.title() == "run" or page.locator("main :is(script, img, b)").count():
        wrong.append("a row became HTML")
    return wrong


def _seen(tab: Visit, axe: str, *rules: str) -> list[str]:
    width = tab.page.evaluate("innerWidth")
    return violations(tab.page, axe, rules) + [f"beyond {width} px: {one}" for one in tab.overflow()]


def unreached(page: Page) -> Iterator[str]:
    """What is wrong for somebody who has only a keyboard: Tab goes through all controls, as they stand."""
    for number in range(page.evaluate(CONTROLS)):
        page.keyboard.press("Tab")
        if told := page.evaluate(FOCUSED, number):
            yield told
            return


CONTROLS = """() => {
    window.controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
        .filter(one => one.type !== 'hidden' && !one.disabled && one.checkVisibility());
    return window.controls.length;
}"""
FOCUSED = """(number) => {
    const at = document.activeElement, wanted = window.controls[number];
    const style = getComputedStyle(at), box = at.getBoundingClientRect(), name = at.outerHTML.slice(0, 150);
    if (at !== wanted) return `Tab came to ${name}, not to ${wanted.outerHTML.slice(0, 150)}`;
    if (!at.matches(':focus-visible') || style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)
        return `no outline: ${name}`;
    return box.bottom < 0 || box.top > innerHeight || box.width < 2 ? `cannot be seen: ${name}` : null;
}"""


def test_the_first_tab_leads_past_the_navigation(crowded: Scene, visit: Callable[..., Visit]) -> None:
    """The skip link: the next Tab is in the page itself."""
    page = visit().to("/failed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_every_page_that_is_named_here_exists() -> None:
    """A page that is gone or renamed is not looked at under its old name."""
    assert set(PARTS) <= set(PAGES)


@pytest.mark.parametrize("endpoint", PAGES)
def test_every_page_has_its_picture_in_the_docs(endpoint: str) -> None:
    """`make screenshots` has taken one, and docs/dashboard.md shows it."""
    text = (IMAGES.parents[1] / "docs/dashboard.md").read_text("utf-8")
    assert picture(endpoint).is_file()
    assert f"(images/{picture(endpoint).name})" in text
