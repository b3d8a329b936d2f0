// A server with one channel's log, played over a scripted connection: chance decides what of the
// live publications is lost, repeated, late or out of order, and when the connection is cut. What
// it answers is right, as core/history.py is.

const HOLE_TIMEOUT_MS = 5_000;
const CHANNEL = "chat:x";

/** Repeatable chance (mulberry32). */
export function chanceOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class LogServer {
  epoch = "e1";
  log = []; // at offset - 1: a publication, "empty" for good, or since when it is on its way
  #live = []; // on their way to the client
  #answered = 0; // requests of the present socket
  #socket = null;
  #isSubscribed = false;

  constructor({ parts, chance, kept = 1_000, pageMax = 7 }) {
    Object.assign(this, { parts, chance, kept, pageMax });
  }

  get publications() {
    return this.log.filter((it) => typeof it === "object");
  }

  /** Takes a place; its publication comes later, or never when its writer dies. */
  reserve() {
    this.log.push(this.parts.clock.time);
    return this.log.length;
  }

  fill(offset, { isKnown = false } = {}) {
    if (typeof this.log[offset - 1] !== "number") return; // was closed meanwhile
    const id = `${this.epoch}-${offset}`;
    const { epoch } = this;
    const publication = { type: "publication", channel: CHANNEL, id, data: id, at: 0, epoch, offset };
    this.log[offset - 1] = publication;
    if (!isKnown && this.#isSubscribed) this.#live.push(publication);
  }

  /** One thing happens, of those that can. */
  async step() {
    const chance = this.chance();
    if (chance < 0.3) this.fill(this.reserve());
    else if (chance < 0.4) this.reserve();
    else if (chance < 0.45) this.#fillOne();
    else if (chance < 0.7) await this.#deliverOne();
    else if (chance < 0.9) await this.answer();
    else if (chance < 0.93) await this.#cut();
    else await this.parts.clock.advance(this.chance() * 2_000);
    await this.#accept();
  }

  /** No more trouble: all that can be answered is, until the client has no questions left. */
  async settle() {
    for (let round = 0; round < 40; round += 1) {
      await this.#accept();
      while (await this.answer());
      await this.parts.clock.advance(5_000);
    }
  }

  async #accept() {
    const { socket } = this.parts;
    if (socket === this.#socket || this.parts.connection.state === "connected") return;
    if (socket === undefined || socket.isClosed) return;
    this.#socket = socket;
    this.#answered = 0;
    this.#isSubscribed = false;
    await socket.open();
  }

  async #cut() {
    if (this.parts.connection.state !== "connected") return;
    this.#live = [];
    await this.#socket.end();
  }

  #fillOne() {
    const open = this.log.flatMap((it, index) => (typeof it === "number" ? [index + 1] : []));
    if (open.length > 0) this.fill(open[Math.floor(this.chance() * open.length)]);
  }

  /** Any of those on their way arrives, goes lost, or arrives and will again. */
  async #deliverOne() {
    if (this.#live.length === 0 || this.parts.connection.state !== "connected") return;
    const index = Math.floor(this.chance() * this.#live.length);
    const publication = this.#live[index];
    const fate = this.chance();
    if (fate < 0.8) this.#live.splice(index, 1);
    if (fate > 0.2) await this.#socket.say(publication);
  }

  /** Answers the next request; false when there is none. */
  async answer() {
    const socket = this.#socket;
    if (this.parts.connection.state !== "connected" || socket !== this.parts.socket) return false;
    const request = socket.sent[this.#answered];
    if (request === undefined) return false;
    this.#answered += 1;
    const { result, error } = this[`_${request.action}`](request);
    await socket.reply(request, error ?? result, error === undefined);
    return true;
  }

  get #head() {
    return { epoch: this.epoch, offset: this.log.length };
  }

  get #oldest() {
    return Math.max(1, this.log.length - this.kept + 1);
  }

  _subscribe({ channels }) {
    this.#isSubscribed = true;
    const [{ channel, recover }] = channels;
    const page = recover === undefined ? null : this.#after(recover);
    const rest = recover === undefined ? {} : { recovered: false, publications: [], more: false };
    const found = page === null ? { ...this.#head, ...rest } : { recovered: true, ...page };
    return { result: { channels: [{ channel, ...found }] } };
  }

  _ping({ positions = {} }) {
    const at = positions[CHANNEL];
    const isBehind = at && (at.epoch !== this.epoch || at.offset !== this.log.length);
    return { result: { at: 0, behind: isBehind ? [CHANNEL] : [] } };
  }

  _history({ since, reverse, limit = this.pageMax }) {
    const start = since ?? { epoch: this.epoch, offset: this.#oldest - 1 };
    const page = reverse ? this.#before(since, limit) : this.#after(start);
    const error = { code: 112, message: "unrecoverable position", temporary: false };
    return page === null ? { error } : { result: page };
  }

  #before(since, limit) {
    const top = since === undefined ? this.log.length : since.offset - 1;
    const places = [];
    for (let offset = top; offset >= this.#oldest; offset -= 1) {
      if (typeof this.log[offset - 1] !== "number") places.push(offset);
    }
    const taken = places.slice(0, Math.min(limit, this.pageMax));
    const offset = taken.at(-1) ?? top + 1;
    const publications = taken.map((it) => this.log[it - 1]).filter((it) => it !== "empty");
    return { epoch: this.epoch, offset, publications, more: places.length > taken.length };
  }

  #after({ epoch, offset }) {
    if (epoch !== this.epoch || offset > this.log.length || offset + 1 < this.#oldest) return null;
    let end = offset;
    let count = 0;
    while (end < this.log.length && count < this.pageMax) {
      if (!this.#isSettled(end)) break;
      end += 1;
      count += 1;
    }
    const isCut = count === this.pageMax && end < this.log.length;
    const beyond = isCut ? [] : this.log.slice(end);
    const publications = [...this.log.slice(offset, end), ...beyond].filter(
      (it) => typeof it === "object",
    );
    return { epoch, offset: end, publications, more: isCut };
  }

  #isSettled(index) {
    const place = this.log[index];
    if (typeof place !== "number") return true;
    if (this.parts.clock.time - place < HOLE_TIMEOUT_MS) return false;
    this.log[index] = "empty";
    return true;
  }
}
