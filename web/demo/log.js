/** Draws one conversation: a list of messages that follows its end. It knows no connection. */

const MESSAGES_MAX = 500;
/** Messages of one author that follow each other within this time stand under one name. */
const TOGETHER_MS = 3 * 60_000;
/** So near the end counts as being there. */
const END_PX = 60;

export class Log {
  #template;
  #noteTemplate;
  #last = null;
  #followsEnd = true;

  constructor({ logTemplate, messageTemplate, noteTemplate }, { label, onScroll }) {
    this.#template = messageTemplate;
    this.#noteTemplate = noteTemplate;
    this.element = logTemplate.content.firstElementChild.cloneNode(true);
    this.element.setAttribute("aria-label", label);
    this.element.addEventListener("scroll", () => {
      this.#followsEnd = this.#distanceToEnd() < END_PX;
      onScroll();
    });
    // A keyboard that opens, or a window that shrinks, must not hide the end.
    new ResizeObserver(() => this.#followsEnd && this.scrollToEnd()).observe(this.element);
  }

  get isEmpty() {
    return this.element.childElementCount === 0;
  }

  get isAtEnd() {
    return this.#followsEnd;
  }

  scrollToEnd() {
    this.#followsEnd = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Adds a message; what is returned shows how its delivery goes. */
  add({ name, text, at, by, isOwn = false }) {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    const author = `${by}\n${name}`;
    const last = this.#last;
    const isContinued = last?.author === author && Math.abs(at - last.at) < TOGETHER_MS;
    element.classList.toggle("own", isOwn);
    element.classList.toggle("continued", isContinued);
    avatar(element.querySelector(".avatar"), name);
    element.querySelector(".author").textContent = isOwn ? "You" : name;
    element.querySelector(".text").textContent = text;
    showTime(element.querySelector("time"), at);
    this.#last = { author, at };
    this.#append(element);
    return delivery(element, () => this.#followsEnd && this.scrollToEnd());
  }

  /** Adds a word of the page's own. */
  note(text) {
    const element = this.#noteTemplate.content.firstElementChild.cloneNode(true);
    element.textContent = text;
    this.#last = null;
    this.#append(element);
  }

  #append(element) {
    this.element.append(element);
    if (this.element.childElementCount > MESSAGES_MAX) this.element.firstElementChild.remove();
    if (this.#followsEnd) this.scrollToEnd();
  }

  #distanceToEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }
}

/** A name's initials on a colour of its own. */
export function avatar(element, name) {
  const words = name.split(/\s+/u);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  element.textContent = ends.map((word) => [...word][0] ?? "").join("").toUpperCase();
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  element.style.setProperty("--hue", hue);
}

function showTime(element, at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return;
  element.dateTime = date.toISOString();
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { weekday: "short" };
  element.textContent = date.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}

function delivery(message, onResize) {
  const line = message.querySelector(".delivery");
  const button = line.querySelector("button");
  const show = (state, text) => {
    message.dataset.delivery = state;
    line.querySelector("span").textContent = text;
    line.hidden = text === "";
    button.hidden = state !== "failed";
    onResize();
  };
  return {
    showSending: () => show("sending", ""),
    showSent: () => show("sent", ""),
    showFailed: (text, again) => {
      button.onclick = again;
      show("failed", text);
    },
  };
}
