// A JSON value as a tree that opens and closes; long lists and texts show their beginning first.
import { html, useState } from "./html.js";
import { count } from "./format.js";

const STEP = 100;
const LONG = 300;

/** `open`: how many levels are open at first. */
export function Json({ value, name, open = 1 }) {
  if (value === null || typeof value !== "object") return html`<div class="json leaf"><${Name} name=${name} /><${Leaf} value=${value} /></div>`;
  return html`<${Branch} value=${value} name=${name} open=${open} />`;
}

const Name = ({ name }) => (name === undefined ? null : html`<span class="key">${name}</span>`);

function Branch({ value, name, open }) {
  const isList = Array.isArray(value);
  const entries = isList ? value.map((each, i) => [i, each]) : Object.entries(value);
  const [isOpen, setOpen] = useState(open > 0);
  const [most, setMost] = useState(STEP);
  if (entries.length === 0) return html`<div class="json leaf"><${Name} name=${name} /><span class="dim">${isList ? "[ ]" : "{ }"}</span></div>`;
  const children = isOpen && html`<div class="inside">
    ${entries.slice(0, most).map(([key, each]) => html`<${Json} key=${key} name=${key} value=${each} open=${open - 1} />`)}
    ${entries.length > most && html`<button class="quiet" onClick=${() => setMost(most + 10 * STEP)}>${count(entries.length - most)} more</button>`}
  </div>`;
  if (name === undefined) return html`<div class="json root">${isOpen ? children : html`<button class="quiet" onClick=${() => setOpen(true)}>Show</button>`}</div>`;
  return html`<details class="json" open=${isOpen} onToggle=${(event) => event.target === event.currentTarget && setOpen(event.currentTarget.open)}>
    <summary><${Name} name=${name} /><span class="dim">${isList ? `list of ${count(entries.length)}` : `${count(entries.length)} ${entries.length === 1 ? "field" : "fields"}`}</span></summary>
    ${children}
  </details>`;
}

function Leaf({ value }) {
  const [all, setAll] = useState(false);
  const kind = value === null ? "null" : typeof value;
  const text = String(value);
  const isCut = text.length > LONG && !all;
  return html`<span class="value ${kind}">${isCut ? text.slice(0, LONG) + "…" : text}</span>${isCut && html` <button class="quiet" onClick=${() => setAll(true)}>whole text</button>`}`;
}
