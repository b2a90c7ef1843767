// Short words at the edge of the page about what was done or did not work.
import { html, useEffect, useState } from "./html.js";

let shown = [];
let number = 0;
const watchers = new Set();

function change(next) {
  shown = next;
  for (const watch of watchers) watch(shown);
}

const drop = (id) => change(shown.filter((each) => each.id !== id));

/** Say something for some seconds; `kind` is "" or "bad", which stays twice as long. */
export function toast(text, kind = "") {
  const id = ++number;
  change([...shown.slice(-3), { id, text: String(text), kind }]);
  setTimeout(drop, kind === "bad" ? 12_000 : 5_000, id);
}

export function Toasts() {
  const [list, set] = useState(shown);
  useEffect(() => {
    watchers.add(set);
    return () => watchers.delete(set);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${list.map((each) => html`<div key=${each.id} class="toast ${each.kind}"><span>${each.text}</span><button class="quiet" aria-label="Dismiss" onClick=${() => drop(each.id)}>×</button></div>`)}
  </div>`;
}
