// Server-Sent Events by fetch, so that they carry the token: reads on after a break with Last-Event-ID, asks again and
// again where there is no stream to be had, and holds no connection while the page is hidden (a browser has six).
import { useEffect, useRef } from "./html.js";
import { ask } from "./api.js";

const QUIET_MS = 40_000; // the server says something every 15 s
const POLL_MS = 2_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;

let state = "idle"; // starting · live · polling · reconnecting; idle: nothing is followed
let followed = 0;
const watchers = new Set();

function tell(next) {
  if (next === state) return;
  state = next;
  for (const watch of watchers) watch(state);
}

/** Call `watch` with the state of what is followed, whenever that changes; gives the function that ends that. */
export function onState(watch) {
  watchers.add(watch);
  watch(state);
  return () => watchers.delete(watch);
}

/** Cut the text of a stream into events as it comes: `push(text)` gives those that are whole, `[{type, id, data}]`. */
export function parser() {
  let rest = "";
  let event = { type: "", data: [] };
  let id = "";
  return function push(text) {
    const found = [];
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) || [];
      if (line === "") {
        if (event.data.length) found.push({ type: event.type || "message", id, data: event.data.join("\n") });
        event = { type: "", data: [] };
      } else if (name === "data") event.data.push(value);
      else if (name === "event") event.type = value;
      else if (name === "id") id = value;
    }
    return found;
  };
}

/** Follow a stream: `on(type, data)` for each event, and `on("look")` whenever what is shown may be old: at the start,
 * after a break, and every two seconds where there is no stream. Gives the function that ends it. */
export function follow(path, on, { isOver = () => false } = {}) {
  let last = "";
  let ended = false;
  let abort = null;
  let timer = 0;
  let wait = FIRST_RETRY_MS;

  const later = (ms) => {
    clearTimeout(timer);
    if (!ended && !document.hidden) timer = setTimeout(open, ms);
  };

  async function open() {
    if (ended || document.hidden || abort) return;
    abort = new AbortController();
    try {
      const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
      const answer = await ask(path, { headers, signal: abort.signal, cache: "no-store" });
      tell("live");
      wait = FIRST_RETRY_MS;
      on("look");
      if (answer.status === 204) return; // nothing comes after what was seen
      await read(answer.body.getReader());
      abort = null;
      if (isOver()) return;
      later(FIRST_RETRY_MS);
    } catch (problem) {
      abort = null;
      if (ended || document.hidden) return;
      const isAbsent = problem.status === 404 || problem.status === 405 || problem.status === 406;
      tell(isAbsent ? "polling" : problem.status === 503 && problem.type !== "store-unavailable" ? "polling" : "reconnecting");
      on("look");
      if (problem.status === 401) return;
      later(isAbsent ? POLL_MS : wait);
      wait = Math.min(wait * 2, LAST_RETRY_MS);
    }
  }

  async function read(reader) {
    const push = parser();
    const decoder = new TextDecoder();
    let alarm = 0;
    try {
      for (;;) {
        clearTimeout(alarm);
        alarm = setTimeout(() => abort && abort.abort(), QUIET_MS);
        const { done, value } = await reader.read();
        if (done) return;
        for (const event of push(decoder.decode(value, { stream: true }))) {
          if (event.id) last = event.id;
          if (!ended) on(event.type, parsed(event.data));
        }
      }
    } finally {
      clearTimeout(alarm);
    }
  }

  function seen() {
    if (!document.hidden) open();
    else {
      clearTimeout(timer);
      if (abort) abort.abort();
    }
  }

  document.addEventListener("visibilitychange", seen);
  if (followed++ === 0) tell("starting");
  open();
  return () => {
    ended = true;
    if (--followed === 0) tell("idle");
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
    if (abort) abort.abort();
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Follow a stream as long as a view is there. `path` null: none. */
export function useLive(path, on, options) {
  const latest = useRef(on);
  latest.current = on;
  useEffect(() => (path ? follow(path, (...event) => latest.current(...event), options) : undefined), [path]);
}
