/**
 * Requests that wait for their replies: ids, time-outs, size. It knows no WebSocket; what sends
 * the text is handed in with each request.
 */

/** What the gateway takes in one frame; a browser sends each message as one frame. */
export const REQUEST_BYTES_MAX = 32 * 1024;
/** The protocol's code for a request that is too large. */
const LIMIT_EXCEEDED = 106;

/**
 * Why a request failed. `code` is the protocol's number or a word of the client's own:
 * "disconnected" (nothing was sent), "lost" (the connection ended before the reply) and "timeout"
 * (after these two it may have been done), "unsubscribed". `temporary`: trying again may help.
 */
export class RequestError extends Error {
  constructor(message, { code, temporary }) {
    super(message);
    this.name = "RequestError";
    this.code = code;
    this.temporary = temporary;
  }

  /** From the `error` of a reply. */
  static of({ code = 100, message = "The server gave no reason", temporary = false } = {}) {
    return new RequestError(message, { code, temporary });
  }
}

/** A request's text; throws a RequestError when it is too long. */
export function encoded(request) {
  const text = JSON.stringify(request);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > REQUEST_BYTES_MAX) {
    const message = `A request may have ${REQUEST_BYTES_MAX} bytes; this one has ${bytes}`;
    throw new RequestError(message, { code: LIMIT_EXCEEDED, temporary: false });
  }
  return text;
}

/** The open requests of one client. Ids are never used twice, so a late reply meets nobody. */
export class Requests {
  #clock;
  #lastId = 0;
  #open = new Map(); // id -> { resolve, reject, timer }

  constructor(clock) {
    this.#clock = clock;
  }

  /** Sends a request and resolves with its result, or rejects with a RequestError. */
  start(action, fields, { timeoutMs, send }) {
    this.#lastId += 1;
    const id = this.#lastId;
    const text = encoded({ ...fields, action, id });
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        this.#open.delete(id);
        const message = `No reply to ${action} within ${timeoutMs / 1000} s`;
        reject(new RequestError(message, { code: "timeout", temporary: true }));
      }, timeoutMs);
      this.#open.set(id, { resolve, reject, timer });
      send(text);
    });
  }

  /** Settles the request that a reply belongs to; nothing when it has timed out. */
  receive({ id, ok, result, error }) {
    const request = this.#open.get(id);
    if (!request) return;
    this.#open.delete(id);
    this.#clock.clearTimeout(request.timer);
    if (ok) request.resolve(result);
    else request.reject(RequestError.of(error));
  }

  /** The connection has ended: no reply will come. */
  lost() {
    const requests = [...this.#open.values()];
    this.#open.clear();
    for (const { reject, timer } of requests) {
      this.#clock.clearTimeout(timer);
      const message = "The connection ended before the reply";
      reject(new RequestError(message, { code: "lost", temporary: true }));
    }
  }
}
