/**
 * The chat page: joining, channels, and what the connection's events show. How a conversation is
 * drawn is log.js; all that others wrote is set as text, never as HTML.
 */

import { Connection } from "/client/gatepost.js";
import { addressFor, findAddress } from "/demo/address.js";
import { avatar, Log } from "/demo/log.js";
import { People } from "/demo/people.js";

const READY_CHANNELS = ["chat:general", "chat:random"];
const NAMESPACE = "chat:";
const CHANNEL = /^[A-Za-z0-9_.-]+:[A-Za-z0-9_.:-]+$/;
const CHANNELS_MAX = 20;
/** Messages to begin with; the namespace keeps no more. */
const HISTORY = 100;
const PROBLEM_SHOWN_MS = 10_000;
const STATES = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  closed: "Disconnected",
};

const $ = (id) => document.getElementById(id);
const channels = new Map(); // channel -> { log, item, unread, isEntered, keys }
const own = new Map(); // key of a message of this page -> shows how its delivery goes
let address = null;
let connection = null;
let people = null;
let me = "";
let current = "";
let problemTimer;

// --- joining ------------------------------------------------------------------------------------

async function prepare() {
  $("name").value = remembered();
  try {
    address = await findAddress();
    $("join-button").disabled = false;
    $("address").textContent = address;
    $("address").hidden = false;
  } catch (error) {
    $("join-problem").textContent = error.message;
    $("join-problem").hidden = false;
  }
}

function join(name) {
  me = name;
  remember(name);
  $("my-name").textContent = name;
  avatar($("my-avatar"), name);
  connection = new Connection(addressFor(address, name));
  connection.on("state", showState);
  connection.on("error", showError);
  connection.on("subscribed", ({ channel }) => showSubscribed(channel, true));
  connection.on("broken", ({ channel }) => {
    channels.get(channel)?.log.note("Some messages from meanwhile are not kept any more.");
  });
  connection.on("unsubscribed", ({ channel, message }) => {
    removeChannel(channel, `You are not in ${channel}: ${message}.`);
  });
  people = new People(connection, (channel) => channel === current && showPeople());
  const linked = decodeURIComponent(location.hash.slice(1));
  for (const channel of READY_CHANNELS) addChannel(channel);
  if (CHANNEL.test(linked)) addChannel(linked);
  $("join").hidden = true;
  $("chat").hidden = false;
  open(channels.has(linked) ? linked : READY_CHANNELS[0]);
  connection.connect();
}

/** Back to the start; `problem` says why, if it was not wanted. */
function leave(problem = "") {
  connection.close();
  connection = null;
  for (const channel of [...channels.keys()]) forget(channel);
  hideProblem();
  $("chat").hidden = true;
  $("join").hidden = false;
  $("join-problem").textContent = problem;
  $("join-problem").hidden = problem === "";
  $("name").focus();
}

// --- channels -----------------------------------------------------------------------------------

function addChannel(channel) {
  if (channels.has(channel)) return;
  const templates = {
    logTemplate: $("log-template"),
    messageTemplate: $("message-template"),
    noteTemplate: $("note-template"),
  };
  const log = new Log(templates, {
    label: `Messages in ${channel}`,
    onScroll: () => showLatest(),
  });
  const item = $("channel-template").content.firstElementChild.cloneNode(true);
  item.querySelector(".channel-name").textContent = shortName(channel);
  item.querySelector("button").addEventListener("click", () => {
    open(channel);
    focusComposer();
  });
  channels.set(channel, { log, item, unread: 0, isEntered: false, keys: new Set() });
  $("channels").append(item);
  $("logs").append(log.element);
  const listener = (publication) => receive(channel, publication);
  connection.subscribe(channel, listener, { history: HISTORY }).catch(() => {
    // Refusals come as the event "unsubscribed".
  });
}

function removeChannel(channel, problem = "") {
  if (channels.size === 1) {
    leave(problem);
    return;
  }
  forget(channel);
  if (channel === current) open(channels.keys().next().value);
  if (problem !== "") showProblem(problem);
}

function forget(channel) {
  const { log, item } = channels.get(channel);
  log.element.remove();
  item.remove();
  channels.delete(channel);
  people.forget(channel);
}

function open(channel) {
  current = channel;
  for (const [name, { log, item }] of channels) {
    log.element.hidden = name !== channel;
    if (name === channel) item.querySelector("button").setAttribute("aria-current", "true");
    else item.querySelector("button").removeAttribute("aria-current");
  }
  const { item, log } = channels.get(channel);
  item.scrollIntoView({ block: "nearest", inline: "nearest" });
  log.scrollToEnd();
  $("title").textContent = shortName(channel);
  $("text").placeholder = `Message to #${shortName(channel)}`;
  $("unsubscribe").hidden = READY_CHANNELS.includes(channel);
  history.replaceState(null, "", `#${channel}`);
  $("second").href = location.href;
  setUnread(channel, 0);
  $("people").open = false;
  showPeople();
  showLatest();
}

function showSubscribed(channel, isSubscribed) {
  const entry = channels.get(channel);
  if (!entry) return;
  entry.item.querySelector("button").toggleAttribute("data-subscribed", isSubscribed);
  entry.isEntered ||= isSubscribed;
}

/** Who is here, and who types. */
function showPeople() {
  const present = people.present(current);
  $("people").hidden = present === undefined;
  $("people-count").textContent = present?.size ?? "";
  const names = [...(present?.values() ?? [])].map(nameOf).sort((a, b) => a.localeCompare(b));
  $("people-list").replaceChildren(
    ...names.map((name) => {
      const item = $("person-template").content.firstElementChild.cloneNode(true);
      avatar(item.querySelector(".avatar"), name);
      item.querySelector(".person-name").textContent = name;
      return item;
    }),
  );
  const typing = people.typing(current);
  const who = typing.length > 2 ? "Several people" : typing.join(" and ");
  const verb = typing.length > 1 ? "are" : "is";
  $("activity").textContent = typing.length > 0 ? `${who} ${verb} typing…` : "";
}

function setUnread(channel, unread) {
  const entry = channels.get(channel);
  entry.unread = unread;
  entry.item.querySelector(".unread").hidden = unread === 0;
  entry.item.querySelector(".count").textContent = unread > 99 ? "99+" : unread;
  const total = [...channels.values()].reduce((sum, it) => sum + it.unread, 0);
  document.title = total > 0 ? `(${total}) Gatepost chat` : "Gatepost chat";
}

function showLatest() {
  const { log } = channels.get(current);
  $("empty").hidden = !log.isEmpty;
  $("latest").hidden = log.isAtEnd || log.isEmpty;
  if (log.isAtEnd && !document.hidden) setUnread(current, 0);
}

// --- messages -----------------------------------------------------------------------------------

function receive(channel, { data, at, from, offset }) {
  if (offset === undefined) { // a signal
    people.startedTyping(channel, from?.connection, nameOf(data?.typing));
    return;
  }
  // The reply to the own message was lost; that it is in the log tells as much.
  const delivered = own.get(data?.key);
  if (delivered) {
    delivered.showSent();
    return;
  }
  const { log, unread, isEntered, keys } = channels.get(channel);
  // Without a token each connection is another user, whose keys the server tells apart.
  if (keys.has(data?.key)) return;
  if (data?.key !== undefined) keys.add(data.key);
  people.stoppedTyping(channel, from?.connection);
  const isSeen = channel === current && !document.hidden && log.isAtEnd;
  log.add({ ...contentOf(data), at, by: from?.connection });
  if (isEntered && !isSeen) setUnread(channel, unread + 1);
  showLatest();
}

/** Whoever publishes decides what `data` is; the page takes what it can show. */
function contentOf(data) {
  const text = typeof data?.text === "string" ? data.text : JSON.stringify(data);
  return { name: nameOf(data?.name), text: String(text) };
}

function nameOf(value) {
  const name = typeof value === "string" ? value.trim().slice(0, 40) : "";
  return name || "Somebody";
}

/**
 * Shows the own message at once; `echo: false` publishes it to the others only. With its key the
 * client repeats what got no answer, and the message still stands in the log once.
 */
async function send(channel, text) {
  const { log } = channels.get(channel);
  const message = log.add({ name: me, text, at: Date.now(), by: "me", isOwn: true });
  log.scrollToEnd();
  showLatest();
  people.typed(channel);
  const key = newKey();
  own.set(key, message);
  const deliver = async () => {
    message.showSending();
    try {
      await connection.publish(channel, { name: me, text, key }, { key, echo: false });
      message.showSent();
    } catch (error) {
      message.showFailed(whyNotSent(error), deliver);
    }
  };
  await deliver();
}

function whyNotSent({ code, message }) {
  if (code === "disconnected") return "Not sent: no connection.";
  if (code === "lost" || code === "timeout") return "Perhaps not sent: the server did not confirm.";
  return `Not sent: ${message}.`;
}

// --- what the connection says -------------------------------------------------------------------

function showState({ state, reason, retryInMs }) {
  $("state").dataset.state = state;
  $("state").textContent = STATES[state];
  if (state !== "connected") for (const channel of channels.keys()) showSubscribed(channel, false);
  if (state === "closed") $("people").hidden = true;
  if (state === "connected" || state === "connecting") {
    $("offline").hidden = true;
  } else if (retryInMs !== undefined || state === "closed") {
    const why = reason || "The connection ended";
    const next = state === "closed" ? "" : " The page goes on trying.";
    $("offline-text").textContent = `${why}.${next}`;
    $("retry").textContent = state === "closed" ? "Connect again" : "Try now";
    $("offline").hidden = false;
  }
}

function showError({ source, message }) {
  if (source === "gateway") showProblem(`The gateway reports: ${message}.`);
  else if (source === "protocol") showProblem(`${message}.`);
}

function showProblem(text) {
  $("problem").textContent = text;
  $("problem").hidden = false;
  clearTimeout(problemTimer);
  problemTimer = setTimeout(hideProblem, PROBLEM_SHOWN_MS);
}

function hideProblem() {
  $("problem").hidden = true;
}

// --- small things -------------------------------------------------------------------------------

function shortName(channel) {
  return channel.startsWith(NAMESPACE) ? channel.slice(NAMESPACE.length) : channel;
}

/** Randomness that pages without TLS have too. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function remembered() {
  try {
    return localStorage.getItem("gatepost-name") ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem("gatepost-name", name);
  } catch {
    // then it is asked again
  }
}

function fitComposer() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const remaining = text.maxLength - text.value.length;
  $("remaining").hidden = remaining > 200;
  $("remaining").textContent = `${remaining} left`;
}

/** On a touch screen, focus would bring up the keyboard unasked. */
function focusComposer() {
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

function proposeChannel(typed) {
  const channel = typed.includes(":") ? typed : NAMESPACE + typed;
  if (!CHANNEL.test(channel)) return "Only letters, digits and . _ - can stand in a name.";
  if (channel.length > 128) return "The name is too long.";
  if (!channels.has(channel) && channels.size >= CHANNELS_MAX) {
    return `This page holds up to ${CHANNELS_MAX} channels.`;
  }
  addChannel(channel);
  open(channel);
  return "";
}

$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (name === "") {
    $("name").value = "";
    $("name").reportValidity();
  } else {
    join(name);
    focusComposer();
  }
});

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text === "") return;
  $("text").value = "";
  fitComposer();
  $("text").focus();
  send(current, text);
});

$("text").addEventListener("input", () => {
  fitComposer();
  if ($("text").value.trim() !== "") people.type(current, me);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});

$("add").addEventListener("click", () => {
  $("add-problem").hidden = true;
  $("add-form").reset();
  $("add-dialog").showModal();
});
$("add-cancel").addEventListener("click", () => $("add-dialog").close());
$("add-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const problem = proposeChannel($("channel").value.trim());
  $("add-problem").textContent = problem;
  $("add-problem").hidden = problem === "";
  if (problem !== "") return;
  $("add-dialog").close();
  focusComposer();
});

$("unsubscribe").addEventListener("click", () => {
  connection.unsubscribe(current);
  removeChannel(current);
});
document.addEventListener("click", ({ target }) => {
  if (!$("people").contains(target)) $("people").open = false;
});
$("latest").addEventListener("click", () => channels.get(current).log.scrollToEnd());
$("retry").addEventListener("click", () => connection.connect());
$("leave").addEventListener("click", () => leave());
document.addEventListener("visibilitychange", () => {
  if (connection) showLatest();
});

prepare();
