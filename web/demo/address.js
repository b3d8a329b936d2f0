/** Where the page finds the address of the server, and what it says when it finds none. */

const HOW = "Start it with “make run”, or add the address to this page's own: ?url=wss://…";

/**
 * The `url` parameter of the page, else the `url` that the page's host names in /gatepost.json (as
 * the emulator does). Throws an Error whose message is fit to be shown.
 */
export async function findAddress() {
  const given = new URLSearchParams(location.search).get("url");
  if (given !== null) return checked(given);
  let found;
  try {
    const response = await fetch("/gatepost.json", { cache: "no-store" });
    found = response.ok ? (await response.json()).url : undefined;
  } catch {
    found = undefined;
  }
  if (typeof found !== "string") throw new Error(`This page knows no server to talk to. ${HOW}`);
  return checked(found);
}

/** The address for somebody of this name. */
export function addressFor(address, name) {
  const url = new URL(address);
  url.searchParams.set("name", name);
  return url.href;
}

function checked(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "ws:" && url?.protocol !== "wss:") {
    throw new Error(`“${text}” is no WebSocket address: it has to begin with ws:// or wss://.`);
  }
  url.hash = "";
  return url.href;
}
