/** Repeating a request that can be repeated without harm, across reconnects too. */

import { backoffMs } from "./backoff.js";

/**
 * Resolves as `attempt()` does, repeating it while it fails with a temporary error, for as long as
 * `publishRetryMs`. What finds no connection the first time is not repeated: nothing was begun.
 */
export async function persist(connection, attempt, options) {
  const { backoffMinMs: minMs, backoffMaxMs: maxMs, publishRetryMs, random, clock } = options;
  const deadline = clock.now() + publishRetryMs;
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const nothingBegan = failures === 0 && error.code === "disconnected";
      if (!error.temporary || nothingBegan || connection.state === "closed") throw error;
      const leftMs = deadline - clock.now();
      const isConnected = connection.state === "connected";
      const waitMs = isConnected ? backoffMs(failures, { minMs, maxMs, random }) : leftMs;
      if (leftMs <= 0 || waitMs > leftMs) throw error;
      await pause(connection, waitMs, clock);
    }
  }
}

/** Waits for a while, or for the connection to be back or closed. */
function pause(connection, waitMs, clock) {
  return new Promise((resolve) => {
    const done = () => {
      clock.clearTimeout(timer);
      stopListening();
      resolve();
    };
    const timer = clock.setTimeout(done, waitMs);
    const stopListening = connection.on("state", ({ state }) => {
      if (state === "connected" || state === "closed") done();
    });
  });
}
