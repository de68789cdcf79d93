"""`pyresque demo`."""

from __future__ import annotations

import os

import click

from pyresque.cli.common_options import Settings, common, pass_settings


@click.command()
@common
@pass_settings
def demo(settings: Settings) -> None:
    """See Ruby's jobs run by Python workers, in a few seconds.

    Uses --redis or REDIS_URL where one is given (with a namespace of its own, removed at the end), else
    starts a Redis of its own.
    """
    from pyresque.demo import run

    server = settings.redis or os.environ.get("REDIS_URL") or os.environ.get("RESQUE_REDIS_URL")
    click.get_current_context().exit(run(server, click.echo))
