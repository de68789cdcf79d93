"""`pyresque completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pyresque.cli.common_options import common

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@common
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands.

    \b
    bash:  pyresque completion bash > ~/.local/share/bash-completion/completions/pyresque.bash
    zsh:   pyresque completion zsh > ~/.zfunc/_pyresque     (with fpath+=~/.zfunc before compinit)
    fish:  pyresque completion fish > ~/.config/fish/completions/pyresque.fish

    For one session:  eval "$(pyresque completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(ctx.find_root().command, {}, "pyresque", "_PYRESQUE_COMPLETE").source())
