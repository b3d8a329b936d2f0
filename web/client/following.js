/**
 * Following one channel's log: asking the server for what is missing, until the stream is whole
 * again or turns out to be broken. What comes out in which order is stream.js.
 */

import { backoffMs } from "./backoff.js";
import { Stream } from "./stream.js";

/** Publications that one reply to `history` has at most. */
const PAGE_MAX = 100;

export class Following {
  #channel;
  #history;
  #request;
  #options;
  #on;
  #stream;
  #isConfirmed = false; // on this connection
  #isEntering = false; // until the history that the page wants has been read
  #isAsking = false;
  #question = 0; // answers to an older one are ignored
  #timer = null;
  #failures = 0; // to get further, since it last did
  #whole = null; // what to tell when the stream reaches `offset`
  #heardAt = 0;

  /**
   * @param history publications to begin with, if so many are kept
   * @param since a position: what follows it is missing
   * @param request sends a request, see Connection.request
   * @param on `publications` whose turn it is; `whole`, once after each confirmation, when all that
   * was missed has come; `broken` when it is lost; `astray` when only `subscribe` shows the way on
   */
  constructor({ channel, history = 0, since = null, request, on, options }) {
    this.#channel = channel;
    this.#history = history;
    this.#request = request;
    this.#on = on;
    this.#options = options;
    this.#stream = new Stream(options.publicationIdsMax, since);
  }

  /** Where the stream stands, for `recover`; null before a log is known. */
  get position() {
    return this.#stream.position;
  }

  /** Nothing is being asked for: whether something is missing, only a `ping` can tell. */
  get isIdle() {
    const isBusy = this.#isEntering || this.#isAsking || this.#timer !== null;
    return this.#isConfirmed && this.position !== null && !isBusy;
  }

  /** When the server last spoke of the channel. */
  get heardAt() {
    return this.#heardAt;
  }

  /** The server spoke of the channel, or was asked to. */
  heard() {
    this.#heardAt = this.#options.clock.now();
  }

  /** A publication came by itself. */
  receive(publication) {
    this.heard();
    this.#on.publications(this.#stream.receive(publication));
    this.#check();
  }

  /** The server has subscribed the connection; `result` is its reply's part for the channel. */
  confirm(result) {
    const { epoch, offset, recovered, publications = [], more = false } = result;
    this.#stop();
    this.heard();
    this.#isConfirmed = true;
    this.#whole = { recovered, offset: null };
    if (recovered && this.position !== null) {
      this.#take({ ...result, publications });
      return;
    }
    this.#failures = 0;
    const wanted = this.#history || (more && 1); // a last value that did not fit
    const { position } = this;
    const wentBack = epoch === position?.epoch && offset < position?.offset; // a restored table
    if (epoch === undefined || wentBack) this.#stream.forget();
    if (epoch === undefined) {
      this.#reach(0);
    } else if (wanted > 0 && offset > 0) {
      this.#enter({ epoch, offset }, { wanted, publications });
    } else {
      this.#begin({ epoch, offset }, publications, { takesLate: true });
      this.#reach(this.#stream.head);
    }
  }

  /** The connection has ended, or the subscription. */
  lost() {
    this.#stop();
    this.#isConfirmed = false;
    this.#stream.forgetHeld();
  }

  /** The server says that the log goes on after the position. */
  behind() {
    if (this.isIdle) this.#ask();
  }

  /** The page has published this itself and does not want it back. */
  skip(position) {
    this.#on.publications(this.#stream.skip(position));
    this.#check();
  }

  /** The stream begins, or goes on after something that is lost. */
  #begin(position, publications, { takesLate }) {
    const since = this.position;
    const isWhole = since?.epoch === position.epoch && since.offset === position.offset;
    if (this.#whole.recovered === false && !isWhole) this.#on.broken({ since, position });
    if (!this.#isConfirmed) return; // a listener has unsubscribed
    this.#on.publications(this.#stream.begin(position, publications, { takesLate }));
  }

  /** The stream counts as whole from this offset on. */
  #reach(offset) {
    if (this.#whole !== null) this.#whole.offset ??= offset;
    this.#check();
  }

  #check() {
    const { position } = this;
    const wholeFrom = this.#whole?.offset ?? Infinity;
    if ((position?.offset ?? 0) >= wholeFrom) {
      const { recovered } = this.#whole;
      this.#whole = null;
      this.#on.whole({ recovered, position: position ?? undefined });
    }
    if (!this.#isConfirmed || this.#isEntering || this.#isAsking) return;
    if (this.#stream.isAstray) this.#goAstray();
    else if (!this.#stream.isBehind) this.#stopTimer();
    else if (this.#timer === null) this.#wait(() => this.#ask());
  }

  async #ask() {
    const { page, error } = await this.#read({ since: this.position });
    if (page) this.#take(page);
    else if (error?.temporary) this.#fail(() => this.#ask());
    else if (error) this.#goAstray(); // it is not kept any more, or not for this user to read
  }

  /** Goes on with the part of the log that follows the position. */
  #take(page) {
    const before = this.position.offset;
    this.#on.publications(this.#stream.advance(page));
    if (!this.#isConfirmed) return; // a listener has unsubscribed
    const isFurther = this.position.offset > before;
    if (isFurther) this.#failures = 0;
    if (page.more) {
      if (isFurther) this.#ask();
      else this.#fail(() => this.#ask());
    } else {
      if (!isFurther && this.#stream.isBehind) this.#failures += 1;
      this.#reach(this.#stream.head);
    }
  }

  /** Begins with what is kept; `told` and `publications` are from the reply to `subscribe`. */
  async #enter(told, { wanted, publications }) {
    this.#isEntering = true;
    const { page, error } = await this.#readKept(told, wanted);
    if (error?.temporary) {
      this.#fail(() => this.#enter(told, { wanted, publications }));
    } else if (error) {
      this.#isEntering = false;
      this.#begin(told, publications, { takesLate: true }); // not for this user to read
      this.#reach(this.#stream.head);
    } else if (page) {
      this.#isEntering = false;
      const { epoch } = page;
      const had = epoch === this.position?.epoch ? this.position.offset : 0;
      const fresh = page.publications.filter((it) => it.offset > had);
      const first = Math.min(page.offset, ...fresh.map((it) => it.offset - 1));
      this.#begin({ epoch, offset: Math.max(first, had) }, [], { takesLate: false });
      if (told.epoch === page.epoch) this.#stream.reaches(told.offset);
      if (this.#isConfirmed) this.#take({ ...page, publications: fresh });
    }
  }

  /** The end of the log, as much as the page wants; the whole log if that is no more. */
  async #readKept(head, wanted) {
    const found = [];
    let since;
    for (let more = head.offset > wanted; more; ) {
      const limit = Math.min(PAGE_MAX, wanted - found.length);
      const { page, error } = await this.#read({ since, reverse: true, limit });
      if (!page) return { error };
      found.push(...page.publications);
      since = { epoch: page.epoch, offset: page.offset };
      if (found.length >= wanted) {
        return { page: { ...since, offset: since.offset - 1, publications: found, more: false } };
      }
      more = page.more;
    }
    return this.#read({});
  }

  /** A page of the log or the error; neither when the answer came too late to matter. */
  async #read(fields) {
    this.#question += 1;
    const question = this.#question;
    this.#isAsking = true;
    this.#stopTimer();
    const request = this.#request("history", { channel: this.#channel, ...fields });
    const answer = await request.then(
      (page) => ({ page }),
      (error) => ({ error }),
    );
    if (question !== this.#question) return {};
    this.#isAsking = false;
    this.heard();
    return answer;
  }

  #goAstray() {
    this.#stop();
    this.#isConfirmed = false;
    this.#on.astray();
  }

  #fail(again) {
    this.#failures += 1;
    this.#wait(again);
  }

  /** A gap mostly closes by itself in a moment; one that does not is asked for less and less. */
  #wait(then) {
    const { backoffMinMs: minMs, backoffMaxMs: maxMs, random, clock, gapWaitMs } = this.#options;
    const backMs = this.#failures === 0 ? 0 : backoffMs(this.#failures, { minMs, maxMs, random });
    this.#stopTimer();
    this.#timer = clock.setTimeout(() => {
      this.#timer = null;
      then();
    }, gapWaitMs + backMs);
  }

  #stop() {
    this.#question += 1;
    this.#isAsking = this.#isEntering = false;
    this.#whole = null;
    this.#stopTimer();
  }

  #stopTimer() {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
