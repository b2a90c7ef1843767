// One job: where it stands, how far it is, what it writes, what came of it, and what can be done with it.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { optionsOf, toldOf } from "../lib/again.js";
import { ask, del, get, post } from "../lib/api.js";
import { confirm } from "../lib/dialog.js";
import { count, duration, ms, plural } from "../lib/format.js";
import { useAsk, useNow, useTitle } from "../lib/hooks.js";
import { useLive } from "../lib/live.js";
import { Action, Bar, Copy, Note, Panel, Status, Time, Trouble } from "../lib/parts.js";
import { go, link } from "../lib/router.js";
import { dumps, parse } from "../lib/json.js";
import { toast } from "../lib/toast.js";
import { Json } from "../lib/json_view.js";
import { Attempts, Line } from "./job_line.js";
import { Family } from "./job_family.js";
import { Failure } from "./job_error.js";
import { Log } from "./job_log.js";
import { Result } from "./job_result.js";

const ACTIVE = new Set(["scheduled", "submitted", "in progress"]);

export default function Job({ route }) {
  const id = route.path[1];
  const asked = useAsk((signal) => get(`jobs/${encodeURIComponent(id)}`, { signal }), [id]);
  const [patch, setPatch] = useState(null); // what events told since the last answer
  useEffect(() => setPatch(null), [asked.data]);
  const job = asked.data && { ...asked.data, ...patch };
  useTitle(job ? `${job.task} · ${job.status}` : "Job");
  const log = useRef(null);
  const isActive = !job || ACTIVE.has(job.status);
  const ended = useRef(false);
  ended.current = !isActive;
  useLive(isActive ? `jobs/${encodeURIComponent(id)}/events` : null, (type, data) => {
    if (type === "progress") setPatch((old) => ({ ...old, progress: { fraction: data.fraction, message: data.message } }));
    else if (type === "position") setPatch((old) => ({ ...old, position: data.position }));
    else if (type === "log") log.current && log.current.add(data);
    else {
      asked.again();
      if (type === "look" && log.current) log.current.renew();
    }
  }, { isOver: () => ended.current });
  useSeenAgain(asked.again);
  if (!job) return html`<h1>Job</h1><${Trouble} problem=${asked.problem} again=${asked.again} />`;
  return html`
    <${Head} job=${job} again=${asked.again} />
    <${Trouble} problem=${asked.problem} again=${asked.again} />
    <${Now} job=${job} />
    <${Failure} job=${job} />
    ${job.status === "complete" && html`<${Result} job=${job} key=${job.finished} />`}
    <div class="columns">
      <${Log} job=${job} handle=${log} isActive=${isActive} />
      <div class="stack">
        <${Line} job=${job} />
        <${Family} job=${job} />
        <${Params} job=${job} />
        <${Facts} job=${job} />
      </div>
    </div>
    <${Attempts} job=${job} />
  `;
}

/** An ended job may be retried by somebody else meanwhile: look when the person comes back to the page. */
function useSeenAgain(again) {
  useEffect(() => {
    const seen = () => document.hidden || again();
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [again]);
}

function Head({ job, again }) {
  const isActive = ACTIVE.has(job.status);
  const act = (path, said) => async () => {
    await post(`jobs/${job.id}/${path}`);
    toast(said);
    again();
  };
  return html`<div class="job-head">
    <p class="crumbs"><a href="#/jobs">Jobs</a> <span aria-hidden="true">/</span> <span class="mono">${job.id}</span> <${Copy} text=${job.id} label="Copy id" /></p>
    <div class="title">
      <h1>${job.task} <${Status} job=${job} /></h1>
      <div class="buttons">
        ${isActive && html`<${Action} run=${act("cancel", "The job is told to stop.")} disabled=${job.cancel_requested} kind="danger">${job.cancel_requested ? "Stopping …" : "Cancel"}</${Action}>`}
        ${!isActive && html`<${Action} run=${act("retry", "The job goes into its queue again.")}>Retry</${Action}>`}
        <${Action} run=${() => runAgain(job)}>Run again</${Action}>
        <a class="button" href=${link("submit", { task: job.task, from: job.id })}>Run again with changes</a>
        ${!isActive && html`<${Action} run=${() => remove(job)}>Remove</${Action}>`}
      </div>
    </div>
  </div>`;
}

async function runAgain({ id }) {
  const job = parse(await (await ask(`jobs/${id}`)).text()); // whole integers stay whole
  const body = dumps({ task: job.task, params: job.params, ...optionsOf(job) });
  const answer = await ask("jobs", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const made = await answer.json();
  toast(answer.status === 200 ? standIn(job) : `A new job with the same parameters and options${job.run_at ? ", to run at once" : ""}.`);
  go(["jobs", made.id]);
}

const standIn = (job) => `No new job: this one ${job.key ? "is active and has the same key" : "has the same parameters, and its result answers"}.`;

async function remove(job) {
  const agreed = await confirm({ title: `Remove this job?`, text: `${job.task} ${job.id}: its record, log and results are gone for good.`, yes: "Remove", no: "Keep it", danger: true });
  if (!agreed) return;
  await del(`jobs/${job.id}`);
  toast("The job is removed.");
  go("jobs");
}

/** What goes on now: how far it is and how long that may take, or what it waits for. */
function Now({ job }) {
  const now = useNow(ACTIVE.has(job.status) ? 1000 : 0);
  if (job.status === "in progress") {
    const fraction = job.progress ? job.progress.fraction : null;
    return html`<section class="panel now" aria-label="Progress">
      <div class="now-line"><strong>${typeof fraction === "number" ? `${Math.floor(fraction * 100)} %` : "Running"}</strong><span class="message">${job.progress && job.progress.message}</span><span class="dim rest">${rest(job, now)}</span></div>
      <${Bar} fraction=${fraction} />
    </section>`;
  }
  if (job.status === "submitted")
    return html`<${Note} icon="submitted">${job.position === null ? "It waits in its queue." : job.position === 0 ? "It is the next one of its queue." : `${plural(job.position, "job")} ahead of it in the queue ${job.queue}.`}${job.advice && html`<p>${job.advice}</p>`}</${Note}>`;
  if (job.status === "scheduled")
    return html`<${Note} icon="scheduled">${job.run_at ? html`<span>Goes into its queue <${Time} value=${job.run_at} />.</span>` : "It waits for other jobs."}</${Note}>`;
  return null;
}

/** The rest of the time, taken from how long it took so far. */
export function rest(job, now) {
  const ran = (now - ms(job.started)) / 1000;
  const fraction = job.progress && job.progress.fraction;
  if (!(ran > 1)) return "";
  if (!(fraction > 0.01) || fraction >= 1) return `${duration(ran)} so far`;
  return `${duration(ran)} so far, about ${duration((ran * (1 - fraction)) / fraction)} to go`;
}

function Params({ job }) {
  const text = JSON.stringify(job.params, null, 2);
  const isEmpty = Object.keys(job.params).length === 0;
  return html`<${Panel} title="Parameters" actions=${!isEmpty && html`<${Copy} text=${text} label="Copy JSON" />`}>
    <div class="body">${isEmpty ? html`<p class="dim">None were given: the task's defaults.</p>` : html`<${Json} value=${job.params} open=${2} />`}</div>
  </${Panel}>`;
}

function Facts({ job }) {
  const facts = [
    ["Queue", html`<a href=${link("jobs", { queue: job.queue })}>${job.queue}</a>`],
    ["Priority", job.priority !== 0 && count(job.priority)],
    ["Tags", job.tags.length > 0 && job.tags.map((tag) => html`<a class="tag" href=${link("jobs", { tag })}>${tag}</a> `)],
    ["Batch", job.batch && html`<a class="mono" href=${link("jobs", { batch: job.batch })}>${job.batch}</a>`],
    ["Attempt", job.max_attempts > 1 && `${job.attempt} of ${job.max_attempts}`],
    ["Lost deliveries", job.deliveries_lost > 0 && count(job.deliveries_lost)],
    ["Options", toldOf(job).length > 0 && toldOf(job).map(([name, value]) => html`<code>${name}=${dumps(value)}</code> `)],
    ["Worker", job.worker && html`<span class="mono">${job.worker}</span>`],
    ["Webhook", job.webhook && html`${job.webhook.status}, ${plural(job.webhook.tries, "try", "tries")}: <span class="mono">${job.webhook.url}</span>${job.webhook.last_error && html`<br />${job.webhook.last_error}`}`],
  ].filter(([, value]) => value);
  return html`<${Panel} title="Details"><dl class="facts body">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></${Panel}>`;
}
