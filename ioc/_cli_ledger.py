"""The commands of the ledger: where the targets stand, and the ways figures come in."""

from __future__ import annotations

import click

from ioc._cli_base import Group, Option, json_option, settings
from ioc.i18n import _, mark

place_option = click.option(
    "--place", default=None, cls=Option, help=mark("A unit instead of the whole area (its id).")
)


@click.group("targets", cls=Group, help=mark("The targets of the district and their figures."))
def target_commands() -> None:
    """Commands on targets."""


@target_commands.command("show", help=mark("Where every target stands, or one with its evidence."))
@click.argument("target", required=False)
@place_option
@click.option(
    "--state",
    type=click.Choice(["met", "partly", "not_met", "tracked", "unknown"]),
    default=None,
    cls=Option,
    help=mark("Only targets in this state."),
)
@json_option
def show(target: str | None, place: str | None, state: str | None, as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_targets import show_target, show_targets

    if target is None:
        return show_targets(settings(), place, state, as_json=as_json)
    if state is not None:
        raise click.UsageError("--state: " + _("goes with the list of all targets"))
    return show_target(settings(), target, place, as_json=as_json)


@target_commands.command(
    "declare", help=mark("Enter a figure. The same day and source again is a correction.")
)
@click.argument("target")
@click.argument("numerator")
@click.argument("denominator")
@click.option("--as-of", "as_of", required=True, cls=Option, help=mark("The day it is of."))
@place_option
@click.option(
    "--source",
    type=click.Choice(["declared", "exported"]),
    default=None,
    cls=Option,
    help=mark("declared by a unit, or exported from another system."),
)
@click.option("--origin", default="", cls=Option, help=mark("Who or which system says so."))
@click.option("--document", default="", cls=Option, help=mark("Number of the document."))
@click.option("--note", default="", cls=Option, help=mark("A note."))
@click.option("--link", "links", multiple=True, cls=Option, help=mark("Where an attachment lies."))
@click.option(
    "--withdraw", "withdrawn", is_flag=True, cls=Option, help=mark("What was said was wrong.")
)
@json_option
def declare(target: str, as_json: bool, **given: object) -> int:
    """Tell the running program."""
    from ioc._cli_targets import declare_reading

    return declare_reading(settings(), target, given, as_json=as_json)


@target_commands.command(
    "import",
    help=mark("Read a workbook or CSV of figures. It is only looked at unless --commit says more."),
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--commit",
    type=click.Choice(["no", "all", "good"]),
    default="no",
    cls=Option,
    help=mark("no: only look; all: enter when every row is good; good: enter the good rows."),
)
@json_option
def take_file(file: str, commit: str, as_json: bool) -> int:
    """Hand a file to the running program."""
    from ioc._cli_targets import import_file

    return import_file(settings(), file, commit, as_json=as_json)


@target_commands.command("template", help=mark("Write the workbook to fill in."))
@click.argument("file", type=click.Path(dir_okay=False))
def template(file: str) -> int:
    """Ask the running program for it."""
    from ioc._cli_targets import write_template

    return write_template(settings(), file)
