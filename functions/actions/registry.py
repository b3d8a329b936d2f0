"""Every action there is. A new one is a file beside this and a line in ACTIONS."""

from typing import Final

from functions.actions import channels, echo, history, ping, presence
from functions.actions.dispatch import Action, Actions

ACTIONS: Final[Actions] = {
    "echo": Action(echo.Echo, echo.echo),
    "history": Action(history.History, history.read),
    "ping": Action(ping.Ping, ping.ping),
    "presence": Action(presence.Presence, presence.read),
    "presenceStats": Action(presence.PresenceStats, presence.read_stats),
    "publish": Action(channels.Publish, channels.publish),
    "signal": Action(channels.Signal, channels.signal),
    "subscribe": Action(channels.Subscribe, channels.subscribe),
    "unsubscribe": Action(channels.Unsubscribe, channels.unsubscribe),
}
