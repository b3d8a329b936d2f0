/**
 * What runs in a worker process of a Node function: a Lambda runtime without packages.
 *
 * It is run by path with Node 20 or newer and speaks the Lambda Runtime API (2018-06-01) to the
 * runner: take an event, call the handler, post what it returned or threw. What a handler can see
 * of it (context, callback, module rules, errors) follows AWS's own Node runtime. Starting, timing
 * and ending the process is the runner's business.
 *
 * An extra connection to the Runtime API is the lifeline: when it ends, the runner has died, and
 * this process ends as well, whatever its handler is doing.
 */

import diagnostics from "node:diagnostics_channel";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";

import "./aws_sdk_v2.mjs";

const API = "/2018-06-01/runtime";
const ADDRESS = process.env.AWS_LAMBDA_RUNTIME_API;
const HANDLER = process.env._HANDLER;
const ROOT = process.env.LAMBDA_TASK_ROOT;
const SUFFIXES = [".js", ".mjs", ".cjs"];
/** From Node.js 24 on, Lambda takes no callbacks, and sends what a plain function returns. */
const HAS_CALLBACKS = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1]) < 24;

/** How long a worker whose runner has gone may take to leave: longer than a runner that stops it. */
const ORPHAN_GRACE_MS = 1500;
/** It has a thread of its own: a handler that holds the interpreter must not outlive the runner. */
const LIFELINE = `
  const { workerData } = require("node:worker_threads");
  const [host, port] = workerData.address.split(":");
  require("node:net").connect(port, host).on("error", () => {}).on("close", () =>
    setTimeout(() => {
      try { process.kill(-process.pid, "SIGKILL"); } catch { process.kill(process.pid, "SIGKILL"); }
    }, workerData.grace)).resume();
`;

/** The handler could not be loaded; `name` is Lambda's error type. */
class InitError extends Error {
  constructor(name, reason, cause) {
    super(`${reason} (handler '${HANDLER}', looked up in ${ROOT})`);
    this.name = name;
    this.cause = cause;
  }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = ADDRESS.split(":");

/** Ask the Runtime API; the answer's headers and body. While it is open, the process lives. */
function ask(method, route, body = "", headers = {}) {
  return new Promise((resolve, reject) => {
    const length = { "Content-Length": Buffer.byteLength(body) };
    const options = { agent, host, port, method, path: API + route };
    const request = http.request({ ...options, headers: { ...headers, ...length } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
      answer.on("error", reject);
    });
    ours.add(request);
    request.on("error", reject).on("close", () => ours.delete(request)).end(body);
  });
}

// Loading.

/** Find the function that a handler string names: `folder/file.export`, exports may be nested. */
async function loadHandler() {
  const [, folder, file, name] = /^(.*\/)?([^./]+)\.([^/]+)$/.exec(HANDLER) ?? [];
  if (!file || HANDLER.includes("..")) {
    throw new InitError("Runtime.MalformedHandlerName",
      `Bad handler '${HANDLER}': it must read 'path/to/file.function'`);
  }
  const exported = await load((folder ?? "") + file);
  const found = name.split(".").reduce((value, key) => value?.[key], exported);
  if (typeof found !== "function") {
    const state = found === undefined ? "is undefined or not exported" : "is not a function";
    throw new InitError("Runtime.HandlerNotFound", `${HANDLER} ${state}`);
  }
  if (!HAS_CALLBACKS && found.length >= 3) {
    throw new InitError("Runtime.CallbackHandlerDeprecated",
      "Lambda takes no handler with a callback from Node.js 24 on: make it an async function");
  }
  return found;
}

async function load(module) {
  const place = path.resolve(ROOT, module);
  const file = SUFFIXES.map((suffix) => place + suffix).find((name) => fs.existsSync(name));
  try {
    return isModule(file) ? await import(pathToFileURL(file)) : required(file ?? place);
  } catch (error) {
    throw loadFailure(error, module, place);
  }
}

function required(place) {
  return createRequire(path.join(ROOT, "package.json"))(place);
}

function loadFailure(error, module, place) {
  if (error instanceof SyntaxError) {
    return new InitError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, error);
  }
  if (!["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
    return error;
  }
  if (fs.existsSync(`${place}.ts`) || fs.existsSync(`${place}.mts`)) {
    return new InitError("Runtime.ImportModuleError",
      `Module '${module}' is TypeScript only, and Lambda runs JavaScript: compile it first`);
  }
  const reason = error.message.split("\n")[0] + adviceOnSdk(error.message);
  return new InitError("Runtime.ImportModuleError",
    `Unable to import module '${module}': ${reason}`, error);
}

/** What Lambda's Node brings along and this machine's does not. */
function adviceOnSdk(message) {
  const [, name] = /'((?:@aws-sdk|@smithy)\/[^'/]+|aws-sdk)(?:\/[^']*)?'/.exec(message) ?? [];
  return name === undefined ? ""
    : `. Lambda brings it along; here the project must have it: npm install --save-dev ${name}`;
}

/** Whether a file is an ES module: by its suffix, else by the nearest package.json. */
function isModule(file) {
  if (file === undefined || !file.endsWith(".js")) {
    return Boolean(file?.endsWith(".mjs"));
  }
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) {
      return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
    }
    if (folder === path.dirname(folder)) {
      return false;
    }
  }
}

// Errors.

/** The error in the form that the Runtime API takes. */
function described(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const trace = (error.stack ?? "").split("\n");
  return { errorType: error.name, errorMessage: error.message, trace };
}

function show(error) {
  const shown = error instanceof InitError ? error.cause : error;
  if (shown !== undefined) process.stderr.write(`${inspect(shown)}\n`);
}

function encode(result) {
  try {
    return JSON.stringify(result) ?? "null";
  } catch (error) {
    throw new Error(`Unable to stringify response body: ${error.message}`);
  }
}

// What a handler leaves behind: Lambda freezes the process as soon as it has the response.

const ours = new Set();
const requests = new Set();
for (const [began, ended, failed] of [
  ["http.client.request.start", "http.client.response.finish", "http.client.request.error"],
  ["undici:request:create", "undici:request:trailers", "undici:request:error"],
]) {
  diagnostics.subscribe(began, ({ request }) => ours.has(request) || requests.add(request));
  diagnostics.subscribe(ended, ({ request }) => requests.delete(request));
  diagnostics.subscribe(failed, ({ request }) => requests.delete(request));
}

/** What of a kind keeps the event loop going. */
const active = (...kinds) =>
  process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
const work = () => ({
  requests: new Set(requests),
  connections: active("GetAddrInfoReqWrap", "TCPConnectWrap"),
  timers: active("Timeout"),
});

/** What the invocation began and has not ended, as a header of its response. */
async function unfinished(before) {
  await new Promise(setImmediate); // what was begun in this turn is seen in the next
  const now = work();
  const left = [];
  if ([...now.requests].some((one) => !before.requests.has(one) && !one.destroyed)) {
    left.push("an HTTP request in flight");
  } else if (now.connections > before.connections) {
    left.push("a connection being opened");
  }
  if (now.timers > before.timers) left.push("a timer set");
  return left.length ? { "Gatepost-Unfinished": left.join(", ") } : {};
}

// Invocations.

/** The running invocation: how it is settled from outside of the handler. */
let running;

class Context {
  callbackWaitsForEmptyEventLoop = true;
  functionName = process.env.AWS_LAMBDA_FUNCTION_NAME;
  functionVersion = process.env.AWS_LAMBDA_FUNCTION_VERSION;
  memoryLimitInMB = process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
  logGroupName = process.env.AWS_LAMBDA_LOG_GROUP_NAME;
  logStreamName = process.env.AWS_LAMBDA_LOG_STREAM_NAME;
  identity = undefined;

  constructor(headers) {
    this.awsRequestId = headers["lambda-runtime-aws-request-id"];
    this.invokedFunctionArn = headers["lambda-runtime-invoked-function-arn"];
    this.clientContext = JSON.parse(headers["lambda-runtime-client-context"] ?? "0") || undefined;
    const deadline = Number(headers["lambda-runtime-deadline-ms"]);
    this.getRemainingTimeInMillis = () => Math.max(deadline - Date.now(), 0);
  }
}

/** Call the handler; the promise of its result settles by whatever way the handler takes. */
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    running = { resolve, reject };
    if (!HAS_CALLBACKS) {
      Promise.resolve(handler(event, context)).then(resolve, reject); // still open to `running`
      return;
    }
    const done = (error, result) => (error == null ? resolve(result) : reject(error));
    const callback = (error, result) => {
      if (error == null && context.callbackWaitsForEmptyEventLoop) {
        running.whenEmpty ??= () => resolve(result);
      } else {
        done(error, result);
      }
    };
    Object.assign(context, { done, succeed: resolve, fail: (error) => reject(error ?? "handled") });
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") {
      returned.then(resolve, reject);
    } else if (returned !== undefined && handler.length < 3) {
      const advice = "up to Node.js 22, Lambda ignores what it returns: make it async";
      process.stderr.write(`The handler is a plain function, and ${advice}\n`);
    }
  });
}

// Nothing is left to do, and no answer was given: that is the end, as on Lambda.
process.on("beforeExit", () => (running?.whenEmpty ?? running?.resolve)?.(null));

async function invoke(handler, { headers, body }) {
  const route = `/invocation/${headers["lambda-runtime-aws-request-id"]}`;
  process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
  const before = work();
  try {
    const payload = encode(await call(handler, JSON.parse(body), new Context(headers)));
    running = undefined;
    await ask("POST", `${route}/response`, payload, await unfinished(before));
  } catch (error) {
    running = undefined;
    show(error);
    const told = described(error);
    await ask("POST", `${route}/error`, JSON.stringify(told), await unfinished(before));
    if (fatal) process.exit(129);
  }
}

/** What nobody caught ends the invocation that runs, and the process. */
let fatal;
function unhandled(error) {
  fatal ??= error;
  if (running) {
    running.reject(error);
  } else {
    show(error);
    process.exit(129);
  }
}

function unhandledRejection(reason) {
  const error = new Error(reason instanceof Error ? String(reason) : inspect(reason));
  error.stack = reason?.stack ?? error.stack;
  error.name = "Runtime.UnhandledPromiseRejection";
  unhandled(error);
}

/** The runner asks with this signal, at the function's timeout, what the handler waits for. */
function dump() {
  const waits = [...new Set(process.getActiveResourcesInfo())].join(", ") || "nothing";
  process.stderr.write(`Timed out while the event loop waits for: ${waits}\n`);
}

async function main() {
  const workerData = { address: ADDRESS, grace: ORPHAN_GRACE_MS };
  new Worker(LIFELINE, { eval: true, workerData, execArgv: [] }).unref();
  process.on("uncaughtException", unhandled);
  process.on("unhandledRejection", unhandledRejection);
  process.on("SIGUSR2", dump);
  let handler;
  try {
    handler = await loadHandler();
  } catch (error) {
    show(error);
    const told = described(error);
    await ask("POST", "/init/error", JSON.stringify(told), {
      "Lambda-Runtime-Function-Error-Type": told.errorType,
    });
    process.exit(1);
  }
  for (;;) {
    let event;
    try {
      event = await ask("GET", "/invocation/next");
    } catch {
      process.exit(0); // the runner closed the connection
    }
    await invoke(handler, event);
  }
}

main();
