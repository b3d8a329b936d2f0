// A connection whose network and clock a test plays: nothing here waits for real time.

import { Connection } from "/client/gatepost.js";

const CHANNELS = ["subscribed", "unsubscribed", "broken", "join", "leave"];
const TYPES = ["state", "error", "message", "closing", ...CHANNELS];

export class Clock {
  time = 0;
  timers = new Map();
  lastTimer = 0;
  now = () => this.time;
  setTimeout = (callback, delayMs) => {
    this.lastTimer += 1;
    this.timers.set(this.lastTimer, { callback, at: this.time + delayMs, delayMs });
    return this.lastTimer;
  };
  clearTimeout = (timer) => this.timers.delete(timer);

  /** Lets time pass, with each timer at its moment. */
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const due = [...this.timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [timer, { callback, at }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.timers.delete(timer);
      this.time = at;
      callback();
    }
    this.time = end;
  }
}

/** What the client takes for a WebSocket; the test is the server. */
export class ScriptedWebSocket {
  sent = [];
  isClosed = false;
  constructor(url) {
    if (url === "unusable") throw new SyntaxError("not an address");
    this.url = url;
    ScriptedWebSocket.all.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.isClosed = true;
  }
  open() {
    this.onopen({});
    return settled();
  }
  say(message) {
    this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
    return settled();
  }
  reply(request, result, ok = true) {
    const outcome = ok ? { result } : { error: result };
    return this.say({ type: "reply", id: request.id, ok, ...outcome });
  }
  confirm(request) {
    return this.reply(request, { channels: request.channels });
  }
  publish(channel, id, data = id) {
    return this.say({ type: "publication", channel, id, data, at: 0 });
  }
  /** Publications of a log, which are known by their offsets. */
  async bring(...offsets) {
    for (const offset of offsets) await this.say(publicationAt(offset));
  }
  /** A page of the log, as the reply to the last request. */
  tell(offset, offsets, rest = { more: false }) {
    const publications = offsets.map((it) => publicationAt(it));
    return this.reply(this.sent.at(-1), { epoch: "e", offset, publications, ...rest });
  }
  /** The same, as the reply to a `subscribe` for one channel. */
  subscribed(offset, offsets, rest = {}) {
    const publications = offsets?.map((it) => publicationAt(it));
    const result = { channel: "chat:x", epoch: "e", offset, publications, ...rest };
    return this.reply(this.sent.at(-1), { channels: [result] });
  }
  end(code = 1006, reason = "") {
    this.onclose({ code, reason });
    return settled();
  }
}

export function publicationAt(offset, epoch = "e") {
  const channel = "chat:x";
  return { type: "publication", channel, id: `${epoch}${offset}`, data: offset, at: 0, epoch, offset };
}

/** A macrotask later, so that every promise that could go on has gone on. */
export function settled() {
  return new Promise((resolve) => setTimeout(resolve));
}

/** What became of a promise so far: a value, an error's parts, or nothing yet. */
export function outcomeOf(promise) {
  const outcome = {};
  promise.then(
    (value) => Object.assign(outcome, { value }),
    ({ code, temporary, message }) => Object.assign(outcome, { code, temporary, message }),
  );
  return outcome;
}

/** A connection, its parts, and a list of all that it reported. */
export function scripted(options = {}, url = "ws://server/dev") {
  ScriptedWebSocket.all = [];
  const clock = new Clock();
  // Jitter at its longest, so that waits are what the back-off allows at most.
  const random = () => 1;
  const parts = { webSocket: ScriptedWebSocket, clock, random, ...options };
  const connection = new Connection(url, parts);
  const events = [];
  for (const type of TYPES) {
    connection.on(type, (detail) => events.push({ type, ...detail }));
  }
  return {
    connection,
    clock,
    events,
    sockets: ScriptedWebSocket.all,
    get socket() {
      return ScriptedWebSocket.all.at(-1);
    },
    states: () => events.filter(({ type }) => type === "state").map(({ state }) => state),
    waits: () => events.map(({ retryInMs }) => retryInMs).filter((it) => it !== undefined),
    errors: () => events.filter(({ type }) => type === "error"),
  };
}

/** The same, connected. */
export async function connected(options) {
  const parts = scripted(options);
  parts.connection.connect();
  await settled();
  await parts.socket.open();
  return parts;
}

/** The same, subscribed to a channel whose log ends at an offset; `heard` are the offsets. */
export async function following(offset, options) {
  const parts = await connected();
  const heard = [];
  const outcome = outcomeOf(
    parts.connection.subscribe("chat:x", (it) => heard.push(it.offset), options),
  );
  await parts.socket.subscribed(offset);
  return Object.assign(parts, {
    heard,
    outcome,
    asked: () => parts.socket.sent.at(-1),
    isWhole: () => parts.events.some(({ type }) => type === "subscribed"),
    again: async () => {
      await parts.socket.end();
      await parts.clock.advance(300);
      await parts.socket.open();
    },
    named: (type) => parts.events.filter((it) => it.type === type),
  });
}
