"""`ioc notify CHANNEL`: one test message to everybody behind a channel, now."""

from __future__ import annotations

import os

from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc.i18n import _
from ioc.notify.channels import ChannelError, DeliveryError, Recipient, read_channels


def send_test(channel: str, *, as_json: bool) -> int:
    """Exit code 1 when one message was not delivered. Raises CommandError."""
    try:
        channels = read_channels(os.environ)
    except ChannelError as error:
        raise CommandError(str(error)) from error
    names = channels.of(channel)
    if not names:
        variable = "IOC_CHANNEL_" + channel.upper().replace("-", "_")
        raise CommandError(_("no such channel; set {variable}", variable=variable))
    outcomes = {one.name: _send(one) for one in channels if one.name in names}
    if as_json:
        say_json([{"recipient": name, "error": why} for name, why in outcomes.items()])
    else:
        for name, why in outcomes.items():
            say(f"{name}: {paint(_('delivered'), 'good') if why is None else paint(why, 'bad')}")
    return ExitCode.PROBLEM if any(outcomes.values()) else ExitCode.FINE


def _send(recipient: Recipient) -> str | None:
    """None when it was delivered, else why not."""
    text = _("Test message of the monitoring. Nothing is wrong.")
    try:
        recipient.send(text, text)
    except DeliveryError as error:
        return str(error)
    return None
