/** How long to wait before trying again. */

/** Full jitter: anything from 0 to a ceiling that doubles with each failure, up to `maxMs`. */
export function backoffMs(failures, { minMs, maxMs, random = Math.random }) {
  return random() * Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
}
