/**
 * When to ask the server for a sign of life, and whether channels only seem silent; and when the
 * other end is gone, whatever the browser believes.
 */

export class Heartbeat {
  #ping;
  #silentSince;
  #onDead;
  #options;
  #beats = 0; // what an earlier connection was asked counts no more
  #receivedAt = 0;
  #timers = { ping: null, silence: null };

  /**
   * @param ping see Connection.ping
   * @param silentSince see Subscriptions.silentSince
   * @param onDead hears that nothing at all came after a ping
   */
  constructor({ ping, silentSince, onDead, options }) {
    this.#ping = ping;
    this.#silentSince = silentSince;
    this.#onDead = onDead;
    this.#options = options;
  }

  /** A connection has begun. */
  begin() {
    this.received();
    this.#schedulePing();
    this.#watchSilence(this.#options.channelSilenceMs);
  }

  /** The connection has ended. */
  stop() {
    this.#beats += 1;
    for (const timer of Object.values(this.#timers)) this.#options.clock.clearTimeout(timer);
  }

  /** Something came: the other end lives. */
  received() {
    this.#receivedAt = this.#options.clock.now();
  }

  /** After sleep or a change of network, what was silent for long is tried. */
  wake() {
    const { clock, silenceMs, wakePingTimeoutMs } = this.#options;
    if (clock.now() - this.#receivedAt >= silenceMs) this.#probe(wakePingTimeoutMs);
  }

  async #probe(timeoutMs) {
    const beats = this.#beats;
    const receivedAt = this.#receivedAt;
    this.#schedulePing();
    try {
      await this.#ping({ timeoutMs });
    } catch ({ code }) {
      const isSilent = this.#beats === beats && this.#receivedAt === receivedAt;
      if (code === "timeout" && isSilent) this.#onDead();
    }
  }

  #schedulePing() {
    const { clock, pingIntervalMs, requestTimeoutMs } = this.#options;
    clock.clearTimeout(this.#timers.ping);
    this.#timers.ping = clock.setTimeout(() => this.#probe(requestTimeoutMs), pingIntervalMs);
  }

  /** Each channel that keeps history is asked after once it was silent for long enough. */
  #watchSilence(waitMs) {
    const { clock, channelSilenceMs, requestTimeoutMs } = this.#options;
    this.#timers.silence = clock.setTimeout(() => {
      const silentMs = clock.now() - this.#silentSince();
      const isDue = silentMs >= channelSilenceMs;
      if (isDue) this.#probe(requestTimeoutMs);
      const restMs = isDue ? channelSilenceMs : channelSilenceMs - silentMs;
      this.#watchSilence(Math.min(restMs, channelSilenceMs));
    }, waitMs);
  }
}
