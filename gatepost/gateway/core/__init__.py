"""The gateway as pure functions of (state, input, now): no sockets, no clock, no logging."""
