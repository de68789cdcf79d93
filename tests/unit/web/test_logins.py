"""The file of passwords: who may do what, what is wrong with a file, and that nobody learns a password."""

import base64
import os

import pytest
from flask import Flask, request
from werkzeug.exceptions import HTTPException

from pyresque.errors import ConfigError
from pyresque.web.logins import HeaderLogin, PasswordFile, hashed

app = Flask(__name__)


@pytest.fixture
def file(tmp_path):
    def written(text):
        path = tmp_path / "passwords"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return written


def level(login, name, password):
    """What a login gives: a level, or the status that it is answered with."""
    word = base64.b64encode(f"{name}:{password}".encode()).decode()
    with app.test_request_context(headers={"Authorization": f"Basic {word}"}):
        try:
            return login(request)
        except HTTPException as error:
            return error.get_response().status_code


def test_passwords_and_hashes_and_what_each_may_do(file):
    login = PasswordFile(
        file(f"# us\nann:secret\nbob:{hashed('other')}\n[read]\neve:look\n[full]\nzoe:all:with:colons\n")
    )
    assert [level(login, *pair) for pair in (("ann", "secret"), ("bob", "other"), ("eve", "look"))] == [
        "full", "full", "read"
    ]  # fmt: skip
    assert level(login, "zoe", "all:with:colons") == "full"
    assert level(login, "bob", "other") == "full"  # known by now
    assert [level(login, *pair) for pair in (("ann", "x"), ("bob", "x"), ("max", "secret"), ("ann", ""))] == [
        401
    ] * 4


def test_a_change_of_the_file_counts_at_once_and_a_broken_one_lets_nobody_in(file):
    path = file("ann:secret\n")
    login = PasswordFile(path)
    assert level(login, "ann", "secret") == "full"
    path.write_text("ann:changed-it\n")
    assert (level(login, "ann", "secret"), level(login, "ann", "changed-it")) == (401, "full")
    path.write_text("nonsense\n")
    assert level(login, "ann", "changed-it") == 503
    os.unlink(path)
    assert level(login, "ann", "changed-it") == 503


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names nobody"), ("ann\n", "line 1: write NAME:PASSWORD"),
        ("a:x\na:y\n", "line 2: a is there twice"),
        ("ann:$2y$05$abc\n", "is of another program"), ("ann:scrypt:32768\n", "is not whole"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(file, text, problem):
    with pytest.raises(ConfigError, match=problem):
        PasswordFile(file(text))


@pytest.mark.parametrize(("mode", "problem"), [(0o622, "others may write"), (0o604, "everybody may read")])
def test_others_may_not_get_at_it(file, mode, problem):
    path = file("ann:secret\n")
    path.chmod(mode)
    with pytest.raises(ConfigError, match=problem):
        PasswordFile(path)


@pytest.mark.parametrize("name", ["", "Cookie", "X-Forwarded-For", "Sec-Fetch-Site", "a b", "x" * 200])
def test_a_header_that_a_browser_can_send_is_no_login(name):
    with pytest.raises(ConfigError):
        HeaderLogin(name)


@pytest.mark.parametrize(("value", "answer"), [("ann", "full"), ("", None), ("ann,eve", None), (None, None)])
def test_a_proxy_tells_who_has_logged_in(value, answer):
    headers = {} if value is None else {"X-Forwarded-User": value}
    with app.test_request_context(headers=headers):
        assert HeaderLogin("X-Forwarded-User")(request) == answer
