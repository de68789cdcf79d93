"""Redis goes and comes back while pages are open in a browser: they say so, and go on by themselves."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from pyresque import Resque
from pyresque.testing.redis_server import running
from pyresque.web import create_app
from pyresque.web.settings import COOKIE, REFRESHES
from tests.web.conftest import serving


def test_open_pages_tell_that_redis_is_away_and_go_on(browser: Browser) -> None:
    """One that shows numbers says that they are old; one that could not be shown is, once Redis answers."""
    quickest = min((seconds for seconds, _ in REFRESHES if int(seconds) > 0), key=int)
    with running() as server, serving(create_app(Resque(server.url))) as site:
        context = browser.new_context()
        context.add_cookies([{"name": COOKIE, "value": f"auto.{quickest}", "url": site}])
        numbers, other = context.new_page(), context.new_page()
        numbers.goto(f"{site}/")
        server.kill()
        answer = other.goto(f"{site}/workers")
        assert answer is not None
        assert answer.status == 503
        expect(other.locator("h1")).to_have_text("Redis cannot be used")
        numbers.bring_to_front()
        expect(numbers.locator("#stale")).to_contain_text("Not refreshed since")
        server.start()
        expect(numbers.locator("#stale")).to_have_count(0)
        other.bring_to_front()
        expect(other.locator("h1")).to_have_text("Workers")
        context.close()
