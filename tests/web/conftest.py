"""A browser before the dashboard: one server and one Chromium for each file of tests."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis
from pyresque.web import create_app
from tests.web import scene
from tests.web.scene import Scene

if TYPE_CHECKING:  # else each process of a test run would be larger by it, and each fork slower
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def program() -> str | None:
    """The browser of this machine."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def expect(what: Any) -> Any:
    """Playwright's `expect`: it waits until something is so."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect(what)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    found = program()
    if found is None:
        pytest.skip(f"there is no browser here: none of {', '.join(PROGRAMS)} is on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The app behind waitress on a free port; gives its URL."""
    import waitress.server

    server = waitress.server.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown()
    # In its own thread, which ends as nothing is left to listen to.
    server.trigger.pull_trigger(lambda: waitress.wasyncore.close_all(server._map))
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file: tests of other files must not find its event loop and threads."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shown(server: DevRedis) -> Iterator[Resque]:
    """The Resque that the pages show."""
    resque = Resque(server.url, registry=Registry(WorkerHooks()))
    yield resque
    resque.close()


@pytest.fixture(scope="module")
def app(shown: Resque) -> Any:
    """The dashboard."""
    return create_app(shown)


@pytest.fixture(scope="module")
def site(app: Any) -> Iterator[str]:
    """Where the dashboard is."""
    with serving(app) as url:
        yield url


class Visit:
    """A tab on the dashboard, and what went wrong in it."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))

    def to(self, path: str) -> Page:
        """Open a page of the dashboard."""
        self.page.goto(self.site + path)
        return self.page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.site + "/", "data:")):
            self.complaints.append(f"a request to {url}")

    def overflow(self) -> list[str]:
        """The elements that make the page wider than the screen."""
        found: list[str] = self.page.evaluate(OVERFLOW)
        return found


OVERFLOW = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > width + 1);
    return wide.map(e => e.outerHTML.slice(0, 200)).slice(0, 5);
}"""


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Visit]]:
    """Opens a tab on the dashboard; at the end no tab may have complained."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_one(**options: Any) -> Visit:
        options = {"viewport": WIDE, "reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(**options))
        visits.append(Visit(contexts[-1], site))
        return visits[-1]

    yield open_one
    for context in contexts:
        context.close()
    assert [complaint for one in visits for complaint in one.complaints] == []


@pytest.fixture
def everyday(server: DevRedis, shown: Resque) -> Scene:
    """The Redis of a shop at work."""
    server.empty()
    return scene.everyday(shown.link.execute)


AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe."""
    from axe_playwright_python.base import AXE_SCRIPT

    return str(AXE_SCRIPT)


AXE_RUN = """(only) => axe.run(document, {runOnly: only, resultTypes: ['violations']}).then(
    told => told.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 200)}`)))"""


def violations(page: Page, axe: str, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe finds: by all its rules, or by these."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(f"() => {{ {axe} }}")
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(AXE_TAGS)}
    found: list[str] = page.evaluate(AXE_RUN, only)
    return found[:10]
