/**
 * The channels that a page wants, and bringing the server to know them: subscribing, again after
 * each reconnect, and unsubscribing. What each channel brings and lacks is following.js.
 */

import { backoffMs } from "./backoff.js";
import { Following } from "./following.js";
import { RequestError } from "./requests.js";

/** Channels in one subscribe request, as the protocol allows. */
const CHANNELS_MAX = 20;

/** Has to be subscribed to; the server can't know of it yet. */
const UNSENT = { isDue: true, isKnown: false, failures: 0, timer: null };

export class Subscriptions {
  #request;
  #on;
  #options;
  #link = 0; // counts connections and their ends; 0 and even numbers are no connection
  #settling = false;
  #wanted = new Map(); // channel -> subscription
  #leaving = new Map(); // channel -> resolvers of an unsubscribe that has to be sent

  /**
   * @param request sends a request, see Connection.request
   * @param on the events `subscribed`, `unsubscribed` and `broken` of Connection; `error`, of an
   * unsubscribe that failed
   */
  constructor({ request, on, options }) {
    this.#request = request;
    this.#on = on;
    this.#options = options;
  }

  has(channel) {
    return this.#wanted.has(channel);
  }

  /** Resolves when the server has confirmed; `history` and `since` are Following's. */
  add(channel, onPublication, { history, since } = {}) {
    let subscription = this.#wanted.get(channel);
    if (subscription) {
      subscription.onPublication = onPublication;
      return subscription.confirmed;
    }
    subscription = { channel, onPublication, ...UNSENT };
    subscription.following = this.#follow(subscription, { history, since });
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
    if (!subscription.isKnown) return Promise.resolve();
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
      Object.assign(subscription, UNSENT);
      subscription.following.lost();
    }
    for (const channel of [...this.#leaving.keys()]) this.#left(channel);
  }

  /** A publication came; nothing happens when nobody wants its channel (any more). */
  receive(publication) {
    this.#wanted.get(publication.channel)?.following.receive(publication);
  }

  /** The page published this itself with `echo: false`. */
  skip(channel, position) {
    this.#wanted.get(channel)?.following.skip(position);
  }

  /** Where the streams stand that nothing is being asked for, by channel; undefined without any. */
  positions() {
    const idle = this.#idle();
    for (const { following } of idle) following.heard();
    if (idle.length === 0) return undefined;
    return Object.fromEntries(idle.map(({ channel, following }) => [channel, following.position]));
  }

  /** These channels have moved on from those positions. */
  behind(channels) {
    for (const channel of channels) this.#wanted.get(channel)?.following.behind();
  }

  /** Since when the quietest of those streams has been silent; Infinity without any. */
  silentSince() {
    return Math.min(...this.#idle().map(({ following }) => following.heardAt));
  }

  /** The server ended a subscription by itself, or refused it. */
  end({ channel, code, message }) {
    const subscription = this.#wanted.get(channel);
    if (!subscription) return;
    this.#forget(subscription, new RequestError(message, { code, temporary: false }));
    this.#on.unsubscribed({ channel, code, message });
  }

  #idle() {
    return [...this.#wanted.values()].filter(({ following }) => following.isIdle);
  }

  #follow(subscription, wanted) {
    const { channel } = subscription;
    return new Following({
      ...wanted,
      channel,
      request: this.#request,
      options: this.#options,
      on: {
        publications: (publications) => this.#handOut(subscription, publications),
        whole: (detail) => this.#on.subscribed({ channel, ...detail }),
        broken: (detail) => this.#on.broken({ channel, ...detail }),
        astray: () => {
          subscription.isDue = true;
          this.#settle();
        },
      },
    });
  }

  #handOut(subscription, publications) {
    for (const publication of publications) {
      if (this.#wanted.get(subscription.channel) !== subscription) return; // it was the last wanted
      try {
        subscription.onPublication(publication);
      } catch (error) {
        reportError(error); // the page's own bug: shown as one, and the next one still arrives
      }
    }
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
      const missing = [...this.#wanted.values()].filter(({ isDue, timer }) => isDue && !timer);
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
      if (link === this.#link) this.#on.error(error);
    }
    if (link === this.#link) this.#left(channel);
  }

  async #sendSubscribe(subscriptions) {
    const link = this.#link;
    for (const subscription of subscriptions) {
      Object.assign(subscription, { isDue: false, isKnown: true });
    }
    const channels = subscriptions.map(({ channel, following }) => {
      return { channel, recover: following.position ?? undefined };
    });
    let resultOf;
    try {
      const reply = await this.#request("subscribe", { channels });
      const results = new Map(reply.channels.map((result) => [result.channel, result]));
      resultOf = (channel) => results.get(channel) ?? {};
    } catch (error) {
      resultOf = () => ({ error });
    }
    if (link !== this.#link) return;
    for (const subscription of subscriptions) {
      if (this.#wanted.get(subscription.channel) !== subscription) continue;
      const { error, ...result } = resultOf(subscription.channel);
      if (!error) this.#confirm(subscription, result);
      else if (error.temporary) this.#retry(subscription);
      else this.end({ channel: subscription.channel, code: error.code, message: error.message });
    }
  }

  #confirm(subscription, result) {
    subscription.failures = 0;
    subscription.resolve();
    subscription.following.confirm(result);
  }

  #retry(subscription) {
    const { backoffMinMs: minMs, backoffMaxMs: maxMs, random, clock } = this.#options;
    const delayMs = backoffMs(subscription.failures, { minMs, maxMs, random });
    subscription.failures += 1;
    subscription.isDue = true;
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
    subscription.following.lost();
    subscription.reject(error);
  }
}
