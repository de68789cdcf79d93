"""What people come for, done in a browser: with script and without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pyresque import Resque
from tests.web.conftest import Visit, expect
from tests.web.scene import DEAD, PYTHON, Scene

if TYPE_CHECKING:
    from playwright.sync_api import Page

ways = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
Open = Callable[..., Visit]


def say_yes(page: Page) -> None:
    """Confirm what the page asks, and wait for the word that it is done."""
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\?$"))
    page.locator("main form").get_by_role("button").click()
    expect(page.get_by_role("status")).to_be_visible()


@ways
def test_failed_jobs_are_found_and_retried(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """Filter, select two, be asked, say yes: two jobs are back, and one is where one was."""
    before = shown.size("mail")
    page = visit(java_script_enabled=script).to("/failed")
    page.get_by_label("Class").fill("Users::*")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"class_name=Users"))
    rows = page.locator("main tbody").get_by_role("checkbox")
    for number in range(2):
        rows.nth(number).check()
    page.get_by_role("button", name="Retry selected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry?")
    assert shown.size("mail") == before, "asking changes nothing"
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 put back")
    assert shown.size("mail") == before + 2
    expect(page.get_by_label("Class")).to_have_value("Users::*")


@ways
def test_a_failed_job_is_retried_with_other_arguments(
    script: bool, everyday: Scene, visit: Open, shown: Resque
) -> None:
    """From the list to the job, to its arguments, to its queue."""
    page = visit(java_script_enabled=script).to("/failed?class_name=Users::*")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    page.get_by_role("textbox", name="Arguments").fill('["somebody@shop.example"]')
    page.get_by_role("button", name=re.compile("Retry with")).click()
    expect(page.get_by_role("status")).to_be_visible()
    [*_, last] = shown.jobs("mail")
    assert json.loads(last.raw)["args"] == ["somebody@shop.example"]


@ways
def test_a_queue_is_paused_and_goes_on(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """By its row; the page says so in words."""
    page = visit(java_script_enabled=script).to("/queues")
    row = page.locator("main tbody tr").filter(has=page.get_by_role("link", name="mail", exact=True))
    row.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert "mail" in shown.paused().queues
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Resume").click()
    expect(row).not_to_contain_text("paused")
    assert "mail" not in shown.paused().queues


@ways
def test_an_entry_is_queued_now(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """From its row, or with parameters from its own page."""
    before = shown.size("reports")
    page = visit(java_script_enabled=script).to("/schedule")
    row = page.locator("main tbody tr").filter(has=page.get_by_role("link", name="nightly_report"))
    row.get_by_role("button", name="Queue now").click()
    assert shown.size("reports") == before, "asking changes nothing"
    say_yes(page)
    assert shown.size("reports") == before + 1


@ways
def test_dead_workers_are_removed(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """After a question; those that beat stay, and the job of the dead one is a failure."""
    before = shown.failures.count()
    page = visit(java_script_enabled=script).to("/workers")
    page.get_by_role("button", name="Remove dead workers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\?$"))
    assert DEAD in {one.id for one in shown.workers()}
    say_yes(page)
    left = {one.id for one in shown.workers()}
    assert DEAD not in left
    assert PYTHON in left
    assert shown.failures.count() == before + 1


@ways
def test_a_delayed_job_runs_now(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """By its button; it waits on its queue then."""
    before = shown.size("mail")
    page = visit(java_script_enabled=script).to("/delayed")
    row = page.locator("main tbody tr").filter(has_text="Users::ReminderJob").first
    row.get_by_role("button", name="Run now").click()
    say_yes(page)
    assert shown.size("mail") == before + 1


# --- live refresh --------------------------------------------------------------------------------------


def _refreshed(tab: Visit, everyday: Scene) -> None:
    """Another job comes, and the page shows how many there are now, by itself."""
    everyday.job("mail", "Later")
    size = everyday.execute("LLEN", "resque:queue:mail")
    tab.page.clock.run_for(6_000)
    expect(tab.page.locator('[data-live="tiles"]')).to_contain_text(str(size))


def test_refresh_leaves_alone_what_somebody_is_at(everyday: Scene, visit: Open) -> None:
    """What is typed, ticked, focused, unfolded or selected stays, while the rest of the page goes on."""
    tab = visit()
    tab.page.clock.install()
    page = tab.to("/queues/mail")
    rows = page.locator('[data-live="rows"]')
    page.get_by_label("Text").fill("half a wo")
    _refreshed(tab, everyday)
    expect(page.get_by_label("Text")).to_have_value("half a wo")
    expect(page.get_by_label("Text")).to_be_focused()

    box = rows.locator("tbody").get_by_role("checkbox").nth(1)
    box.check()
    box.blur()
    _refreshed(tab, everyday)
    expect(box).to_be_checked()
    box.uncheck()

    button = rows.get_by_role("button", name="Remove").nth(2)
    button.focus()
    _refreshed(tab, everyday)
    expect(button).to_be_focused()
    button.blur()

    details = rows.locator("details").first
    details.locator("summary").click()
    page.locator("h1").click()
    _refreshed(tab, everyday)
    expect(details).to_have_attribute("open", "")
    details.locator("summary").click()
    page.locator("h1").click()

    rows.locator("tbody .class").first.select_text()
    selected = page.evaluate("String(getSelection())")
    assert selected
    _refreshed(tab, everyday)
    assert page.evaluate("String(getSelection())") == selected


def test_refresh_shows_what_is_new(everyday: Scene, visit: Open) -> None:
    """A failure that comes while the list is looked at."""
    tab = visit()
    tab.page.clock.install()
    page = tab.to("/failed")
    everyday.failure("mail", "BrandNewJob", [1], "OSError", "brand new", ago=1)
    page.clock.run_for(6_000)
    expect(page.locator('[data-live="rows"]')).to_contain_text("BrandNewJob")
