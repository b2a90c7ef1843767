// A job's way through its statuses, with times; and its attempts.
import { html } from "../lib/html.js";
import { count, duration, ms } from "../lib/format.js";
import { useNow } from "../lib/hooks.js";
import { Icon, Panel, Time, Took } from "../lib/parts.js";
import { Table } from "../lib/table.js";

const MOST_STEPS = 9;
const ENDED = new Set(["complete", "failed", "cancelled"]);
const OUTCOMES = { complete: "complete", cancelled: "cancelled", released: "scheduled" };

export function Line({ job }) {
  const now = useNow(ENDED.has(job.status) ? 0 : 1000);
  const all = steps(job, now);
  const cut = all.length > MOST_STEPS ? all.length - MOST_STEPS : 0;
  const shown = cut ? [...all.slice(0, 2), { shape: "", name: `${count(cut + 1)} steps in between`, kind: "" }, ...all.slice(3 + cut)] : all;
  return html`<${Panel} title="Line">
    <ol class="way body">${shown.map((step) => html`<li class=${step.kind} aria-current=${step.isNow ? "step" : undefined}>
      <${Icon} name=${step.shape} />
      <span class="name">${step.name}</span>
      <span class="when">${step.at && html`<${Time} value=${step.at} clock />`}</span>
      ${step.note && html`<span class="note-line dim">${step.note}</span>`}
    </li>`)}</ol>
  </${Panel}>`;
}

const kindOf = (status) => status.replace(" ", "-");

/** What happened so far, in order: [{shape, kind, name, at, note, isNow}]. */
export function steps(job, now) {
  const waitsFor = job.after || job.after_any;
  const found = [{ shape: job.run_at || waitsFor ? "scheduled" : "submitted", kind: "", name: "Submitted", at: job.created }];
  const runs = job.attempts || [];
  const isFirst = runs.length === 0;
  if (job.run_at && isFirst) {
    const isDue = ms(job.run_at) <= now;
    if (isDue) found.push({ shape: "submitted", name: "Into its queue", at: job.run_at, note: waited(job.created, job.run_at) });
    else found.push({ shape: "scheduled", kind: "scheduled", name: "Waits for its time", at: job.run_at, isNow: true });
  }
  let before = job.run_at && ms(job.run_at) < ms((runs[0] || {}).started) ? job.run_at : job.created;
  runs.forEach((run, i) => {
    const many = job.max_attempts > 1 || runs.length > 1;
    found.push({ shape: "in progress", kind: run.ended ? "" : "in-progress", name: many ? `Attempt ${run.attempt} began` : "Began", at: run.started, note: i === 0 ? waited(before, run.started) : "", isNow: !run.ended });
    const isLast = i === runs.length - 1 && job.finished;
    if (run.ended && !isLast) {
      const shape = OUTCOMES[run.outcome] || "failed";
      found.push({ shape, kind: kindOf(shape), name: run.outcome === "released" ? "Handed back" : run.outcome || "ended", at: run.ended, note: ran(run) });
    }
    before = run.ended;
  });
  if (ENDED.has(job.status)) {
    const last = runs[runs.length - 1];
    found.push({ shape: job.status, kind: kindOf(job.status), name: job.reason && job.reason !== job.status ? `${job.status}: ${job.reason}` : job.status, at: job.finished, note: last ? ran(last) : "", isNow: true });
  } else if (job.status === "submitted") {
    found.push({ shape: "submitted", kind: "submitted", name: "Waits for a worker", note: `for ${duration((now - ms(before)) / 1000)}`, isNow: true });
  } else if (job.status === "scheduled" && !(job.run_at && isFirst)) {
    found.push({ shape: "scheduled", kind: "scheduled", name: job.run_at ? "Waits for its next attempt" : "Waits for other jobs", at: job.run_at, isNow: true });
  }
  return found;
}

const waited = (from, to) => (ms(to) - ms(from) >= 1 ? `after ${duration((ms(to) - ms(from)) / 1000)}` : "");
const ran = (run) => (run.ended ? `after ${duration((ms(run.ended) - ms(run.started)) / 1000)}` : "");

const COLUMNS = [
  { key: "attempt", label: "Attempt", render: (run) => count(run.attempt) },
  {
    key: "outcome",
    label: "Outcome",
    render: (run) => {
      const shape = run.outcome ? OUTCOMES[run.outcome] || "failed" : "in progress";
      return html`<span class="status ${kindOf(shape)}"><${Icon} name=${shape} />${run.outcome || "in progress"}</span>`;
    },
  },
  { key: "started", label: "Began", render: (run) => html`<${Time} value=${run.started} clock />` },
  { key: "took", label: "Took", numeric: true, render: (run) => html`<${Took} job=${{ ...run, finished: run.ended, status: run.ended ? "" : "in progress" }} />` },
  { key: "worker", label: "Worker", minor: true, render: (run) => html`<span class="mono">${run.worker}</span>` },
  { key: "detail", label: "Why", minor: true, render: (run) => run.detail || (run.error ? `${run.error.type}: ${run.error.message}` : "") },
];

/** Every run, where there was more than one. */
export function Attempts({ job }) {
  const runs = job.attempts || [];
  if (runs.length < 2) return null;
  return html`<${Panel} title="Attempts" class="panel attempts">
    <${Table} caption="Attempts" columns=${COLUMNS} rows=${runs} keyOf=${(run) => run.token || run.started} />
    ${job.attempts_left_out > 0 && html`<p class="body dim">${count(job.attempts_left_out)} more between the first ten and the last are not kept.</p>`}
  </${Panel}>`;
}
