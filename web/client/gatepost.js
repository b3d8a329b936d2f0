/**
 * The browser's end of the wire protocol (docs/reference/protocol.md): one connection that stays
 * up, with its channels and requests. ES modules, no build step, no dependencies; gatepost.d.ts has
 * the types. Where a channel keeps history, its listener gets every publication, in order and once.
 *
 *     const connection = new Connection("wss://example.com/dev");
 *     connection.on("state", ({ state }) => console.log(state));
 *     connection.connect();
 *     await connection.subscribe("chat:general", ({ data }) => console.log(data));
 *     await connection.publish("chat:general", { text: "Hello" });
 *
 * This module keeps the connection; requests.js matches replies, subscriptions.js keeps channels,
 * following.js what they bring, authorization.js the token, heartbeat.js tells what died.
 */

import { Authorization } from "./authorization.js";
import { backoffMs } from "./backoff.js";
import { Heartbeat } from "./heartbeat.js";
import { persist } from "./persisting.js";
import { encoded, RequestError, Requests } from "./requests.js";
import { Subscriptions } from "./subscriptions.js";

export { REQUEST_BYTES_MAX, RequestError } from "./requests.js";

/** The protocol's code for an authorization that is over. */
const TOKEN_EXPIRED = 109;

const DEFAULTS = {
  webSocket: globalThis.WebSocket,
  token: null,
  requestTimeoutMs: 30_000,
  // $connect may run for 29 s before the gateway gives up on it.
  connectTimeoutMs: 30_000,
  // The gateway ends a connection after 10 idle minutes, and presence wants a ping every 9.
  // Browsers delay the timers of hidden pages by up to a minute, so 8.
  pingIntervalMs: 8 * 60_000,
  // After sleep or a change of network, a connection silent for this long is tried with a ping.
  silenceMs: 30_000,
  // The last publication before a pause can be lost with nothing after it to show the gap.
  channelSilenceMs: 30_000,
  // Publications overtake each other by less; then the gap closes by itself.
  gapWaitMs: 300,
  // The server remembers a key for 5 minutes.
  publishRetryMs: 2 * 60_000,
  wakePingTimeoutMs: 10_000,
  backoffMinMs: 300,
  backoffMaxMs: 20_000,
  // A connection that ends sooner was no success: the back-off goes on growing.
  stableAfterMs: 5_000,
  // Kept for each channel, to recognise repeats.
  publicationIdsMax: 512,
  random: Math.random,
  clock: {
    now: () => Date.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (timer) => clearTimeout(timer),
  },
};

/**
 * One connection to a server, kept up from `connect()` to `close()`.
 *
 * Events, each with its content as `detail` (`on` hands that over directly): `state`, `error`,
 * `subscribed` (after each reconnect too, once what was missed has come), `broken` (it can't come
 * any more), `unsubscribed`, `join`, `leave`, `message` (a server sent it to the user), `closing`.
 */
export class Connection extends EventTarget {
  #url;
  #options;
  #requests;
  #subscriptions;
  #authorization;
  #heartbeat;
  #state = "closed";
  #webSocket = null;
  #attempt = 0; // what an older attempt brings is ignored
  #failures = 0; // since the last stable connection
  #timers = { connect: null, retry: null, stable: null };

  /** @param url the address, or a function (also async) that gives one for each attempt */
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = { ...DEFAULTS, ...options };
    this.#requests = new Requests(this.#options.clock);
    this.#subscriptions = new Subscriptions({
      request: (action, fields) => this.request(action, fields),
      on: {
        subscribed: (detail) => this.#emit("subscribed", detail),
        unsubscribed: (detail) => this.#emit("unsubscribed", detail),
        broken: (detail) => this.#emit("broken", detail),
        error: (error) => this.#reportFailed(error),
      },
      options: this.#options,
    });
    this.#authorization = new Authorization({
      token: this.#options.token,
      send: (token) => this.#request("refresh", { token }),
      onError: (error) => this.#reportFailed(error),
      clock: this.#options.clock,
    });
    this.#heartbeat = new Heartbeat({
      ping: (options) => this.ping(options),
      silentSince: () => this.#subscriptions.silentSince(),
      onDead: () => this.#lose({ code: 0, reason: "The server fell silent" }),
      options: this.#options,
    });
  }

  /** "connecting", "connected", "reconnecting" or "closed" (so it is before `connect()` too). */
  get state() {
    return this.#state;
  }

  /** Listens to the detail of an event; the returned function ends that. */
  on(type, listener) {
    const forward = (event) => listener(event.detail);
    this.addEventListener(type, forward);
    return () => this.removeEventListener(type, forward);
  }

  /** Connects, and stays connected. While it waits to try again, this tries at once. */
  connect() {
    if (this.#state === "closed") {
      this.#failures = 0;
      this.#watchPage(true);
      this.#open("connecting");
    } else if (this.#timers.retry !== null) {
      this.#open("reconnecting");
    }
  }

  /** Closes for good. Open requests fail; subscriptions are kept for the next `connect()`. */
  close() {
    if (this.#state !== "closed") this.#end({ code: 1000, reason: "Closed by the page" });
  }

  /**
   * Subscribes, now and after each reconnect, until `unsubscribe`. A channel has one listener: a
   * second call replaces it. Resolves when the server has confirmed, which waits for a connection;
   * rejects with a RequestError when it refused for good, or when `unsubscribe` came first.
   * Publications may arrive before the confirmation.
   *
   * Where history is kept, `history` begins with up to so many publications of it, and `since`
   * with what followed a position that the page knows; else the stream begins now.
   */
  subscribe(channel, onPublication, { history, since } = {}) {
    return this.#subscriptions.add(channel, onPublication, { history, since });
  }

  /** Ends a subscription; what still arrives is ignored. Resolves when the server has ended it. */
  unsubscribe(channel) {
    return this.#subscriptions.remove(channel);
  }

  /**
   * Publishes `data`, up to 28 KiB as JSON. `echo: false` leaves this connection out. Without a
   * connection it rejects at once: nothing is queued, so the page decides what becomes of it.
   *
   * A `key` of the page's choice makes repetitions harmless where the namespace keeps history, and
   * so it is repeated by itself for two minutes while it fails for a time only, or without a reply.
   */
  async publish(channel, data, { key, echo } = {}) {
    const attempt = () => this.request("publish", { channel, data, key, echo });
    const isSafe = key !== undefined;
    const position = await (isSafe ? persist(this, attempt, this.#options) : attempt());
    if (echo === false && position) this.#subscriptions.skip(channel, position);
    return position;
  }

  /**
   * Sends what is worthless later, like typing or a cursor: others who are subscribed now get it,
   * as a publication without a place. Nothing tells whether it arrived; false without a connection.
   */
  signal(channel, data) {
    const text = encoded({ action: "signal", channel, data });
    if (this.#state !== "connected") return false;
    this.#webSocket.send(text);
    return true;
  }

  /** Reads what is kept: from the oldest on or after `since`, in `reverse` back from there. */
  history(channel, { limit, since, reverse } = {}) {
    return this.request("history", { channel, limit, since, reverse });
  }

  /** Who is in a channel, a hundred users at a time; `cursor` goes on from an earlier result. */
  presence(channel, { limit, cursor } = {}) {
    return this.request("presence", { channel, limit, cursor });
  }

  /** How many connections and users are in a channel. */
  presenceStats(channel) {
    return this.request("presenceStats", { channel });
  }

  /**
   * Extends the authorization with a token, by default one that the option `token` gives; done by
   * itself before the last one expires.
   */
  refresh(token) {
    return this.#authorization.refresh(token);
  }

  /**
   * Asks for a sign of life, and whether channels have moved on; what is missing is then fetched.
   * Resolves with the server's time as `at`. Done regularly by itself.
   */
  async ping({ timeoutMs } = {}) {
    const positions = this.#subscriptions.positions();
    const result = await this.request("ping", { positions }, { timeoutMs });
    this.#subscriptions.behind(result.behind ?? []);
    return result;
  }

  /** Sends any action; resolves with the reply's result or rejects with a RequestError. */
  async request(action, fields = {}, options = {}) {
    try {
      return await this.#request(action, fields, options);
    } catch (error) {
      if (error.code !== TOKEN_EXPIRED || !this.#authorization.canRefresh) throw error;
      await this.#authorization.refresh().catch(() => {
        const { message, code } = error;
        throw new RequestError(message, { code, temporary: true }); // the next token may be better
      });
      return this.#request(action, fields, options);
    }
  }

  async #request(action, fields, { timeoutMs = this.#options.requestTimeoutMs } = {}) {
    if (this.#state !== "connected") {
      const message = "There is no connection to the server";
      throw new RequestError(message, { code: "disconnected", temporary: true });
    }
    const send = (text) => this.#webSocket.send(text);
    return this.#requests.start(action, fields, { timeoutMs, send });
  }

  async #open(state) {
    this.#stopTimers();
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#become(state);
    try {
      const bare = typeof this.#url === "function" ? await this.#url() : this.#url;
      const url = await this.#authorization.addressed(bare);
      if (attempt === this.#attempt) this.#dial(url);
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(`There is no address: ${error.message}`);
    }
  }

  #dial(url) {
    let webSocket;
    try {
      webSocket = new this.#options.webSocket(url);
    } catch (error) {
      // Not an address, or one that this page may not use: trying again can't help.
      this.#end({ code: 0, reason: error.message });
      this.#report({ source: "connection", message: error.message });
      return;
    }
    this.#webSocket = webSocket;
    const ifCurrent = (handle) => (event) => {
      if (this.#webSocket === webSocket) handle(event);
    };
    webSocket.onopen = ifCurrent(() => this.#opened());
    webSocket.onmessage = ifCurrent(({ data }) => this.#receive(data));
    webSocket.onclose = ifCurrent(({ code, reason }) => {
      if (this.#state === "connected") this.#lose({ code, reason });
      // A page never learns the HTTP status: a refusal and an unreachable server look the same.
      else this.#fail("The server can't be reached, or it refused the connection");
    });
    this.#timers.connect = this.#after(this.#options.connectTimeoutMs, () => {
      this.#fail("The server did not answer in time");
    });
  }

  #opened() {
    this.#stopTimers();
    this.#timers.stable = this.#after(this.#options.stableAfterMs, () => {
      this.#failures = 0;
    });
    this.#heartbeat.begin();
    this.#authorization.connected();
    this.#become("connected");
    if (this.#state === "connected") this.#subscriptions.connected(); // a listener may close it
  }

  /** An attempt to connect came to nothing. */
  #fail(reason) {
    this.#lose({ code: 0, reason });
    this.#report({ source: "connection", message: reason });
  }

  /** Tries again after a while, unless the server said not to. */
  #lose({ code, reason, reconnect = !(code >= 3500 && code <= 3999) }) {
    if (!reconnect) {
      this.#end({ code, reason });
      return;
    }
    this.#release();
    const { backoffMinMs: minMs, backoffMaxMs: maxMs, random } = this.#options;
    const retryInMs = backoffMs(this.#failures, { minMs, maxMs, random });
    this.#failures += 1;
    this.#timers.retry = this.#after(retryInMs, () => this.#open("reconnecting"));
    this.#become("reconnecting", { code, reason, retryInMs });
  }

  #end({ code, reason }) {
    this.#watchPage(false);
    this.#release();
    this.#become("closed", { code, reason });
  }

  /** Lets go of the WebSocket and of all that belonged to it. */
  #release() {
    const webSocket = this.#webSocket;
    this.#webSocket = null;
    this.#attempt += 1;
    this.#stopTimers();
    webSocket?.close();
    this.#requests.lost();
    this.#subscriptions.lost();
    this.#authorization.lost();
    this.#heartbeat.stop();
  }

  #watchPage(on) {
    const change = on ? "addEventListener" : "removeEventListener";
    globalThis[change]?.("online", this.#wake);
    globalThis.document?.[change]("visibilitychange", this.#wake);
  }

  /** The network is back or somebody looks again: no time to sit out a back-off. */
  #wake = () => {
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.#timers.retry !== null) this.#open("reconnecting");
    else if (this.#state === "connected") this.#heartbeat.wake();
  };

  #receive(text) {
    this.#heartbeat.received();
    const message = parseObject(text);
    if (message === null) {
      this.#report({ source: "protocol", message: "The server sent no JSON object" });
    } else if (typeof message.type !== "string") {
      // The gateway's own words. They name no request, so they are correlated with none.
      this.#report({ ...message, source: "gateway", message: String(message.message) });
    } else if (message.type === "reply") {
      this.#receiveReply(message);
    } else if (message.type === "publication") {
      this.#subscriptions.receive(message);
    } else if (message.type === "unsubscribed") {
      this.#subscriptions.end(message);
    } else if (message.type === "closing") {
      const { code, message: reason, reconnect } = message;
      this.#lose({ code, reason, reconnect });
      this.#emit("closing", message);
    } else if (message.type === "message") {
      this.#emit("message", message);
    } else if (message.type === "join" || message.type === "leave") {
      if (this.#subscriptions.has(message.channel)) this.#emit(message.type, message);
    }
  }

  #receiveReply(reply) {
    if ((reply.id ?? null) === null && !reply.ok) {
      const { message, code } = RequestError.of(reply.error);
      this.#report({ source: "protocol", message, code });
    } else {
      this.#requests.receive(reply);
    }
  }

  #become(state, detail = {}) {
    this.#state = state;
    this.#emit("state", { state, ...detail });
  }

  #reportFailed({ message, code }) {
    this.#report({ source: "protocol", message, code });
  }

  #report(detail) {
    this.#emit("error", detail);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #after(delayMs, callback) {
    return this.#options.clock.setTimeout(callback, delayMs);
  }

  #stopTimers() {
    for (const [name, timer] of Object.entries(this.#timers)) {
      this.#options.clock.clearTimeout(timer);
      this.#timers[name] = null;
    }
  }
}

function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
