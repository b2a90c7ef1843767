// The address's part after `#` is where the page is: `#/jobs?status=failed` → { path: ["jobs"], query: {status: "failed"} }.
import { useEffect, useState } from "./html.js";

export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { path: parts, query: Object.fromEntries(new URLSearchParams(query)), hash };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view: `link(["jobs", id])`, `link("jobs", {status: "failed"})`. */
export function link(path, query = {}) {
  const parts = Array.isArray(path) ? path : [path];
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return "#/" + parts.map(encodeURIComponent).join("/") + (given.length ? "?" + new URLSearchParams(given) : "");
}

/** Go there; with `replace` without a step in the browser's history. */
export function go(path, query, { replace = false } = {}) {
  const to = link(path, query);
  if (to === location.hash) return;
  if (!replace) location.hash = to;
  else {
    history.replaceState(null, "", to);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

/** Where the page is; renders again when that changes. */
export function useRoute() {
  const [route, set] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => set(parse(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
