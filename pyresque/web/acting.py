"""The one way to act from a page: a POST, asked back where it destroys or repeats, in bounded rounds.

A page has a form that posts to `acting.act` with the action's name and what it is to be done with: the ids
of some elements, or filters. The answer is a page that says what would happen and asks, unless the action
needs no asking or has been confirmed. Then it is done with at most `ROUND` elements in one request; if
more are left, a page says so and offers to go on. At the end the browser is sent back to where it came from,
with a notice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict

from pyresque.web import audit, form_token

ROUND = 5_000
"""Elements that are acted on in one request, at most."""
NOTICE = "pyresque_notice"
"""The cookie that keeps what an action has done until the next page shows it."""
NOTICE_LENGTH = 300
"""Characters of a notice: a cookie holds some four thousand bytes, and one of these may take twelve."""
SET_ANEW = ("token", "confirmed", "done", "after")
"""Fields that each request of an action sets for itself."""

Form = MultiDict[str, str]


@dataclass(frozen=True)
class Question:
    """What would happen, to be confirmed.

    `count`: with how many, None where nobody counted; `by_class`: of which classes. `note`: what else one
    should know, such as that only the newest were looked at.
    """

    count: int | None = None
    by_class: dict[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What was done: a sentence, with how many, and whether there is more to do in another round.

    `after` is what the next round finds in the field of this name: where it goes on.
    """

    text: str
    count: int
    more: bool = False
    after: str = ""


@dataclass(frozen=True)
class Action:
    """Something that can be done.

    Attributes:
        name: what forms and the audit log call it, such as `failed.retry`.
        label: the verb on its button, such as `Retry`.
        ask: tells what would happen, for the question; None where the action asks nobody.
        act: does it (one round of it).
        is_dangerous: whether something is lost by it.
        verb: how its question begins; its label, unless it is given.
        noun: what it is done with, as one of them is called.
    """

    name: str
    label: str
    act: Callable[[Form], Outcome]
    ask: Callable[[Form], Question | None] | None = None
    is_dangerous: bool = False
    verb: str = ""
    noun: str = "job"


ACTIONS: dict[str, Action] = {}


def action(
    name: str,
    label: str,
    *,
    ask: Callable[[Form], Question | None] | None = None,
    is_dangerous: bool = False,
    verb: str = "",
    noun: str = "job",
) -> Callable[[Callable[[Form], Outcome]], Callable[[Form], Outcome]]:
    """Make a function an action; see `Action`. `ask` may give None: then it is done at once."""

    def register(act: Callable[[Form], Outcome]) -> Callable[[Form], Outcome]:
        ACTIONS[name] = Action(name, label, act, ask, is_dangerous, verb or label, noun)
        return act

    return register


pages = Blueprint("acting", __name__)


@pages.post("/actions/<name>")
def act(name: str) -> Response:
    """Ask about an action, or do one round of it."""
    chosen = ACTIONS.get(name)
    if chosen is None:
        abort(404, "There is no such action.")
    form = request.form
    back = local(form.get("back", ""))
    if chosen.ask is not None and "confirmed" not in form:
        question = chosen.ask(form)
        if question is not None:
            return make_response(
                render_template(
                    "confirm.html", action=chosen, question=question, fields=_kept(form), back=back
                )
            )
    with audit.recorded(name, _about(form)) as entry:
        outcome = chosen.act(form)
        entry.count = outcome.count
    done = outcome.count + _whole(form.get("done", ""))
    if outcome.more:
        fields = [*_kept(form), ("confirmed", "1"), ("done", str(done)), ("after", outcome.after)]
        return make_response(
            render_template("go_on.html", action=chosen, done=done, fields=fields, back=back)
        )
    answer = redirect(back, 303)
    answer.set_cookie(
        NOTICE,
        quote(json.dumps(_text(outcome, done))),
        max_age=60,
        path=form_token.mount(),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return make_response(answer)


def _text(outcome: Outcome, done: int) -> str:
    text = outcome.text if done == outcome.count else f"{outcome.text} ({done} in all)"
    return text if len(text) <= NOTICE_LENGTH else text[: NOTICE_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _kept(form: Form) -> list[tuple[str, str]]:
    """What a form holds, for the next one; without what is set anew."""
    return [(name, value) for name, value in form.items(multi=True) if name not in SET_ANEW]


def _about(form: Form) -> str:
    """What an action is done with, for the audit log: the names and values of its form."""
    return ", ".join(f"{name}={value}" for name, value in _kept(form) if value and name != "back") or "all"


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def local(path: str) -> str:
    """A path of this dashboard to go back to; its first page where the text is something else."""
    is_path = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_path and path.isascii() and path.isprintable() else form_token.mount()


def notice() -> str:
    """What the last action has done, once; empty where there is nothing to tell."""
    try:
        text: Any = json.loads(unquote(request.cookies.get(NOTICE, '""')))
    except (ValueError, RecursionError):
        return ""
    return text[:500] if isinstance(text, str) else ""


@pages.after_app_request
def forget_notice(response: Response) -> Response:
    """A notice that was shown is not shown again."""
    if NOTICE in request.cookies and request.method == "GET" and response.mimetype == "text/html":
        response.delete_cookie(
            NOTICE, path=form_token.mount(), secure=request.is_secure, httponly=True, samesite="Strict"
        )
    return response
