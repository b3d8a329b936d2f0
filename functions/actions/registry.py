"""Every action there is. A new one is a file beside this and a line in ACTIONS."""

from typing import Final

from functions.actions import channels, echo, ping
from functions.actions.dispatch import Action, Actions

ACTIONS: Final[Actions] = {
    "echo": Action(echo.Echo, echo.echo),
    "ping": Action(ping.Ping, ping.ping),
    "publish": Action(channels.Publish, channels.publish),
    "subscribe": Action(channels.Subscribe, channels.subscribe),
    "unsubscribe": Action(channels.Unsubscribe, channels.unsubscribe),
}
