// Asks the API. Addresses are relative, so that the page works wherever the API is mounted.

/** What the API refused, or that it did not answer: `title`, `detail`, `errors` ([{pointer, detail}]), `status`. */
export class Problem extends Error {
  constructor(status, document = {}) {
    super(document.detail || document.title || `The API answered ${status}.`);
    this.status = status;
    this.type = (document.type || "").replace("urn:jobsapi:problem:", "");
    this.title = document.title || "The request failed";
    this.detail = document.detail || "";
    this.errors = document.errors || [];
    this.document = document;
  }
}

const KEY = "jobsapi.token";
const listeners = new Set();

/** The token that requests carry; kept as long as the tab is open. */
export const token = {
  get: () => sessionStorage.getItem(KEY) || "",
  set(value) {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  },
};

/** Call `listener` whenever the API asks for a token that we have not; gives the function that ends that. */
export function onTokenAsked(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The full address of one of the API's paths, given without its first slash. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI.replace(/[?#].*$/, "")).href;

/** The query of an object's values, those that are empty left out: `?a=1`, or nothing. */
export function query(values) {
  const found = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return found.length ? "?" + new URLSearchParams(found) : "";
}

/** A fetch with the token; a refusal or an absent API becomes a Problem. */
export async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token.get()) headers.set("Authorization", `Bearer ${token.get()}`);
  let answer;
  try {
    answer = await fetch(/^https?:/.test(path) ? path : address(path), { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "The API does not answer", detail: "It cannot be reached. Is it still running?", type: "api-unavailable" });
  }
  if (answer.ok || answer.status === 304) return answer;
  const text = await answer.text();
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    document = { title: answer.statusText, detail: text.slice(0, 500) };
  }
  if (answer.status === 401) for (const each of listeners) each();
  throw new Problem(answer.status, document);
}

async function json(path, options) {
  return (await ask(path, options)).json();
}

export const get = (path, options) => json(path, options);
export const post = (path, body, options = {}) =>
  json(path, {
    method: "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...options,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...options.headers },
  });
export const del = (path, options) => json(path, { method: "DELETE", ...options });
