/**
 * What one channel has brought, in order and once each, and what is missing of it. It knows no
 * network: publications and replies go in, those whose turn it is come out.
 */

/** Publications held beyond a gap; more can be had from the server once the gap is closed. */
const HELD_MAX = 1_000;

export class Stream {
  #idsMax;
  #ids = new Set(); // of publications without a place in a log
  #position = null;
  #head = 0; // the furthest offset heard of, in the position's epoch
  #held = new Map(); // offset -> publication, beyond a gap
  #skipped = new Set(); // offsets that are not to come out
  #strangers = []; // of another epoch, or of any before there is a position
  #late = { after: 0, until: 0, seen: new Set() }; // see begin

  /** @param idsMax ids remembered of publications without a place, to recognise repeats */
  constructor(idsMax, position = null) {
    this.#idsMax = idsMax;
    this.#position = position;
    this.#head = position?.offset ?? 0;
  }

  /** { epoch, offset }: up to there all has come out; null where no history is known of. */
  get position() {
    return this.#position;
  }

  get head() {
    return this.#head;
  }

  /** There is more than has come out. */
  get isBehind() {
    return this.#position !== null && this.#head > this.#position.offset;
  }

  /** Something came that is of another log: only the server knows which of them lasts. */
  get isAstray() {
    return this.#position !== null && this.#strangers.length > 0;
  }

  /** A publication came; gives those whose turn it is. */
  receive(publication) {
    const { id, epoch, offset } = publication;
    if (offset === undefined) return this.#isRepeat(id) ? [] : [publication];
    if (epoch !== this.#position?.epoch) {
      if (this.#strangers.length < HELD_MAX) this.#strangers.push(publication);
      return [];
    }
    if (offset <= this.#position.offset) return this.#isLate(offset) ? [publication] : [];
    this.#hold(publication);
    return this.#due();
  }

  /**
   * The server told what follows the position: places up to the reply's `offset` that have no
   * publication are empty for good.
   */
  advance({ epoch, offset, publications }) {
    if (epoch !== this.#position?.epoch) return [];
    this.#strangers = [];
    for (const publication of publications) {
      if (publication.offset > this.#position.offset) this.#hold(publication);
    }
    return this.#due(offset);
  }

  /**
   * The stream begins (again) after a position; gives those of `publications` whose turn it is.
   * With `takesLate`, what was on its way at that moment comes out late rather than never: it has
   * an offset up to the position's, and one after where the stream stood before.
   */
  begin({ epoch, offset }, publications, { takesLate }) {
    const isSameLog = epoch === this.#position?.epoch;
    const known = [...this.#held.values(), ...this.#strangers, ...publications];
    const after = isSameLog ? this.#position.offset : 0;
    this.#late = { after, until: takesLate ? offset : 0, seen: new Set() };
    if (!isSameLog) this.#skipped.clear();
    this.forgetHeld();
    this.#position = { epoch, offset };
    this.#head = offset;
    known.sort((a, b) => a.offset - b.offset);
    return known.filter((it) => it.epoch === epoch).flatMap((it) => this.receive(it));
  }

  /** The log is no more, or not the one that it was. */
  forget() {
    this.forgetHeld();
    this.#position = null;
  }

  /** The log reaches so far at least. */
  reaches(offset) {
    this.#head = Math.max(this.#head, offset);
  }

  /** This place is not to come out: it is the page's own. Gives those whose turn it is now. */
  skip({ epoch, offset }) {
    if (epoch !== this.#position?.epoch) return [];
    if (offset <= this.#position.offset) {
      this.#late.seen.add(offset);
      return [];
    }
    this.#skipped.add(offset);
    this.reaches(offset);
    return this.#due();
  }

  /** Another connection begins: what is missing, and all beyond, will be asked for. */
  forgetHeld() {
    this.#held.clear();
    this.#strangers = [];
    this.#head = this.#position?.offset ?? 0;
  }

  #hold(publication) {
    this.reaches(publication.offset);
    if (this.#held.size < HELD_MAX) this.#held.set(publication.offset, publication);
  }

  /** Takes what follows the position without a gap, and all up to `until`. */
  #due(until = 0) {
    const due = [];
    const { epoch } = this.#position;
    let { offset } = this.#position;
    for (let next = offset + 1; ; next += 1) {
      const publication = this.#held.get(next);
      const isSkipped = this.#skipped.delete(next);
      if (publication === undefined && !isSkipped && next > until) break;
      this.#held.delete(next);
      if (publication !== undefined && !isSkipped) due.push(publication);
      offset = next;
    }
    this.#position = { epoch, offset };
    this.reaches(offset);
    return due;
  }

  #isLate(offset) {
    const { after, until, seen } = this.#late;
    if (offset <= after || offset > until || seen.has(offset)) return false;
    seen.add(offset);
    return true;
  }

  /** Remembers an id; true when it was known. The oldest are forgotten, so memory is bounded. */
  #isRepeat(id) {
    if (id === undefined) return false;
    if (this.#ids.has(id)) return true;
    this.#ids.add(id);
    if (this.#ids.size > this.#idsMax) this.#ids.delete(this.#ids.values().next().value);
    return false;
  }
}
