/** Types of gatepost.js, the browser's end of the wire protocol (docs/reference/protocol.md). */

/** What the gateway takes in one frame; a browser sends each message as one frame. */
export const REQUEST_BYTES_MAX: number;

export type State = "connecting" | "connected" | "reconnecting" | "closed";

/** A place in a channel's log. */
export interface Position {
  epoch: string;
  offset: number;
}

export interface Publication<Data = unknown> {
  type: "publication";
  /** Repeats carry the same id; the client hands out the first alone. */
  id?: string;
  channel: string;
  data: Data;
  from?: { user: string; connection: string };
  /** When it was published, in ms since 1970. */
  at: number;
  /** In namespaces that keep history, unless it is a signal. */
  epoch?: string;
  offset?: number;
}

export interface StateDetail {
  state: State;
  /** While "reconnecting": how long until the next attempt; absent while one is under way. */
  retryInMs?: number;
  /** The close code of what ended; 0 where there was none. */
  code?: number;
  reason?: string;
}

export interface ErrorDetail {
  /** "gateway": a frame of the gateway's own, which belongs to no known request. */
  source: "gateway" | "protocol" | "connection";
  message: string;
  code?: ErrorCode;
  connectionId?: string;
  requestId?: string;
  messageId?: string;
}

export interface ConnectionEvents {
  state: StateDetail;
  error: ErrorDetail;
  /** The server confirmed a subscription, the first time and after each reconnect, and what was
   * missed has come; `recovered` is false when it could not, which `broken` told before. */
  subscribed: { channel: string; recovered?: boolean; position?: Position };
  /** What followed `since` is lost up to `position`, where the stream goes on. Some of it may still
   * come late. */
  broken: { channel: string; since: Position; position: Position };
  /** The server ended a subscription, or refused it for good. */
  unsubscribed: { channel: string; code: number; message: string };
  closing: { type: "closing"; code: number; message: string; reconnect: boolean };
  /** A server sent it to the user, not to a channel. It may come twice, with the same `id`. */
  message: { type: "message"; id: string; data: unknown; at: number };
  join: { type: "join"; channel: string; from: { user: string; connection: string } };
  leave: { type: "leave"; channel: string; from: { user: string; connection: string } };
}

/** A number from the protocol's table of errors, or one of the client's own words: "disconnected"
 * (nothing was sent), "lost" (the connection ended before the reply) and "timeout" (after these two
 * it may have been done), "unsubscribed". */
export type ErrorCode = number | "disconnected" | "lost" | "timeout" | "unsubscribed";

export class RequestError extends Error {
  readonly name: "RequestError";
  readonly code: ErrorCode;
  /** Trying again may help. */
  readonly temporary: boolean;
  constructor(message: string, detail: { code: ErrorCode; temporary: boolean });
}

/** All times in milliseconds. */
export interface ConnectionOptions {
  /** Gives the token to connect with, and a fresh one before it expires; default: no token. */
  token?: (() => string | Promise<string>) | null;
  /** Default: the browser's own. */
  webSocket?: new (url: string) => WebSocket;
  /** Default 30,000. */
  requestTimeoutMs?: number;
  /** Default 30,000. */
  connectTimeoutMs?: number;
  /** Default 480,000; the gateway ends a connection after 600,000 idle ones. */
  pingIntervalMs?: number;
  /** When the page becomes visible or the network returns, a connection that was silent for so
   * long is tried with a ping. Default 30,000. */
  silenceMs?: number;
  /** How long that ping waits. Default 10,000. */
  wakePingTimeoutMs?: number;
  /** A channel that keeps history and was silent for so long is asked after. Default 30,000. */
  channelSilenceMs?: number;
  /** How long a gap may close by itself before the server is asked. Default 300. */
  gapWaitMs?: number;
  /** How long a `publish` with a key is repeated. Default 120,000; keys are known for 300,000. */
  publishRetryMs?: number;
  /** Ceiling of the wait before the first new attempt; doubles with each. Default 300. */
  backoffMinMs?: number;
  /** Ceiling of all waits. Default 20,000. */
  backoffMaxMs?: number;
  /** How long a connection must hold for the back-off to begin anew. Default 5,000. */
  stableAfterMs?: number;
  /** Publication ids remembered for each channel. Default 512. */
  publicationIdsMax?: number;
  /** From 0 to below 1. */
  random?: () => number;
  clock?: {
    now(): number;
    setTimeout(callback: () => void, delayMs: number): unknown;
    clearTimeout(timer: unknown): void;
  };
}

export class Connection extends EventTarget {
  /** @param url the address, or a function that gives one for each attempt (a fresh token) */
  constructor(url: string | (() => string | Promise<string>), options?: ConnectionOptions);
  readonly state: State;
  /** Listens to the detail of an event; the returned function ends that. */
  on<Type extends keyof ConnectionEvents>(
    type: Type,
    listener: (detail: ConnectionEvents[Type]) => void,
  ): () => void;
  /** Connects, and stays connected. While it waits to try again, this tries at once. */
  connect(): void;
  /** Closes for good. Open requests fail; subscriptions are kept for the next `connect()`. */
  close(): void;
  /** Subscribes, now and after each reconnect. A second call for a channel replaces the listener.
   * Resolves once the server has confirmed; rejects with a RequestError. Where history is kept, the
   * listener gets every publication in order and once, or the event `broken` says what is missing;
   * `history` begins with up to so many that are kept, `since` with what followed a position. */
  subscribe<Data = unknown>(
    channel: string,
    onPublication: (publication: Publication<Data>) => void,
    options?: { history?: number; since?: Position },
  ): Promise<void>;
  /** Ends a subscription; what still arrives is ignored. */
  unsubscribe(channel: string): Promise<void>;
  /** Rejects with a RequestError; at once ("disconnected") while there is no connection. With a
   * `key` it is repeated while it fails for a time only, across reconnects: that is harmless where
   * the namespace keeps history and the user stays the same (anonymous ones don't). `echo: false`
   * leaves this connection out. */
  publish(
    channel: string,
    data: unknown,
    options?: { key?: string; echo?: boolean },
  ): Promise<Position | undefined>;
  /** Sends to those who are subscribed now; nothing is kept and nothing tells whether it arrived.
   * False without a connection; throws a RequestError when it is too long. */
  signal(channel: string, data: unknown): boolean;
  /** What is kept, from the oldest on or after `since`; in `reverse` the newest first, or what was
   * before `since`. `offset` is where to go on if there is more. */
  history<Data = unknown>(
    channel: string,
    options?: { limit?: number; since?: Position; reverse?: boolean },
  ): Promise<{
    publications: Publication<Data>[];
    epoch: string;
    offset: number;
    more: boolean;
  }>;
  /** Users by name, up to 100; `cursor` goes on where an earlier result ended. */
  presence(
    channel: string,
    options?: { limit?: number; cursor?: string },
  ): Promise<{
    users: Record<string, { connections: string[]; info: Record<string, unknown> }>;
    cursor?: string;
  }>;
  presenceStats(channel: string): Promise<{ connections: number; users: number }>;
  /** Extends the authorization, by default with what the option `token` gives; this is done by
   * itself before the last token expires. `expires_at` is in s since 1970. */
  refresh(token?: string): Promise<{ expires_at: number }>;
  /** Also asks which channels have moved on, and then fetches what is missing. */
  ping(options?: { timeoutMs?: number }): Promise<{ at: number; behind: string[] }>;
  /** Sends any action and resolves with the reply's result. */
  request<Result = unknown>(
    action: string,
    fields?: Record<string, unknown>,
    options?: { timeoutMs?: number },
  ): Promise<Result>;
}
