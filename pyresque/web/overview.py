"""The first page: how everything is, and what needs a person on top."""

from __future__ import annotations

from flask import Blueprint, g, render_template

pages = Blueprint("overview", __name__)


@pages.get("/")
def home() -> str:
    """The overview."""
    return render_template("overview.html", health=g.resque.health(quick=True))
