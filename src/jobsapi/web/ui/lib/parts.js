// The small pieces that every view is made of.
import { html, useState } from "./html.js";
import { address, ask, token } from "./api.js";
import { ago, at, coarse, exact, duration, ms } from "./format.js";
import { useNow } from "./hooks.js";
import { toast } from "./toast.js";

const SHAPES = {
  scheduled: "M8 3.2v5l3 1.8M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z",
  submitted: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8h.1M8 8h.1M11 8h.1",
  "in progress": "M8 1.5a6.5 6.5 0 1 1-6.5 6.5",
  complete: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8.2l2.1 2.1L11 6",
  failed: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6",
  cancelled: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM3.6 12.4l8.8-8.8",
  warning: "M8 2 1.6 13.6h12.8ZM8 6.5v3.3M8 11.7h.01",
  pause: "M5.5 3.5v9M10.5 3.5v9",
};

/** A shape drawn in lines, in the colour of the text around it. */
export const Icon = ({ name, size = 16 }) =>
  html`<svg class="icon" width=${size} height=${size} viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${SHAPES[name] || ""} /></svg>`;

/** A job's status: a shape, a word and a colour. */
export function Status({ job, status = job.status, reason = job && job.reason }) {
  const kind = status.replace(" ", "-");
  const isStopping = job && job.cancel_requested && !job.finished;
  return html`<span class="status ${kind}"><${Icon} name=${status} /><span>${isStopping ? "stopping" : status}</span>${
    reason && reason !== status && html`<span class="reason">${reason}</span>`
  }</span>`;
}

/** How long ago, exactly when one points at it. */
export function Time({ value, every = 1000, clock = false }) {
  const now = useNow(clock || !value ? 0 : every);
  if (!value) return html`<span class="dim">–</span>`;
  return html`<time datetime=${typeof value === "string" ? value : new Date(value).toISOString()} title=${exact(value)}>${clock ? at(value, now) : ago(value, now)}</time>`;
}

/** How long it is since then, without a word. */
export function Age({ since, every = 1000 }) {
  const now = useNow(every);
  return html`<time datetime=${since} title=${exact(since)}>${coarse(Math.max(0, (now - ms(since)) / 1000))}</time>`;
}

/** How long a job ran, or runs. */
export function Took({ job }) {
  const running = job.status === "in progress";
  const now = useNow(running ? 1000 : 0);
  if (!job.started || (!job.finished && !running)) return html`<span class="dim">–</span>`;
  return html`<span>${duration(((running ? now : ms(job.finished)) - ms(job.started)) / 1000)}</span>`;
}

/** A bar from 0 to 1; null: it goes on, nobody knows how far. */
export function Bar({ fraction, label = "Progress" }) {
  const isKnown = typeof fraction === "number";
  const percent = isKnown ? Math.round(Math.min(1, Math.max(0, fraction)) * 1000) / 10 : undefined;
  return html`<div class=${isKnown ? "bar" : "bar going"} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}><div style=${isKnown ? { width: `${percent}%` } : {}}></div></div>`;
}

/** What went wrong, from a problem document; `again` offers another try. */
export function Trouble({ problem, again }) {
  if (!problem) return null;
  return html`<div class="note bad" role="alert">
    <${Icon} name="warning" />
    <div>
      <strong>${problem.title || "Something went wrong"}</strong>
      <p>${problem.detail || problem.message}</p>
      ${problem.errors && problem.errors.length > 0 && html`<ul>${problem.errors.map((each) => html`<li><code>${each.pointer || "/"}</code> ${each.detail}</li>`)}</ul>`}
      ${again && html`<button onClick=${again}>Try again</button>`}
    </div>
  </div>`;
}

/** A plain remark, with its shape. */
export const Note = ({ kind = "", icon = "warning", children }) => html`<div class="note ${kind}"><${Icon} name=${icon} /><div>${children}</div></div>`;

/** What stands where there is nothing to show. */
export const Empty = ({ title, children }) => html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;

/** A titled part of a view. `actions`: what stands at the right of its title. */
export const Panel = ({ title, actions, children, level = 2, id, ...rest }) =>
  html`<section class="panel" aria-labelledby=${id || slug(title)} ...${rest}>
    <header>${level === 2 ? html`<h2 id=${id || slug(title)}>${title}</h2>` : html`<h3 id=${id || slug(title)}>${title}</h3>`}${actions && html`<div class="actions">${actions}</div>`}</header>
    ${children}
  </section>`;

const slug = (title) => "part-" + String(title).toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** Copies `text`; says that it did. */
export function Copy({ text, label = "Copy" }) {
  const [done, set] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      set(true);
      setTimeout(() => set(false), 1500);
    } catch {
      toast("The browser does not let this page copy. Select the text and copy it by hand.", "bad");
    }
  };
  return html`<button type="button" class="quiet" onClick=${copy} aria-live="polite">${done ? "Copied" : label}</button>`;
}

/** Saves what the API has at `path` under `name`; by fetch, so that it carries the token. */
export function Download({ path, name, label = "Download", kind = "quiet" }) {
  const save = async () => {
    const url = URL.createObjectURL(await (await ask(path)).blob());
    const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  if (!token.get()) return html`<a class="button ${kind}" href=${address(path)} download=${name}>${label}</a>`;
  return html`<${Action} run=${save} kind=${kind}>${label}</${Action}>`;
}

/** A button that cannot be pressed again before what it started has ended; its failure becomes a toast. */
export function Action({ run, children, kind = "", ...rest }) {
  const [busy, set] = useState(false);
  const press = async () => {
    if (busy) return;
    set(true);
    try {
      await run();
    } catch (problem) {
      toast(problem.detail || problem.message, "bad");
    }
    set(false);
  };
  return html`<button type="button" class=${kind} aria-disabled=${busy} onClick=${press} ...${rest}>${children}</button>`;
}
