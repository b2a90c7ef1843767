// How the whole is: what needs attention, queues and workers as they are now, and the last day as charts.
import { html, useEffect, useState } from "../lib/html.js";
import { get, post } from "../lib/api.js";
import { sentences } from "../lib/attention.js";
import { bytes, count, duration, plural, short } from "../lib/format.js";
import { useAsk, useNow, useTitle } from "../lib/hooks.js";
import { useLive } from "../lib/live.js";
import { Action, Age, Bar, Empty, Icon, Panel, Trouble } from "../lib/parts.js";
import { link } from "../lib/router.js";
import { Table } from "../lib/table.js";
import { Day } from "./overview_day.js";

const DAY_EVERY = 15_000;
const NOW_EVERY = 2_000;
const ATTENTION_EVERY = 5_000;

async function present(signal) {
  const ask = (path) => get(path, { signal });
  const [queues, workers, running, failed, schedules] = await Promise.all([
    ask("queues"),
    ask("workers"),
    ask("jobs?status=in_progress&limit=100"),
    ask("jobs?status=failed&limit=50"),
    ask("schedules"),
  ]);
  return { queues: queues.queues, workers: workers.workers, running: running.jobs, failed: failed.jobs, schedules: schedules.schedules };
}

export default function Overview() {
  useTitle("Overview");
  const now = useAsk(present, [], { least: NOW_EVERY });
  const [progress, setProgress] = useState({}); // what was told since the rest was read
  useEffect(() => setProgress({}), [now.data]);
  useLive("events", (type, event) => {
    if (type === "progress") setProgress((old) => ({ ...old, [event.id]: event }));
    else if (type !== "log" && type !== "position") now.again();
  });
  const data = now.data;
  return html`
    <div class="title"><h1>Overview</h1>${data && html`<${Sum} data=${data} />`}</div>
    <${Trouble} problem=${now.problem} again=${now.again} />
    ${data && html`
      <${Attention} data=${data} again=${now.again} />
      <${Day} every=${DAY_EVERY} />
      <${Queues} queues=${data.queues} again=${now.again} />
      <${Workers} workers=${data.workers} running=${data.running.map((job) => (progress[job.id] ? { ...job, progress: progress[job.id] } : job))} again=${now.again} />
    `}
  `;
}

function Sum({ data }) {
  const sum = (name) => data.queues.reduce((total, queue) => total + queue[name], 0);
  return html`<p class="sum">
    ${[
      ["in_progress", "running", "in progress"],
      ["submitted", "waiting", "submitted"],
      ["scheduled", "scheduled", "scheduled"],
    ].map(([name, word, status]) => html`<a href=${link("jobs", { status: name })}><strong>${short(sum(name))}</strong> <span class="dim">${word}</span></a>`)}
    <span><strong>${count(data.workers.length)}</strong> <span class="dim">${data.workers.length === 1 ? "worker" : "workers"}</span></span>
  </p>`;
}

function Attention({ data, again }) {
  const found = sentences(data, useNow(ATTENTION_EVERY));
  if (found.length === 0) {
    const isNew = data.queues.every((queue) => Object.keys(STATUSES).every((name) => queue[name] === 0));
    if (isNew) return html`<div class="panel"><${Empty} title="Ready for the first job"><p>Fill in a form and watch it run.</p><a class="button primary" href="#/submit">Submit a job</a></${Empty}></div>`;
    return html`<p class="calm"><${Icon} name="complete" /> Nothing needs attention.</p>`;
  }
  return html`<section class="panel attention" aria-labelledby="attention"><header><h2 id="attention">Needs attention</h2></header>
    <ul>${found.map((each) => html`<li class=${each.kind}>
      <${Icon} name="warning" /><span class="what"><span class="hidden">${each.kind === "bad" ? "Error: " : "Warning: "}</span>${each.text}${each.detail && html` <span class="dim detail">${each.detail}</span>`}</span>
${each.resume && html`<${Action} run=${() => pause(each.resume, false, again)}>Resume</${Action}>`}
      ${each.href && html`<a href=${each.href}>${each.look}</a>`}
    </li>`)}</ul>
  </section>`;
}

const STATUSES = { scheduled: 1, submitted: 1, in_progress: 1, complete: 1, failed: 1, cancelled: 1 };

async function pause(name, on, again) {
  await post(`queues/${encodeURIComponent(name)}/${on ? "pause" : "resume"}`);
  again();
}

const jobsOf = (queue, status) => (queue[status] ? html`<a href=${link("jobs", { queue: queue.name, status })}>${short(queue[status])}</a>` : html`<span class="dim">0</span>`);

function Queues({ queues, again }) {
  const columns = [
    { key: "name", label: "Queue", value: (queue) => queue.name, render: (queue) => html`<a class="job-link" href=${link("jobs", { queue: queue.name })}>${queue.name}</a>${queue.paused && html` <span class="status"><${Icon} name="pause" />paused</span>`}` },
    { key: "submitted", label: "Waiting", numeric: true, value: (queue) => queue.submitted, render: (queue) => jobsOf(queue, "submitted") },
    { key: "oldest", label: "Oldest", numeric: true, render: (queue) => (queue.oldest ? html`<${Age} since=${queue.oldest} />` : html`<span class="dim">–</span>`) },
    { key: "in_progress", label: "Running", numeric: true, value: (queue) => queue.in_progress, render: (queue) => jobsOf(queue, "in_progress") },
    { key: "scheduled", label: "Scheduled", numeric: true, minor: true, render: (queue) => jobsOf(queue, "scheduled") },
    { key: "failed", label: "Failed", numeric: true, minor: true, value: (queue) => queue.failed, render: (queue) => jobsOf(queue, "failed") },
    { key: "complete", label: "Complete", numeric: true, minor: true, render: (queue) => jobsOf(queue, "complete") },
    { key: "pace", label: "Pace", numeric: true, minor: true, render: (queue) => pace(queue.pace) },
    { key: "empty_in", label: "Empty in", numeric: true, render: (queue) => (queue.paused && queue.submitted ? html`<span class="dim">paused</span>` : queue.submitted && queue.empty_in !== null ? html`<span>about ${duration(queue.empty_in)}</span>` : html`<span class="dim">–</span>`) },
    { key: "actions", label: html`<span class="hidden">Pause</span>`, render: (queue) => html`<${Action} kind="small" run=${() => pause(queue.name, !queue.paused, again)} aria-label=${`${queue.paused ? "Resume" : "Pause"} the queue ${queue.name}`}>${queue.paused ? "Resume" : "Pause"}</${Action}>` },
  ];
  return html`<${Panel} title="Queues" class="panel queues">${
    queues.length ? html`<${Table} cards caption="Queues" columns=${columns} rows=${queues} keyOf=${(queue) => queue.name} />` : html`<${Empty} title="No queue yet"><p>Queues appear with the first worker or the first job.</p></${Empty}>`
  }</${Panel}>`;
}

function pace(perSecond) {
  if (!perSecond) return html`<span class="dim">–</span>`;
  const [value, unit] = perSecond >= 1 ? [perSecond, "s"] : perSecond * 60 >= 1 ? [perSecond * 60, "min"] : [perSecond * 3600, "h"];
  return html`<span>${value >= 9.95 ? count(Math.round(value)) : value.toFixed(1)} / ${unit}</span>`;
}

function Workers({ workers, running, again }) {
  const known = new Map(running.map((job) => [job.id, job]));
  return html`<${Panel} title="Workers" class="panel workers">${
    workers.length
      ? html`<ul class="worker-list">${workers.map((worker) => html`<${Worker} key=${worker.id} worker=${worker} known=${known} again=${again} />`)}</ul>`
      : html`<${Empty} title="No worker lives"><p>Jobs wait until one starts: <code>jobsapi worker APP</code></p></${Empty}>`
  }</${Panel}>`;
}

const MOST_RUNNING = 8;

function Worker({ worker, known, again }) {
  const free = worker.concurrency - worker.running.length;
  const drain = async () => {
    await post(`workers/${encodeURIComponent(worker.id)}/drain`);
    again();
  };
  return html`<li>
    <div class="worker-head">
      <span class="mono name">${worker.id}</span>
      ${worker.state !== "running" && html`<span class="tag">${worker.state}</span>`}
      <span class="dim">up <${Age} since=${worker.started} every=${10_000} /></span>
      ${worker.memory && html`<span class="dim">${bytes(worker.memory)}</span>`}
      <span class="dim">${worker.running.length} of ${plural(worker.concurrency, "place")} taken</span>
      <span class="dim minor">${worker.queues.join(", ")}</span>
      ${worker.state === "running" && html`<${Action} kind="small quiet" run=${drain} aria-label=${`Drain the worker ${worker.id}: it finishes what it runs and stops`} title="It finishes what it runs and stops">Drain</${Action}>`}
    </div>
    ${worker.running.length > 0
      ? html`<ul class="running">${worker.running.slice(0, MOST_RUNNING).map((id) => html`<${Running} key=${id} id=${id} job=${known.get(id)} />`)}${worker.running.length > MOST_RUNNING && html`<li class="dim">… and ${plural(worker.running.length - MOST_RUNNING, "job")} more</li>`}</ul>`
      : html`<p class="dim idle">${free > 0 ? "Idle" : ""}</p>`}
  </li>`;
}

function Running({ id, job }) {
  return html`<li>
    <a class="job-link" href=${link(["jobs", id])}>${job ? job.task : id}</a>
    <${Bar} fraction=${job && job.progress ? job.progress.fraction : null} label=${`Progress of ${job ? job.task : id}`} />
    <span class="dim message">${job && job.progress ? job.progress.message : ""}</span>
    <span class="dim since">${job && html`<${Age} since=${job.started} />`}</span>
  </li>`;
}
