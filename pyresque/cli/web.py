"""`pyresque web`: the dashboard on a port of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, pass_settings, require_option
from pyresque.cli.configurable import ConfigurableCommand
from pyresque.cli.folders import absolute
from pyresque.cli.log_options import log_options
from pyresque.cli.schedule_file import file_name, schedule_file_option, scheduler_options
from pyresque.cli.web_flags import Flags
from pyresque.errors import ConfigError

if TYPE_CHECKING:
    from pyresque.client.resque import Resque
    from pyresque.web.access import Authorize

PORT = 5678
"""That of resque-web."""
_NAMED_REDIS = re.compile(r"([^:/@?#=]+)=(.+)", re.DOTALL)
_NAMED_NAMESPACE = re.compile(r"([^=]+)=(.*)", re.DOTALL)


def _print_hash() -> None:
    _needed()
    from pyresque.web.logins import hashed

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise ConfigError("an empty password lets everybody in: give another one")
    click.echo(hashed(password))


@click.command(cls=ConfigurableCommand)
@click.option("--host", metavar="NAME", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="0: any that is free.",
)
@click.option(
    "--unix-socket", metavar="FILE", help="Listen on this socket instead, for a proxy on this machine."
)
@click.option(
    "--password-file",
    metavar="FILE",
    help="Ask for a login. The file has lines NAME:PASSWORD, or NAME: and what --hash-password prints; those "
    "below a line [read] may only look.",
)
@click.option(
    "--auth-header",
    metavar="NAME",
    help="A proxy asks for the login, and names in this header who it is. Only the proxy may reach us.",
)
@click.option(
    "--insecure-no-auth",
    is_flag=True,
    help="Let in everybody who can reach us, also on other hosts. Whoever does may do everything.",
)
@click.option("--read-only", is_flag=True, help="Nobody may change anything.")
@click.option(
    "--allow-host",
    metavar="NAME",
    multiple=True,
    help="Answer to this host name, too; .example.com is a domain with all below it.",
)
@click.option(
    "--trusted-origin",
    metavar="URL",
    multiple=True,
    help="The address in the browser where a proxy changes the host, such as https://jobs.example.com.",
)
@click.option(
    "--behind-proxy",
    is_flag=True,
    help="Trust what one proxy says in X-Forwarded-For, -Proto, -Host and -Prefix. Only it may reach us.",
)
@click.option("--title", metavar="TEXT", help="The name at the top. Else the namespace.")
@click.option(
    "--filter",
    metavar="WORD",
    multiple=True,
    help="Hide arguments whose name holds this word, too. May be given several times.",
)
@click.option(
    "--threads", type=click.IntRange(1, 1000), default=8, show_default=True, help="Requests at one time."
)
@click.option(
    "--hash-password",
    is_flag=True,
    help="Ask for a password, print what may take its place in a password file, and end.",
)
@log_options("info", rubys=False)
@click.option(
    "--redis",
    metavar="[NAME=]URL",
    multiple=True,
    help="As of every command. With names, given several times: one dashboard for all of them.",
)
@click.option(
    "--namespace",
    metavar="[NAME=]NAMESPACE",
    multiple=True,
    help="As of every command. With names, given several times: one dashboard for all of them.",
)
@schedule_file_option
@require_option
@pass_settings
def web(settings: Settings, /, hash_password: bool, **flags: Any) -> None:
    """Serve the dashboard, to look at and to act on.

    It listens on this machine only. On another host it wants a login (--password-file, --auth-header).
    TERM or Ctrl-C ends it. -r imports your jobs, so that the dashboard knows which classes run here.
    """
    if hash_password:
        _print_hash()
    else:
        run(settings, Flags(**flags))


def _needed() -> None:
    """Say what to install where it is missing."""
    try:
        import flask  # noqa: F401 (are they there?)
        import waitress  # noqa: F401 (are they there?)
    except ImportError as error:
        raise ConfigError(
            f"the dashboard needs Flask and waitress, and {error.name} is not installed: "
            "pip install 'pyresque[web]'"
        ) from None


def run(settings: Settings, flags: Flags) -> None:
    """Serve until somebody ends it."""
    _needed()
    from pyresque.cli.log_format import restore, set_up
    from pyresque.cli.web_server import Server, is_local, own_hosts
    from pyresque.web import create_app
    from pyresque.web.scheduler_settings import Schedulers

    set_up(0, flags.log_file or "", flags.log_format or "text", flags.log_level, default="info")
    authorize = _authorize(flags)
    if (
        flags.unix_socket is None
        and authorize is None
        and not flags.insecure_no_auth
        and not is_local(flags.host)
    ):
        raise ConfigError(
            f"{flags.host} can be reached from elsewhere, and the dashboard would do what anybody asks: give "
            "--password-file FILE or --auth-header NAME, or listen on 127.0.0.1"
        )
    resques = _resques(settings, flags)
    settings.import_known_jobs()
    restore()
    app: Any = create_app(
        resques,
        read_only=flags.read_only,
        authorize=authorize,
        allowed_hosts=[*own_hosts(flags.host), *flags.allow_host],
        trusted_origins=flags.trusted_origin,
        filter_args=flags.filter,
        title=flags.title,
        schedulers=Schedulers(scheduler_options(settings), file_name(settings, flags.file)),
    )
    server = Server(app, flags)
    server.tell(resques)
    server.run()


def _authorize(flags: Flags) -> Authorize | None:
    """The login that was asked for."""
    from pyresque.web.logins import HeaderLogin, PasswordFile

    asked = [flags.password_file is not None, flags.auth_header is not None, flags.insecure_no_auth]
    if sum(asked) > 1:
        raise ConfigError("choose one of --password-file, --auth-header and --insecure-no-auth")
    if flags.password_file is not None:
        return PasswordFile(absolute(Path(flags.password_file)))
    return None if flags.auth_header is None else HeaderLogin(flags.auth_header)


def _resques(settings: Settings, flags: Flags) -> Resque | Mapping[str, Resque]:
    """What is shown: one, or several by the names before `=`."""
    servers, server = _named(_NAMED_REDIS, flags.redis)
    namespaces, namespace = _named(_NAMED_NAMESPACE, flags.namespace)
    settings.redis = server or settings.redis
    settings.namespace = settings.namespace if namespace is None else namespace
    names = dict.fromkeys([*servers, *namespaces])
    if not names:
        return settings.resque()
    return {name: settings.resque(server=servers.get(name), namespace=namespaces.get(name)) for name in names}


def _named(form: re.Pattern[str], values: tuple[str, ...]) -> tuple[dict[str, str], str | None]:
    """Those with names, and the last one without."""
    named: dict[str, str] = {}
    plain = None
    for value in values:
        match = form.fullmatch(value)
        if match is None:
            plain = value
        elif match[1] in named:
            raise ConfigError(f"{match[1]} is named twice: give each its own name")
        else:
            named[match[1]] = match[2]
    return named, plain
