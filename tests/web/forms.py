"""What a browser does with a form of the dashboard, by Flask's test client: press a button, and confirm."""

from __future__ import annotations

import re
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def buttons(text: str, action: str) -> list[dict[str, str]]:
    """The fields of each form on a page that begins this action."""
    forms = re.findall(rf'<form[^>]*action="[^"]*/actions/{re.escape(action)}".*?</form>', text, re.S)
    found = [re.findall(r'name="([^"]*)" value="([^"]*)"', form) for form in forms]
    return [{name: unescape(value) for name, value in pairs} for pairs in found]


def press(client: FlaskClient, path: str, action: str, **wanted: str) -> TestResponse:
    """Press the first button of an action on a page whose form has these values; the answer to it."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    found = [one for one in buttons(page.text, action) if wanted.items() <= one.items()]
    assert found, f"no {action} {wanted} on {path}"
    return client.post(f"/actions/{action}", data=found[0])


def confirm(client: FlaskClient, question: TestResponse, action: str) -> TestResponse:
    """Press the button of the page that asks."""
    assert question.status_code == 200, question.text
    fields = buttons(question.text, action)
    assert fields, question.text
    return client.post(f"/actions/{action}", data=fields[0])


def told(client: FlaskClient, answer: TestResponse) -> str:
    """What the page says to which an action leads back."""
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["Location"])
    found = re.search(r'role="status">(.*?)</p>', page.text)
    return unescape(found[1]) if found else ""
