"""A search for jobs with workers, among the delayed ones and on queues."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request

from pyresque.web.names import handle, shown

pages = Blueprint("search", __name__)


@pages.get("/search")
def search() -> str:
    """What was found of a text or a class."""
    text, class_name = request.args.get("text", "").strip(), request.args.get("class_name", "").strip()
    found = g.resque.find_jobs(text or None, class_name or None) if text or class_name else None
    return render_template(
        "search.html", text=text, class_name=class_name, found=found, shown=shown, handle=handle
    )
