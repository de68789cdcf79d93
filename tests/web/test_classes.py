"""The pages of classes, by Flask's test client."""

from __future__ import annotations

import re
from html import unescape

import pytest

from pyresque import Resque, job
from pyresque.store import counts
from tests.dashboard_client import browser_before
from tests.web import scene
from tests.web.scene import SCRIPT
from tests.web.test_metrics import forget_history


def page(resque: Resque, path: str, status: int = 200) -> str:
    answer = browser_before(resque).get(path)
    assert answer.status_code == status
    assert " style=" not in answer.text, "the policy allows no style in a page"
    return answer.text


def names(text: str) -> list[str]:
    return re.findall(r'<a class="class" href="[^"]*">([^<]*)</a>', text)


@pytest.fixture
def shop(resque: Resque) -> Resque:
    """A shop at work, where Python knows one class of it."""
    scene.everyday(resque.link.execute)
    forget_history(resque)
    job(queue="reports", name="Reports::Monthly", registry=resque.registry)(lambda **month: None)
    counts.count(resque.space, [("Reports::Monthly", 30, 2)], "t")
    return resque


def test_no_class_at_all(resque: Resque) -> None:
    """The page says how classes come here."""
    assert "No class is known yet." in page(resque, "/classes")


def test_classes_of_both_languages(shop: Resque) -> None:
    """Those with the most jobs first; an Active Job by its own name; who knows each is a word."""
    text = page(shop, "/classes")
    assert names(text)[:2] == ["ImageConversionJob", "Users::WelcomeMailJob"]
    assert "InvoiceJob" in names(text)
    assert "JobWrapper" not in text
    rows = {names(row)[0]: row for row in text.split("<tr>") if names(row)}
    assert "registered here" in rows["Reports::Monthly"]
    assert ">Python</span>" in rows["Reports::Monthly"]
    assert ">Ruby</span>" in rows["ImageConversionJob"]
    assert "not here" in rows["ImageConversionJob"]
    assert "30" in rows["Reports::Monthly"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("who=here", ["Reports::Monthly"]),
        ("who=python&text=month", ["Reports::Monthly"]),
        ("who=python", ["embed.product", "Reports::Monthly"]),
        ("who=nobody", ["Users::ReminderJob"]),
        ("text=INVOICE", ["InvoiceJob"]),
        ("text=nothing", []),
        ("who=junk&text=invoice", ["InvoiceJob"]),
    ],
)
def test_filters(shop: Resque, query: str, wanted: list[str]) -> None:
    """By a part of the name, and by who runs a class."""
    text = page(shop, f"/classes?{query}")
    assert names(text) == wanted
    assert ("No class is like that." in text) == (not wanted)


def test_a_class_that_was_misspelled(shop: Resque) -> None:
    """Its row says which one may be meant."""
    shop.enqueue_to("reports", "Reports::Montly")
    assert "did you mean Reports::Monthly?" in page(shop, "/classes?text=montly")
    assert "did you mean Reports::Monthly?" in page(shop, "/classes/Reports::Montly")


def test_one_class(shop: Resque) -> None:
    """Where its jobs are, and its numbers by day: as a chart, in titles, and as a table."""
    text = page(shop, "/classes/Reports::Monthly")
    assert re.search(r"<dt>Waiting</dt>\s*<dd>5</dd>", text)
    assert "/failed?class_name=Reports" in text
    for path in ("/queues/reports?class_name=Reports::Monthly", "/delayed/jobs?class_name=Reports::Monthly"):
        assert f'href="{path}"' in text.replace("%3A", ":")
        assert "Reports::Monthly" in page(shop, path)
    assert text.count('<svg class="chart"') == 1
    assert re.search(r"<title>\d{4}-\d\d-\d\d: 30 processed, 2 failed</title>", text)
    assert re.search(r'<td class="num">30</td><td class="num">2</td>', text)
    assert "Ruby was not seen to run any of these" in text


def test_a_class_that_is_nowhere(shop: Resque) -> None:
    """Not found, in words."""
    assert "No job of this class is anywhere" in page(shop, "/classes/Nothing", 404)


def test_pages_of_classes(resque: Resque) -> None:
    """There is a next page, and it goes on."""
    for number in range(60):
        resque.enqueue_to("q", f"Class{number:02}")
    first, second = page(resque, "/classes"), page(resque, "/classes?page=2")
    assert len(names(first)) == 50
    assert "1–50 of 60" in first
    assert names(second) == [f"Class{number}" for number in range(50, 60)]


@pytest.mark.parametrize("name", [SCRIPT, "a/b/../c", "..", "\u2028", "x" * 5_000, "50%", "a?b#c", " "])
def test_a_class_of_any_name(resque: Resque, name: str) -> None:
    """Its page is found, and nothing of it runs."""
    resque.enqueue_to("q", name)
    text = page(resque, "/classes")
    assert "<b>bold" not in text
    [link] = re.findall(r'<a class="class" href="([^"]*)">', text)
    assert re.search(r"<dt>Waiting</dt>\s*<dd>1</dd>", page(resque, unescape(link)))
