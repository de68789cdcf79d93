"""Which page is asked for: nonsense is the first page, and links keep all else that was asked."""

import pytest
from flask import Flask

from pyresque.web.paging import Paging, asked

app = Flask(__name__)
app.add_url_rule("/failed/<name>", "failed", lambda name: "")


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", Paging(1, 50)), ("page=3&size=100", Paging(3, 100)), ("page=0", Paging(1, 50)),
        ("page=-1", Paging(1, 50)), ("page=x&size=7", Paging(1, 50)), ("page=9999999999", Paging(1, 50)),
    ],
)  # fmt: skip
def test_what_is_asked_for(query, page):
    with app.test_request_context(f"/failed/a?{query}"):
        assert asked() == page


def test_a_link_to_another_page_keeps_the_rest():
    with app.test_request_context("/failed/a?class=B&page=2&size=20"):
        assert asked().link(3) == "/failed/a?class=B&size=20&page=3"


@pytest.mark.parametrize(("total", "pages"), [(None, None), (0, 1), (50, 1), (51, 2)])
def test_how_many_pages_there_are(total, pages):
    assert Paging(1, 50, total=total).pages == pages
    assert Paging(3, 50).first == 101
