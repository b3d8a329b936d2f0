/**
 * Points version 2 of the AWS SDK for JavaScript at the endpoints that the environment names.
 *
 * Later versions read AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{SERVICE} themselves. Version 2 knows
 * neither: its clients would call AWS. What code gives a client itself still wins.
 *
 * Import it for its effect, before any code of the project.
 */

import Module from "node:module";

const PREFIX = "AWS_ENDPOINT_URL";
const INSIDE = /[\\/]aws-sdk[\\/]lib[\\/][^\\/]+$/;
const configured = new WeakSet();

/** Set the endpoints in the configuration that every client starts from. */
function configure(config) {
  configured.add(config);
  for (const [name, endpoint] of Object.entries(process.env)) {
    if (name === PREFIX) {
      config.endpoint ??= endpoint;
    } else if (name.startsWith(`${PREFIX}_`)) {
      config[name.slice(PREFIX.length + 1).replaceAll("_", "").toLowerCase()] ??= { endpoint };
    }
  }
}

const load = Module._load;
/** Every way into the SDK, whole or one client, loads its `lib/core`. */
Module._load = function (request, parent, ...rest) {
  const loaded = load.call(this, request, parent, ...rest);
  if (request === "./core" && INSIDE.test(parent?.filename ?? "")) {
    // While the core is still loading, it has no configuration yet.
    const config = Object.hasOwn(loaded, "config") ? loaded.config : undefined;
    if (config && !configured.has(config)) configure(config);
  }
  return loaded;
};
