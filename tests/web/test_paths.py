"""What people come for, done in a browser: with script and without."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pyresque import Resque
from tests.web.conftest import Visit, expect
from tests.web.scene import Scene

ways = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
Open = Callable[..., Visit]


@ways
def test_failed_jobs_are_found_and_retried(script: bool, everyday: Scene, visit: Open, shown: Resque) -> None:
    """Filter, select two, be asked, say yes: two jobs are back, and one is where one was."""
    before = shown.size("mail")
    page = visit(java_script_enabled=script).to("/failed")
    page.get_by_label("Class").fill("Users::*")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"class_name=Users"))
    rows = page.get_by_role("checkbox")
    for number in range(2):
        rows.nth(number).check()
    page.get_by_role("button", name="Retry selected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry?")
    assert shown.size("mail") == before, "asking changes nothing"
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 put back")
    assert shown.size("mail") == before + 2
    expect(page.get_by_label("Class")).to_have_value("Users::*")
