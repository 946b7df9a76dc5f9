"""The commands of those on duty: incidents, planned work, accounts, tokens, test messages."""

from __future__ import annotations

from typing import Any

import click

from ioc._cli_base import (
    Command,
    Group,
    Option,
    inventory_option,
    json_option,
    settings,
    with_inventory,
)
from ioc.i18n import mark


@click.group("incidents", cls=Group, help=mark("What is wrong, and what is done about it."))
def incident_commands() -> None:
    """Commands on incidents."""


@incident_commands.command("list", help=mark("Open incidents, the worst first."))
@click.option("--all", "ended", is_flag=True, cls=Option, help=mark("Ended ones, too."))
@json_option
def list_incidents(ended: bool, as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_incidents import show_incidents

    return show_incidents(settings(), ended=ended, as_json=as_json)


@incident_commands.command("show", help=mark("One incident with its timeline and messages."))
@click.argument("number", type=click.IntRange(1))
@json_option
def show_one(number: int, as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_incidents import show_incident

    return show_incident(settings(), number, as_json=as_json)


@incident_commands.command("ack", help=mark("Take an incident on: nothing escalates any more."))
@click.argument("number", type=click.IntRange(1))
@click.option("--text", default="", cls=Option, help=mark("A note for its timeline."))
@json_option
def acknowledge(number: int, text: str, as_json: bool) -> int:
    """Tell the running program."""
    from ioc._cli_incidents import act

    return act(settings(), number, "acknowledge", {"text": text}, as_json=as_json)


@incident_commands.command("comment", help=mark("Note something in an incident's timeline."))
@click.argument("number", type=click.IntRange(1))
@click.argument("text")
@json_option
def comment(number: int, text: str, as_json: bool) -> int:
    """Tell the running program."""
    from ioc._cli_incidents import act

    return act(settings(), number, "comment", {"text": text}, as_json=as_json)


@incident_commands.command("assign", help=mark("Give an incident to somebody."))
@click.argument("number", type=click.IntRange(1))
@click.argument("who")
@json_option
def assign(number: int, who: str, as_json: bool) -> int:
    """Tell the running program."""
    from ioc._cli_incidents import act

    return act(settings(), number, "assign", {"to": who}, as_json=as_json)


@incident_commands.command(
    "resolve", help=mark("Note the cause. The incident ends as soon as it is measured to work.")
)
@click.argument("number", type=click.IntRange(1))
@click.option("--cause", required=True, cls=Option, help=mark("What it was."))
@json_option
def resolve(number: int, cause: str, as_json: bool) -> int:
    """Tell the running program."""
    from ioc._cli_incidents import act

    return act(settings(), number, "resolve", {"cause": cause}, as_json=as_json)


@incident_commands.command(
    "what-if", help=mark("What would happen if a site or an asset failed now. Nothing is sent.")
)
@click.argument("subject")
@json_option
def what_if(subject: str, as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_incidents import show_what_if

    return show_what_if(settings(), subject, as_json=as_json)


@click.group("maintenance", cls=Group, help=mark("Planned work: trouble there alarms nobody."))
def maintenance_commands() -> None:
    """Commands on planned work."""


@maintenance_commands.command("list", help=mark("Planned work that is not over."))
@json_option
def list_work(as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_maintenance import show_work

    return show_work(settings(), as_json=as_json)


@maintenance_commands.command(
    "plan", help=mark("Plan work. Times as 2026-08-22T22:00, of the area.")
)
@click.argument("text")
@click.option("--from", "starts_at", cls=Option, help=mark("When it begins (now)."))
@click.option("--until", "ends_at", cls=Option, help=mark("When it ends."))
@click.option("--for", "length", cls=Option, help=mark("How long instead, for example 2h."))
@click.option("--site", "sites", multiple=True, cls=Option, help=mark("Only this place."))
@click.option("--asset", "assets", multiple=True, cls=Option, help=mark("Only this asset."))
@click.option("--kind", "kinds", multiple=True, cls=Option, help=mark("Only this kind of asset."))
@click.option("--day", "days", multiple=True, cls=Option, help=mark("Every week on mon, tue, …"))
@click.option("--hours", default=None, cls=Option, help=mark("Hours of these days: 22:00-05:00."))
@json_option
def plan_work(as_json: bool, **given: object) -> int:
    """Tell the running program."""
    from ioc._cli_maintenance import plan

    return plan(settings(), given, as_json=as_json)


@maintenance_commands.command("end", help=mark("End planned work now."))
@click.argument("number", type=click.IntRange(1))
@json_option
def end_work(number: int, as_json: bool) -> int:
    """Tell the running program."""
    from ioc._cli_maintenance import end

    return end(settings(), number, as_json=as_json)


@click.group("user", cls=Group, help=mark("Accounts of people."))
def user_commands() -> None:
    """Commands on accounts."""


role_option = click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    default="viewer",
    cls=Option,
    help=mark("What the account may do: viewer, operator or admin."),
)


@user_commands.command("add", help=mark("A new account. Prints the link to choose its password."))
@click.argument("name")
@role_option
@json_option
def add_user(name: str, role: str, as_json: bool) -> int:
    """Add an account."""
    from ioc._cli_user import add

    return add(settings(), name, role, as_json=as_json)


@user_commands.command("list", help=mark("All accounts."))
@json_option
def list_users(as_json: bool) -> int:
    """List accounts."""
    from ioc._cli_user import show_users

    return show_users(settings(), as_json=as_json)


@user_commands.command("disable", help=mark("Let somebody in no more; signs him out everywhere."))
@click.argument("name")
@json_option
def disable_user(name: str, as_json: bool) -> int:
    """Disable an account."""
    from ioc._cli_user import change

    return change(settings(), name, {"enabled": False}, as_json=as_json)


@user_commands.command("enable", help=mark("Let somebody in again."))
@click.argument("name")
@json_option
def enable_user(name: str, as_json: bool) -> int:
    """Enable an account."""
    from ioc._cli_user import change

    return change(settings(), name, {"enabled": True}, as_json=as_json)


@user_commands.command("role", help=mark("Give an account another role."))
@click.argument("name")
@click.argument("role", type=click.Choice(["viewer", "operator", "admin"]))
@json_option
def change_role(name: str, role: str, as_json: bool) -> int:
    """Change a role."""
    from ioc._cli_user import change

    return change(settings(), name, {"role": role}, as_json=as_json)


@user_commands.command("link", help=mark("A new link to choose a password, for one who forgot it."))
@click.argument("name")
@json_option
def password_link(name: str, as_json: bool) -> int:
    """Give a link."""
    from ioc._cli_user import change

    return change(settings(), name, {"link": True}, as_json=as_json)


@click.group("token", cls=Group, help=mark("Bearer tokens for other programs."))
def token_commands() -> None:
    """Commands on tokens."""


@token_commands.command("create", help=mark("A new token. Its secret is shown this once."))
@click.argument("name")
@role_option
@click.option(
    "--days",
    type=click.FloatRange(0.01, 3650),
    default=365.0,
    cls=Option,
    help=mark("Days until it expires (365)."),
)
@json_option
def create_token(name: str, role: str, days: float, as_json: bool) -> int:
    """Create a token."""
    from ioc._cli_user import create_token as create

    return create(settings(), name, role, days, as_json=as_json)


@token_commands.command("list", help=mark("All tokens, without their secrets."))
@json_option
def list_tokens(as_json: bool) -> int:
    """List tokens."""
    from ioc._cli_user import show_tokens

    return show_tokens(settings(), as_json=as_json)


@token_commands.command("revoke", help=mark("End a token."))
@click.argument("id")
@json_option
def revoke_token(id: str, as_json: bool) -> int:
    """Revoke a token."""
    from ioc._cli_user import revoke

    return revoke(settings(), id, as_json=as_json)


@click.command(
    "notify", cls=Command, help=mark("Send a test message to everybody behind a channel.")
)
@click.argument("channel")
@json_option
def notify(channel: str, as_json: bool) -> int:
    """Send a test message."""
    from ioc._cli_notify import send_test

    settings()  # reads .env
    return send_test(channel, as_json=as_json)


@click.command(
    "report",
    cls=Command,
    help=mark("Make a report: of the last month that is over, unless a period is named."),
)
@click.option("--month", cls=Option, help=mark("A month, as 2026-10."))
@click.option("--quarter", cls=Option, help=mark("A quarter, as 2026-Q3."))
@click.option("--year", type=int, cls=Option, help=mark("A year, as 2026."))
@click.option("--from", "since", cls=Option, help=mark("First day, as 2026-09-30 or 30/09/2026."))
@click.option("--to", "until", cls=Option, help=mark("Last day."))
@click.option("--place", cls=Option, help=mark("Only this unit (id)."))
@click.option(
    "--units",
    type=click.Choice(["now", "before"]),
    default="now",
    cls=Option,
    help=mark("Units as they are at the end of the period, or as before the last merger."),
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["pdf", "xlsx"]),
    multiple=True,
    cls=Option,
    help=mark("Only this kind of file (both)."),
)
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), cls=Option, help=mark("Language of the report.")
)
@click.option("--output", "-o", cls=Option, help=mark("Folder or file to write (here)."))
@inventory_option
@json_option
def report(inventory: str | None, as_json: bool, **given: Any) -> int:
    """Make a report."""
    from ioc._cli_report import Words, make

    return make(with_inventory(settings(), inventory), Words(**given), as_json=as_json)


GROUPS = (incident_commands, maintenance_commands, user_commands, token_commands, notify, report)
