"""The page of the audit log."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, g, render_template

from pyresque.store.audit import KEPT
from pyresque.web import audit, paging

pages = Blueprint("audit_log", __name__)


@pages.get("/audit")
def log() -> str:
    """What was done from the dashboard, the newest first."""
    page = paging.asked()
    entries, total = audit.newest(g.resque, page.first - 1, page.size)
    page = replace(page, total=total, more=page.first + page.size <= total)
    return render_template("audit.html", entries=entries, page=page, kept=KEPT)
