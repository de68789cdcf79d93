"""The options that every command takes, and the way from them to a Resque."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyresque.config.env import Config
from pyresque.config.options import STYLES
from pyresque.config.server_setting import without_login
from pyresque.config.settings import Rank, RedisSetting, load
from pyresque.config.settings import Settings as Stored
from pyresque.errors import ImportFailed

if TYPE_CHECKING:
    from pyresque.client.resque import Resque
    from pyresque.wire.encoding import Style

F = TypeVar("F", bound=Callable[..., Any])

HELP = {"help_option_names": ["-h", "--help"]}


@dataclass
class Settings:
    """What was given before and after the command's name, over what is set elsewhere.

    `command`: the command that runs, if it has settings of its own.
    """

    redis: str | None = None
    namespace: str | None = None
    modules: list[str] = field(default_factory=list)
    command: str = ""

    @cached_property
    def stored(self) -> Stored:
        """What PYRESQUE_* variables, Ruby's variables and the settings file say.

        Raises:
            ConfigError: one of them cannot be used.
        """
        return load()

    @property
    def config(self) -> Config:
        """What Ruby's variables say.

        Raises:
            ConfigError: a variable holds something that it cannot mean.
        """
        return self.stored.config

    def value(self, name: str) -> Any:
        """The value of a setting that was not given as an option."""
        return self.stored.find(self.command, name).value

    @property
    def redis_setting(self) -> RedisSetting:
        """Where Redis is, and the namespace."""
        return self.stored.redis_setting_for(self.command, self.redis, self.namespace)

    @property
    def given(self) -> list[str]:
        """The options that said which Redis is meant, for another command; a password is not repeated."""
        said = {"--redis": self.redis and without_login(self.redis), "--namespace": self.namespace}
        return [word for option, value in said.items() if value for word in (option, value)]

    @property
    def server(self) -> str:
        """Where Redis is, as it was written."""
        return self.redis_setting.server

    def import_jobs(self) -> None:
        """Import the modules of `-r`, else those of the settings.

        Raises:
            ImportFailed: one of them cannot be imported.
        """
        from pyresque.cli.load_jobs import import_jobs

        if self.modules:
            import_jobs(self.modules)
            return
        modules = self.stored.find(self.command, "require")
        file = self.stored.file if modules.rank == Rank.FILE else None
        import_jobs(modules.value, file.path.parent if file else None)

    def resque(
        self,
        failure_backend: str | None = None,
        json_style: Style | None = None,
        *,
        server: str | None = None,
        namespace: str | None = None,
    ) -> Resque:
        """A Resque as the settings describe it, or on another server or namespace; nothing is sent yet.

        Raises:
            ConfigError: the settings cannot be used.
        """
        from pyresque.client.resque import Resque
        from pyresque.failure import backend_named

        redis_setting = self.stored.redis_setting_for(
            self.command, server or self.redis, self.namespace if namespace is None else namespace
        )
        return Resque(
            redis_setting.server,
            redis_setting.namespace,
            json_style=json_style or self.value("json-style"),
            failure=backend_named(failure_backend or self.value("failure-backend")),
        )

    def connected(self, json_style: Style | None = None) -> Resque:
        """The same, with the user's modules imported and a Redis that has answered.

        Raises:
            ImportFailed: one of the modules cannot be imported.
            RedisError: Redis cannot be reached, refuses us or is too old.
        """
        resque = self.resque(json_style=json_style)
        self.import_jobs()
        return _answering(resque)

    def reading(self, jobs: bool = False) -> Resque:
        """The same for a command that only looks: it must work where the application does not.

        Of the modules only those of `-r` are imported; those of the settings with `jobs`, and it is only told
        if they cannot be.

        Raises:
            ImportFailed: a module of `-r` cannot be imported.
            RedisError: Redis cannot be reached, refuses us or is too old.
        """
        resque = self.resque()
        if self.modules or jobs:
            self.import_known_jobs()
        return _answering(resque)

    def import_known_jobs(self) -> None:
        """Import the modules where that only tells which jobs are known here: those of the settings may fail.

        Raises:
            ImportFailed: a module of `-r` cannot be imported.
        """
        try:
            self.import_jobs()
        except ImportFailed as error:
            if self.modules:
                raise
            click.echo(f"Warning: {error}", err=True)


def _answering(resque: Resque) -> Resque:
    from pyresque.store.connection.server import check

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


def style_option(command: F) -> F:
    """Give a command `--json-style`."""
    return click.option(
        "--json-style",
        type=click.Choice(STYLES),
        callback=_style,
        help="How the Ruby side writes JSON; matters only if it compares bytes. Else ruby.",
    )(command)


def _style(ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    return value or ctx.ensure_object(Settings).value("json-style")


def require_option(command: F) -> F:
    """Give a command `-r` alone, where it has `--redis` and `--namespace` of its own."""
    return _COMMON[2](command)


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
        help="Where Redis is: redis://..., or host:port. Else PYRESQUE_REDIS, REDIS_URL, RESQUE_REDIS_URL, "
        "the settings file, localhost:6379.",
    ),
    click.option(
        "--namespace",
        metavar="NAME",
        expose_value=False,
        callback=_keep,
        help="What every key begins with. Else PYRESQUE_NAMESPACE, RESQUE_NAMESPACE, the settings file, "
        "resque.",
    ),
    click.option(
        "-r",
        "--require",
        "modules",
        metavar="MODULE",
        multiple=True,
        expose_value=False,
        callback=_keep,
        help="Import your jobs: app.jobs or app/jobs.py. May be given several times. Else PYRESQUE_REQUIRE, "
        "the settings file.",
    ),
)
