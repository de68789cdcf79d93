"""What every answer tells the browser, whatever it is."""

import pytest
from flask import Flask, redirect

from pyresque.web import headers


@pytest.fixture
def client(tmp_path):
    (tmp_path / "a.css").write_text("p {}")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    app.add_url_rule("/", "page", lambda: "text")
    app.add_url_rule("/away", "away", lambda: redirect("http://localhost//elsewhere"))
    headers.add(app)
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/a.css", "/away"])
def test_nothing_is_loaded_from_elsewhere_and_no_other_page_shows_it(client, path):
    answer = client.get(path)
    assert headers.HEADERS.items() <= dict(answer.headers).items()
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    answer.close()


@pytest.mark.parametrize(
    ("path", "kept"), [("/", False), ("/static/a.css", False), ("/static/a.css?v=1", True)]
)
def test_only_a_file_whose_url_changes_with_it_is_kept(client, path, kept):
    answer = client.get(path)
    assert ("immutable" in answer.headers["Cache-Control"]) == kept
    assert ("ETag" in answer.headers) == kept
    answer.close()


def test_a_redirect_stays_here(client):
    assert client.get("/away").headers["Location"] == "/elsewhere"
