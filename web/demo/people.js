/** Who is in the channels, and who writes just now. It draws nothing; it tells when to. */

/** After a join the list is read again; several joins at one moment cost one reading. */
const READ_DELAY_MS = 300;
const TYPING_SHOWN_MS = 5_000;
/** While somebody types, the others are told so often. */
const TYPING_SENT_MS = 3_000;

export class People {
  #connection;
  #onChange;
  #present = new Map(); // channel -> Map of user -> name
  #typing = new Map(); // channel -> Map of connection -> { name, timer }
  #reading = new Map(); // channel -> timer
  #sentAt = new Map(); // channel -> when the last signal was sent

  /** @param onChange hears of a channel in which something changed */
  constructor(connection, onChange) {
    this.#connection = connection;
    this.#onChange = onChange;
    connection.on("subscribed", ({ channel }) => this.#read(channel));
    connection.on("join", ({ channel }) => this.#readSoon(channel));
    connection.on("leave", ({ channel, from }) => {
      this.#present.get(channel)?.delete(from.user);
      this.stoppedTyping(channel, from.connection);
      this.#onChange(channel);
    });
  }

  /** Names of those who are there, by user; undefined while that is not known. */
  present(channel) {
    return this.#present.get(channel);
  }

  /** Names of those who type. */
  typing(channel) {
    return [...(this.#typing.get(channel)?.values() ?? [])].map(({ name }) => name);
  }

  /** The channel is left, or the page is. */
  forget(channel) {
    clearTimeout(this.#reading.get(channel));
    this.#reading.delete(channel);
    this.#present.delete(channel);
    for (const connection of [...(this.#typing.get(channel)?.keys() ?? [])]) {
      this.stoppedTyping(channel, connection);
    }
    this.#sentAt.delete(channel);
  }

  /** The person at this page types. */
  type(channel, name) {
    const now = Date.now();
    if (now - (this.#sentAt.get(channel) ?? 0) < TYPING_SENT_MS) return;
    if (this.#connection.signal(channel, { typing: name })) this.#sentAt.set(channel, now);
  }

  /** The person at this page has sent it: what is typed next is told at once. */
  typed(channel) {
    this.#sentAt.delete(channel);
  }

  /** Somebody else types. */
  startedTyping(channel, connection, name) {
    this.stoppedTyping(channel, connection);
    if (!this.#typing.has(channel)) this.#typing.set(channel, new Map());
    const timer = setTimeout(() => this.stoppedTyping(channel, connection), TYPING_SHOWN_MS);
    this.#typing.get(channel).set(connection, { name, timer });
    this.#onChange(channel);
  }

  stoppedTyping(channel, connection) {
    const found = this.#typing.get(channel)?.get(connection);
    if (!found) return;
    clearTimeout(found.timer);
    this.#typing.get(channel).delete(connection);
    this.#onChange(channel);
  }

  #readSoon(channel) {
    clearTimeout(this.#reading.get(channel));
    this.#reading.set(channel, setTimeout(() => this.#read(channel), READ_DELAY_MS));
  }

  async #read(channel) {
    const present = new Map();
    try {
      let cursor;
      do {
        const page = await this.#connection.presence(channel, { cursor });
        for (const [user, { info }] of Object.entries(page.users)) present.set(user, info.name);
        cursor = page.cursor;
      } while (cursor !== undefined);
      this.#present.set(channel, present);
    } catch {
      this.#present.delete(channel); // too many to list, or no connection: then nobody is shown
    }
    this.#onChange(channel);
  }
}
