"""Every page as each reader meets it: wide or narrow, light or dark, by keyboard, over hostile rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from playwright.sync_api import Page

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from pyresque.web import create_app
from pyresque.wire.records import FailureRecord
from tests.web import scene
from tests.web.conftest import NARROW, WIDE, Visit, violations
from tests.web.scene import SCRIPT, Scene

HOSTILE = quote(SCRIPT, safe="")

FURTHER: dict[str, Callable[[Scene], list[str]]] = {
    "/failed": lambda scene: ["/failed?class_name=nobody"],
    "/failed/<path:name>": lambda scene: failures(scene),
    "/queues": lambda scene: ["/queues?name=nobody"],
    "/queues/<path:queue>": lambda scene: ["/queues/mail", "/queues/mail?text=nobody", f"/queues/{HOSTILE}"],
    "/search": lambda scene: ["/search?text=a", "/search?text=script"],
    "/classes": lambda scene: ["/classes?who=unknown", "/classes?text=nothing"],
    "/classes/<path:name>": lambda scene: ["/classes/Reports::Monthly", f"/classes/{HOSTILE}"],
    "/history": lambda scene: ["/history?by=hour", "/history?by=day"],
}
"""URLs to look at beside those that follow from their rules: each rule with a part in <> needs some."""

NO_PAGES = {
    "/static/<path:filename>", "/healthz", "/readyz", "/metrics", "/stats.json", "/stats.txt",
}  # fmt: skip
"""What can be fetched and is no page for people."""


def failures(scene: Scene) -> list[str]:
    """The pages of the oldest failures, and of the newest."""
    count = scene.execute("LLEN", "resque:failed")
    raws = {at: scene.execute("LINDEX", "resque:failed", at) for at in (*range(8), count - 1)}
    ids = {at: FailureRecord.parse(raw).id for at, raw in raws.items() if raw is not None}
    return [f"/failed/{quote(one, safe='')}?list=failed&at={at}" for at, one in ids.items()]


RULES = sorted(
    str(rule)
    for rule in create_app(Resque("redis://nowhere.invalid")).url_map.iter_rules()
    if "GET" in (rule.methods or ()) and str(rule) not in NO_PAGES
)


def paths(rule: str, scene: Scene) -> list[str]:
    """The pages of a rule that are looked at."""
    return [rule][: "<" not in rule] + FURTHER.get(rule, lambda _: [])(scene)


@pytest.fixture(scope="module")
def crowded(server: DevRedis, shown: Resque) -> Scene:
    """A shop at work, and somebody who writes script into its rows. The tests here only look."""
    server.empty()
    scene.hostile(shown.link.execute)
    return scene.everyday(shown.link.execute)


@pytest.mark.parametrize("rule", RULES)
def test_a_page_is_for_everybody(rule: str, crowded: Scene, visit: Callable[..., Visit], axe: str) -> None:
    """axe finds nothing, nothing is wider than the screen, every control is reached by Tab and shows it.

    No script of a row has run, none was refused either, and nothing was asked of another host (`visit`).
    """
    tab = visit()
    found: dict[str, list[str]] = {}
    for path in paths(rule, crowded):
        tab.to(path)
        found[path] = _wrong_with(tab, axe)
    assert found, f"FURTHER needs a URL for {rule}"
    assert {path: told for path, told in found.items() if told} == {}


def _wrong_with(tab: Visit, axe: str) -> list[str]:
    page = tab.page
    wrong = [*violations(page, axe), *unreached(page), *tab.overflow()]
    page.emulate_media(color_scheme="dark")
    wrong += violations(page, axe, ("color-contrast",))
    page.set_viewport_size(NARROW)
    wrong += [*violations(page, axe), *tab.overflow()]
    page.emulate_media(color_scheme="light")
    wrong += violations(page, axe, ("color-contrast",))
    page.set_viewport_size(WIDE)
    if page.locator("h1").count() != 1:
        wrong.append("not one heading")
    if page.title() == "run" or page.locator("main :is(script, img, b)").count():
        wrong.append("a row became HTML")
    return wrong


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


def test_every_rule_that_is_named_here_exists(app: Flask) -> None:
    """A page that is gone or renamed is not looked at under its old name."""
    assert set(FURTHER) | NO_PAGES <= {str(rule) for rule in app.url_map.iter_rules()}
