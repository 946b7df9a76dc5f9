"""The `ioc` command. Each command here only reads its words and hands over; nothing is measured.

Exit codes: 0 fine, 1 a problem was found, 2 wrong use or bad configuration. Users see one line for
an error, never a traceback; `IOC_DEBUG=1` shows it.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from ioc import __version__
from ioc._cli_base import (
    CommandError,
    ExitCode,
    Group,
    Option,
    inventory_option,
    inventory_trouble,
    json_option,
    load_inventory,
    prepare_output,
    say,
    settings,
    silence,
    translate_click,
    with_inventory,
)
from ioc._cli_duty import GROUPS
from ioc._cli_grafana import grafana_commands
from ioc._cli_ledger import target_commands
from ioc._cli_store import GROUPS as STORE_GROUPS
from ioc.i18n import _, mark, use_language
from ioc.settings import Settings, SettingsError


def main() -> None:
    """Entry point of the `ioc` command."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(words: Sequence[str]) -> int:
    """Run one command line. Returns the exit code; raises nothing."""
    prepare_output()
    translate_click()
    try:
        _choose_language()
        code = _invoke(list(words))
        _flush()
        return code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except CommandError as error:
        _debug_traceback()
        for line in error.lines:
            say(line, error=True)
        say(_("Error: {message}", message=str(error)), error=True)
        return error.code
    except Exception as error:
        _debug_traceback()
        words_of_it = f"{type(error).__name__}: {error}".splitlines()[0]
        text = _("unexpected: {error} (IOC_DEBUG=1 shows where)", error=words_of_it)
        say(_("Error: {message}", message=text), error=True)
        return ExitCode.PROBLEM


def _invoke(words: list[str]) -> int:
    try:
        with commands.make_context("ioc", words) as context:
            return int(commands.invoke(context) or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        with suppress(BrokenPipeError):
            error.show()
        return ExitCode.WRONG_USE
    except BrokenPipeError:
        return ExitCode.FINE  # whoever read the help has seen enough


def _choose_language() -> None:
    """Vietnamese unless IOC_LANG says otherwise, also for the message that says why it cannot."""
    use_language("en" if os.environ.get("IOC_LANG") == "en" else "vi")
    with suppress(CommandError):
        use_language(settings().language)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except BrokenPipeError:
                silence(stream)


def _debug_traceback() -> None:
    if os.environ.get("IOC_DEBUG"):
        traceback.print_exc()


@click.group(
    cls=Group,
    help=mark("Monitoring of a district's computers, links and services."),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    __version__, message="Mini IOC %(version)s", cls=Option, help=mark("Show the version and exit.")
)
def commands() -> None:
    """All commands."""


@commands.command(
    "run", help=mark("Run the monitoring. The page is at http://127.0.0.1:8080 by default.")
)
@inventory_option
def run(inventory: str | None) -> int:
    """Run until stopped."""
    from ioc.app import run as run_app

    return _run_program(run_app, with_inventory(settings(), inventory))


@commands.command(
    "demo", help=mark("Run on a simulated district, with two weeks of past data and failures.")
)
def demo() -> int:
    """Run the simulation until stopped."""
    from ioc.demo import run as run_demo

    return _run_program(run_demo, settings())


@commands.command("check", help=mark("Measure one asset now. Shows every attempt, with reasons."))
@click.argument("asset")
@inventory_option
@json_option
def check(asset: str, inventory: str | None, as_json: bool) -> int:
    """Measure one asset or check."""
    from ioc._cli_check import check_now

    loaded = load_inventory(with_inventory(settings(), inventory).inventory)
    return check_now(loaded.topology, asset, as_json=as_json)


@commands.command("ping", help=mark("Send a few echoes to a host. Exit code 1 when one is lost."))
@click.argument("host")
@click.option(
    "--count",
    "-c",
    type=click.IntRange(1, 1000),
    default=4,
    cls=Option,
    help=mark("How many echoes (4)."),
)
@click.option(
    "--interval",
    "-i",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    cls=Option,
    help=mark("Seconds from one to the next (1)."),
)
@click.option(
    "--timeout",
    "-W",
    type=click.FloatRange(0.05, 60),
    default=2.0,
    cls=Option,
    help=mark("Seconds to wait for a reply (2)."),
)
@json_option
def ping(host: str, count: int, interval: float, timeout: float, as_json: bool) -> int:
    """Ping one host."""
    from ioc._cli_ping import ping_now

    return ping_now(host, count=count, interval=interval, timeout=timeout, as_json=as_json)


@commands.command("status", help=mark("What the running program sees: totals and what is down."))
@json_option
def status(as_json: bool) -> int:
    """Ask the running program."""
    from ioc._cli_status import show_status

    return show_status(settings(), as_json=as_json)


@commands.command("doctor", help=mark("Examine this machine. Says what to do about each problem."))
@inventory_option
@json_option
def doctor(inventory: str | None, as_json: bool) -> int:
    """Examine the machine and the configuration."""
    from ioc._cli_doctor import show_findings

    return show_findings(with_inventory(settings(), inventory), as_json=as_json)


@commands.group("inventory", cls=Group, help=mark("Work with the inventory file."))
def inventory_commands() -> None:
    """Commands on the inventory."""


@inventory_commands.command(
    "validate", help=mark("Check an inventory file. Shows every mistake with its line.")
)
@click.argument("file", required=False)
@json_option
def validate(file: str | None, as_json: bool) -> int:
    """Check an inventory file."""
    from ioc._cli_inventory import show_inventory

    path = settings().inventory if file is None else Path(file)
    return show_inventory(path, as_json=as_json)


for group in (*GROUPS, target_commands, *STORE_GROUPS, grafana_commands):
    commands.add_command(group)


def _run_program(program: Callable[[Settings], int], current: Settings) -> int:
    """Run until stopped; what keeps it from starting becomes a CommandError."""
    from ioc.backup import BackupError, finish
    from ioc.db import StateDatabaseError
    from ioc.inventory.loader import InventoryError
    from ioc.notify.channels import ChannelError
    from ioc.notify.heartbeat import HeartbeatError
    from ioc.store.base import StoreError

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for library in ("apscheduler", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        if left := finish(current):  # a restore that was killed
            say(_("Note: {text}", text=left), error=True)
        return program(current)
    except InventoryError as error:
        raise inventory_trouble(error) from error
    except SettingsError as error:
        raise CommandError(str(error)) from error
    except (ChannelError, HeartbeatError) as error:
        raise CommandError(str(error)) from error
    except (StoreError, StateDatabaseError, BackupError, OSError) as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error


if __name__ == "__main__":
    main()
