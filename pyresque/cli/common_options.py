"""The options that every command takes, and the way from them to a Resque."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyresque.config.env import Config
from pyresque.config.server_setting import parse_server

if TYPE_CHECKING:
    from pyresque.client.resque import Resque
    from pyresque.wire.encoding import Style

F = TypeVar("F", bound=Callable[..., Any])

STYLES = ("ruby", "ruby-json2.10", "rails", "rails-json2.10")
HELP = {"help_option_names": ["-h", "--help"]}


@dataclass
class Settings:
    """What was given before and after the command's name, over what the environment says."""

    redis: str | None = None
    namespace: str | None = None
    modules: list[str] = field(default_factory=list)

    @cached_property
    def config(self) -> Config:
        """What the environment says.

        Raises:
            ConfigError: a variable holds something that it cannot mean.
        """
        return Config.from_env(os.environ)

    @property
    def server(self) -> str:
        """Where Redis is, as it was written."""
        return self.redis or self.config.server

    @property
    def chosen_namespace(self) -> str | None:
        """The namespace that was asked for; None where nobody did."""
        if self.namespace is not None:
            return self.namespace
        named = parse_server(self.redis).namespace if self.redis else None
        return named if named is not None else self.config.namespace or None

    def import_jobs(self) -> None:
        """Import the modules of `-r`.

        Raises:
            ImportFailed: one of them cannot be imported.
        """
        from pyresque.cli.load_jobs import import_jobs

        import_jobs(self.modules)

    def resque(self, failure_backend: str | None = None, json_style: Style = "ruby") -> Resque:
        """A Resque as the settings describe it; nothing is sent yet.

        Raises:
            ConfigError: the settings cannot be used.
        """
        from pyresque.client.resque import Resque
        from pyresque.failure import backend_named

        return Resque(
            self.server,
            self.chosen_namespace,
            json_style=json_style,
            failure=backend_named(failure_backend or self.config.failure_backend),
        )

    def connected(self, json_style: Style = "ruby") -> Resque:
        """The same, with the user's modules imported and a Redis that has answered.

        Raises:
            ImportFailed: a module of `-r` cannot be imported.
            RedisError: Redis cannot be reached, refuses us or is too old.
        """
        from pyresque.store.connection.server import check

        resque = self.resque(json_style=json_style)
        self.import_jobs()
        check(resque.link)
        return resque


def common(command: F) -> F:
    """Give a command the options that all have; a later one wins over an earlier one."""
    for option in reversed(_COMMON):
        command = option(command)
    return command


def json_option(command: F) -> F:
    """Give a command `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON, one document on a line, for programs."
    )(command)


def limit_option(which: str, shown: int) -> Callable[[F], F]:
    """Give a command `--limit`: how many of the `which` (next, last) it lists, `shown` without it."""
    return click.option(
        "-n",
        "--limit",
        type=click.IntRange(0),
        help=f"How many, 0 for all. Without it the {which} {shown}; with --json all.",
    )


def style_option(command: F) -> F:
    """Give a command `--json-style`."""
    return click.option(
        "--json-style",
        type=click.Choice(STYLES),
        default="ruby",
        show_default=True,
        help="How the Ruby side writes JSON; matters only if it compares bytes.",
    )(command)


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    settings = ctx.ensure_object(Settings)
    if param.name == "modules":
        settings.modules += value
    elif value is not None:
        setattr(settings, str(param.name), value)


_COMMON = (
    click.option(
        "--redis",
        metavar="URL",
        expose_value=False,
        callback=_keep,
        help="Where Redis is: redis://..., or host:port. Else REDIS_URL, RESQUE_REDIS_URL, localhost:6379.",
    ),
    click.option(
        "--namespace",
        metavar="NAME",
        expose_value=False,
        callback=_keep,
        help="What every key begins with. Else RESQUE_NAMESPACE, else resque.",
    ),
    click.option(
        "-r",
        "--require",
        "modules",
        metavar="MODULE",
        multiple=True,
        expose_value=False,
        callback=_keep,
        help="Import your jobs: app.jobs or app/jobs.py. May be given several times.",
    ),
)
