/**
 * Keeping a connection authorized: the token in its address, and a fresh one before the last is
 * over. Who gives tokens is the page's business.
 */

/** A token is refreshed so long before its expiry, one of a shorter life in the middle of it. */
const AHEAD_MS = 60_000;
/** Refreshes come no closer together than this, whatever a wrong clock says. */
const REFRESH_MIN_MS = 10_000;
/** Timers hold no more. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Authorization {
  #token;
  #send;
  #onError;
  #clock;
  #expiresAt = null; // ms since 1970
  #timer = null;
  #running = null;

  /**
   * @param token gives a token, or a promise of one; null where the page gives none
   * @param send sends a token to the server, see Connection.request
   * @param onError hears why a token could not be refreshed
   */
  constructor({ token, send, onError, clock }) {
    this.#token = token;
    this.#send = send;
    this.#onError = onError;
    this.#clock = clock;
  }

  /** Whether a request that came too late can be saved. */
  get canRefresh() {
    return this.#token !== null;
  }

  /** The address to connect to now. */
  async addressed(url) {
    if (this.#token === null) return url;
    const token = await this.#token();
    this.#expiresAt = expiryOf(token);
    return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
  }

  connected() {
    this.#schedule();
  }

  lost() {
    this.#clock.clearTimeout(this.#timer);
  }

  /** Gives the server a token, by default a fresh one; who asks meanwhile waits for the same. */
  refresh(token) {
    if (token !== undefined) return this.#refresh(token);
    this.#running ??= this.#refreshOnce();
    return this.#running;
  }

  async #refreshOnce() {
    try {
      return await this.#refresh(await this.#token());
    } finally {
      this.#running = null;
    }
  }

  async #refresh(token) {
    const result = await this.#send(token);
    this.#expiresAt = result.expires_at * 1000;
    this.#schedule();
    return result;
  }

  /** Without a token function, and without a known expiry, the page takes care of it. */
  #schedule() {
    this.#clock.clearTimeout(this.#timer);
    if (this.#token === null || this.#expiresAt === null) return;
    const leftMs = this.#expiresAt - this.#clock.now();
    const delayMs = Math.max(REFRESH_MIN_MS, leftMs / 2, leftMs - AHEAD_MS);
    this.#timer = this.#clock.setTimeout(() => this.#keep(), Math.min(delayMs, TIMER_MAX_MS));
  }

  async #keep() {
    try {
      await this.refresh();
    } catch (error) {
      if (error.code === "lost" || error.code === "disconnected") return;
      this.#onError(error);
      // Once it is over the server closes, and the next connection asks for a token anew.
      if (error.temporary !== false) this.#schedule();
    }
  }
}

/** When a JSON Web Token expires, in ms since 1970; null if it does not say so legibly. */
function expiryOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { exp } = JSON.parse(atob(payload));
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null;
  }
}
