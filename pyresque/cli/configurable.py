"""Commands whose options may be settings: what their command line does not say is taken from there."""

from __future__ import annotations

from collections.abc import Mapping

import click
from click.core import ParameterSource

from pyresque.cli.common_options import Settings
from pyresque.config.setting_table import TABLES
from pyresque.errors import ConfigError


class ConfigurableCommand(click.Command):
    """A command with a table of its own among the settings."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line, over what is set."""
        given = self.make_parser(ctx).parse_args([*args])[2]
        is_eager = any(param.is_eager for param in given)  # --help needs no settings
        if not ctx.resilient_parsing and not is_eager:
            settings = ctx.ensure_object(Settings)
            settings.command = str(self.name)
            names = self.setting_names()
            options = {names[str(param.name)] for param in given if param.name in names}
            values = settings.stored.given(settings.command, options)
            ctx.default_map = {param: values[name].value for param, name in names.items() if name in values}
            sources = {param: values[name].source for param, name in names.items() if name in values}
            return self._parsed(ctx, args, sources)
        return super().parse_args(ctx, args)

    def _parsed(self, ctx: click.Context, args: list[str], sources: Mapping[str, str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            name = str(error.param.name) if error.param else ""
            if name not in sources or ctx.get_parameter_source(name) != ParameterSource.DEFAULT_MAP:
                raise
            raise ConfigError(f"{sources[name]}: {error.message}") from None

    def setting_names(self) -> dict[str, str]:
        """The names of the command's own settings, by the names of their parameters."""
        return {
            str(param.name): setting.name
            for param in self.params
            for setting in TABLES[str(self.name)]
            if any(f"--{name}" in param.opts for name in setting.names)
        }


class ConfigurableGroup(ConfigurableCommand, click.Group):
    """The same for a command that has commands of its own; their settings are its settings."""
