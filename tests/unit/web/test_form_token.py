"""The token of forms: no page of another origin can write a form that is taken."""

import pytest
from flask import Flask

from pyresque.web import form_token

app = Flask(__name__)
TOKEN = "a" * 43


def context(cookie=None, field=None, **more):
    headers = {} if cookie is None else {"Cookie": f"{form_token.COOKIE}={cookie}"}
    return app.test_request_context(
        method="POST", headers=headers, data={} if field is None else {"token": field}, **more
    )


@pytest.mark.parametrize(
    ("cookie", "field", "right"),
    [
        (TOKEN, TOKEN, True), (TOKEN, "b" * 43, False), (TOKEN, None, False), (None, TOKEN, False),
        ("", "", False), ("short", "short", False), (TOKEN, "ä", False),
    ],
)  # fmt: skip
def test_a_form_must_repeat_the_cookie(cookie, field, right):
    with context(cookie, field):
        assert form_token.is_right() == right


def test_a_browser_without_one_gets_one_for_this_path_only():
    with context(base_url="http://localhost/resque"):
        made = form_token.token()
        assert made == form_token.token()
        cookie = form_token.keep(app.make_response("")).headers["Set-Cookie"]
    assert cookie.startswith(f"pyresque_token={made};")
    for part in ("HttpOnly", "Path=/resque/", "SameSite=Strict"):
        assert part in cookie
    with context(TOKEN):
        assert form_token.token() == TOKEN
        assert "Set-Cookie" not in form_token.keep(app.make_response("")).headers


def test_under_https_the_cookie_cannot_be_set_by_plain_http():
    with context(base_url="https://localhost/"):
        made = form_token.token()
        cookie = form_token.keep(app.make_response("")).headers["Set-Cookie"]
    assert cookie.startswith(f"__Secure-pyresque_token={made};")
    assert "Secure" in cookie
