// The filter above the list of jobs; it only changes the address, which the list follows.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { SPANS } from "../lib/filter.js";
import { go } from "../lib/router.js";

const STATUSES = ["scheduled", "submitted", "in progress", "complete", "failed", "cancelled"];
const SPAN_NAMES = { "15m": "Last 15 minutes", "1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days" };
const TYPING_MS = 300;

export function Filters({ filter, names }) {
  const change = (values, options) => go("jobs", { ...filter, cursor: "", ...values }, options);
  const isFree = Boolean(filter.from || filter.to || filter.span === "free");
  const times = (value) => change({ since: SPANS[value] ? value : "", span: value === "free" ? "free" : "", ...(value === "free" ? {} : { from: "", to: "" }) });
  const rest = Object.entries(filter).filter(([name, value]) => value && name !== "cursor");
  return html`<form class="filters" role="search" aria-label="Jobs" onSubmit=${(event) => event.preventDefault()}>
    <${Words} value=${filter.words || ""} set=${(words) => change({ words }, { replace: true })} />
    <${Choice} id="status" label="Status" value=${(filter.status || "").replace("_", " ")} all="Any" values=${STATUSES} set=${(status) => change({ status })} />
    <${Choice} id="task" label="Task" value=${filter.task || ""} all="Any" values=${names.tasks} set=${(task) => change({ task })} />
    <${Choice} id="queue" label="Queue" value=${filter.queue || ""} all="Any" values=${names.queues} set=${(queue) => change({ queue })} />
    <${Tag} value=${filter.tag || ""} set=${(tag) => change({ tag })} />
    <div class="field"><label for="since">Created</label>
      <select id="since" value=${isFree ? "free" : filter.since || ""} onChange=${(event) => times(event.target.value)}>
        <option value="">Any time</option>
        ${Object.keys(SPANS).map((span) => html`<option value=${span}>${SPAN_NAMES[span]}</option>`)}
        <option value="free">Between …</option>
      </select>
    </div>
    ${isFree && html`<${Moment} id="from" label="From" value=${filter.from} set=${(from) => change({ from, span: "free" })} /><${Moment} id="to" label="To" value=${filter.to} set=${(to) => change({ to, span: "free" })} />`}
    ${filter.batch && html`<div class="field"><span class="dim small">Batch</span><span class="mono batch">${filter.batch}</span></div>`}
    ${rest.length > 0 && html`<a class="button quiet" href="#/jobs">Clear</a>`}
  </form>`;
}

/** The field for words: the address follows once the person stops typing. */
function Words({ value, set }) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  const typed = (event) => {
    const words = event.target.value;
    setText(words);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(words.trim()), TYPING_MS);
  };
  return html`<div class="field wide"><label for="words">Words in parameters or error <kbd>/</kbd></label><input id="words" type="search" data-filter autocomplete="off" spellcheck="false" value=${text} onInput=${typed} /></div>`;
}

function Choice({ id, label, value, all, values, set }) {
  const known = !value || values.includes(value) ? values : [value, ...values];
  return html`<div class="field"><label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => set(event.target.value)}>
      <option value="">${all}</option>${known.map((each) => html`<option value=${each}>${each}</option>`)}
    </select></div>`;
}

function Tag({ value, set }) {
  return html`<div class="field"><label for="tag">Tag</label><input id="tag" class="short" autocomplete="off" value=${value} onChange=${(event) => set(event.target.value.trim())} /></div>`;
}

function Moment({ id, label, value, set }) {
  return html`<div class="field"><label for=${id}>${label}</label><input id=${id} type="datetime-local" value=${value || ""} onChange=${(event) => set(event.target.value)} /></div>`;
}
