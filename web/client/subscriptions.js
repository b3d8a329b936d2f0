/**
 * The channels that a page wants, and bringing the server to know them: subscribing, again after
 * each reconnect, unsubscribing, and handing out publications once each.
 */

import { backoffMs } from "./backoff.js";
import { RequestError } from "./requests.js";

/** Channels in one subscribe request, as the protocol allows. */
const CHANNELS_MAX = 20;

export class Subscriptions {
  #request;
  #onBegin;
  #onEnd;
  #onError;
  #options;
  #link = 0; // counts connections and their ends; 0 and even numbers are no connection
  #settling = false;
  #wanted = new Map(); // channel -> subscription
  #leaving = new Map(); // channel -> resolvers of an unsubscribe that has to be sent

  /**
   * @param request sends a request, see Connection.request
   * @param onBegin hears of each confirmation, so after each reconnect too
   * @param onEnd hears of a subscription that the server ended
   * @param onError hears of an unsubscribe that failed
   */
  constructor({ request, onBegin, onEnd, onError, options }) {
    this.#request = request;
    this.#onBegin = onBegin;
    this.#onEnd = onEnd;
    this.#onError = onError;
    this.#options = options;
  }

  has(channel) {
    return this.#wanted.has(channel);
  }

  add(channel, onPublication) {
    let subscription = this.#wanted.get(channel);
    if (subscription) {
      subscription.onPublication = onPublication;
      return subscription.confirmed;
    }
    subscription = { channel, onPublication, sent: false, failures: 0, timer: null };
    subscription.ids = new Set();
    subscription.confirmed = new Promise((resolve, reject) => {
      Object.assign(subscription, { resolve, reject });
    });
    this.#wanted.set(channel, subscription);
    this.#settle();
    return subscription.confirmed;
  }

  remove(channel) {
    const subscription = this.#wanted.get(channel);
    if (!subscription) return Promise.resolve();
    const message = `${channel} was unsubscribed before the server had confirmed it`;
    const code = "unsubscribed";
    this.#forget(subscription, new RequestError(message, { code, temporary: false }));
    if (!subscription.sent) return Promise.resolve();
    return new Promise((resolve) => {
      this.#leaving.set(channel, [...(this.#leaving.get(channel) ?? []), resolve]);
      this.#settle();
    });
  }

  /** A connection has begun: it knows nothing yet. */
  connected() {
    this.#link += 1;
    this.#settle();
  }

  /** The connection has ended, and with it what the server knew. */
  lost() {
    if (this.#isConnected) this.#link += 1;
    for (const subscription of this.#wanted.values()) {
      this.#options.clock.clearTimeout(subscription.timer);
      Object.assign(subscription, { sent: false, failures: 0, timer: null });
    }
    for (const channel of [...this.#leaving.keys()]) this.#left(channel);
  }

  /** Hands a publication out, unless it is a repeat or nobody wants its channel (any more). */
  receive(publication) {
    const subscription = this.#wanted.get(publication.channel);
    if (!subscription || isRepeat(subscription.ids, publication.id, this.#options)) return;
    try {
      subscription.onPublication(publication);
    } catch (error) {
      reportError(error); // the page's own bug: shown as one, and the next one still arrives
    }
  }

  /** The server ended a subscription by itself, or refused it. */
  end({ channel, code, message }) {
    const subscription = this.#wanted.get(channel);
    if (!subscription) return;
    this.#forget(subscription, new RequestError(message, { code, temporary: false }));
    this.#onEnd({ channel, code, message });
  }

  get #isConnected() {
    return this.#link % 2 === 1;
  }

  /**
   * Brings the server to what is wanted, one request at a time: the requests of one connection run
   * concurrently, so two about one channel could overtake each other, and all change the same row.
   */
  async #settle() {
    if (this.#settling) return;
    this.#settling = true;
    while (this.#isConnected) {
      const [channel] = this.#leaving.keys();
      const missing = [...this.#wanted.values()].filter(({ sent, timer }) => !sent && !timer);
      if (channel !== undefined) await this.#sendUnsubscribe(channel);
      else if (missing.length > 0) await this.#sendSubscribe(missing.slice(0, CHANNELS_MAX));
      else break;
    }
    this.#settling = false;
  }

  async #sendUnsubscribe(channel) {
    const link = this.#link;
    try {
      await this.#request("unsubscribe", { channel });
    } catch (error) {
      if (link === this.#link) this.#onError(error);
    }
    if (link === this.#link) this.#left(channel);
  }

  async #sendSubscribe(subscriptions) {
    const link = this.#link;
    for (const subscription of subscriptions) subscription.sent = true;
    const channels = subscriptions.map(({ channel }) => ({ channel }));
    let errorOf;
    try {
      const result = await this.#request("subscribe", { channels });
      const errors = new Map(result.channels.map(({ channel, error }) => [channel, error]));
      errorOf = (channel) => errors.get(channel);
    } catch (error) {
      errorOf = () => error;
    }
    if (link !== this.#link) return;
    for (const subscription of subscriptions) {
      if (this.#wanted.get(subscription.channel) !== subscription) continue;
      const error = errorOf(subscription.channel);
      if (!error) this.#confirm(subscription);
      else if (error.temporary) this.#retry(subscription);
      else this.end({ channel: subscription.channel, code: error.code, message: error.message });
    }
  }

  #confirm(subscription) {
    subscription.failures = 0;
    subscription.resolve();
    this.#onBegin({ channel: subscription.channel });
  }

  #retry(subscription) {
    const { backoffMinMs: minMs, backoffMaxMs: maxMs, random, clock } = this.#options;
    const delayMs = backoffMs(subscription.failures, { minMs, maxMs, random });
    subscription.failures += 1;
    subscription.sent = false;
    subscription.timer = clock.setTimeout(() => {
      subscription.timer = null;
      this.#settle();
    }, delayMs);
  }

  #left(channel) {
    const resolvers = this.#leaving.get(channel) ?? [];
    this.#leaving.delete(channel);
    for (const resolve of resolvers) resolve();
  }

  #forget(subscription, error) {
    this.#wanted.delete(subscription.channel);
    this.#options.clock.clearTimeout(subscription.timer);
    subscription.reject(error);
  }
}

/** Remembers an id; true when it was known. The oldest are forgotten, so memory stays bounded. */
function isRepeat(ids, id, { publicationIdsMax }) {
  if (id === undefined) return false;
  if (ids.has(id)) return true;
  ids.add(id);
  if (ids.size > publicationIdsMax) ids.delete(ids.values().next().value);
  return false;
}
