// The list of jobs: live, filtered by what stands in the address, and many at once cancelled, retried or removed.
import { html, useEffect, useState } from "../lib/html.js";
import { del, get, post, query } from "../lib/api.js";
import { confirm } from "../lib/dialog.js";
import { EVENT_FILTERS, load, looks, picked } from "../lib/filter.js";
import { count, params, plural } from "../lib/format.js";
import { useAsk, useTitle } from "../lib/hooks.js";
import { useLive } from "../lib/live.js";
import { Bar, Empty, Note, Status, Time, Took, Trouble } from "../lib/parts.js";
import { link } from "../lib/router.js";
import { Table } from "../lib/table.js";
import { toast } from "../lib/toast.js";
import { Filters } from "./jobs_filters.js";

const ACTIVE = new Set(["scheduled", "submitted", "in progress"]);
const AT_ONCE = 4;

const ACTIONS = {
  cancel: { verb: "Cancel", done: "cancelled", fits: (job) => ACTIVE.has(job.status), rest: "have ended already", run: (id) => post(`jobs/${id}/cancel`), text: "What runs is stopped with everything it started." },
  retry: { verb: "Retry", done: "sent again", fits: (job) => !ACTIVE.has(job.status), rest: "have not ended yet", run: (id) => post(`jobs/${id}/retry`), text: "Each keeps its id and gets a fresh set of attempts; results that it has are replaced." },
  remove: { verb: "Remove", done: "removed", fits: (job) => !ACTIVE.has(job.status), rest: "have not ended yet", run: (id) => del(`jobs/${id}`), text: "Their records, logs and results are gone for good.", danger: true },
};

const COLUMNS = [
  {
    key: "task",
    label: "Job",
    render: (job) => html`<a class="job-link" href=${link(["jobs", job.id])}>${job.task}</a>
      <span class="line mono dim" title=${job.id}>${params(job.params) || job.id}</span>
      ${job.error && html`<span class="line error">${job.error.type}: ${job.error.message}</span>`}`,
  },
  {
    key: "status",
    label: "Status",
    render: (job) => html`<${Status} job=${job} />${job.status === "in progress" && job.progress && html`<${Bar} fraction=${job.progress.fraction} label=${`Progress of ${job.task}`} />`}`,
  },
  { key: "queue", label: "Queue", minor: true },
  { key: "tags", label: "Tags", minor: true, render: (job) => job.tags.map((tag) => html`<a class="tag" href=${link("jobs", { tag })}>${tag}</a> `) },
  { key: "created", label: "Created", render: (job) => html`<${Time} value=${job.created} />` },
  { key: "took", label: "Took", numeric: true, minor: true, render: (job) => html`<${Took} job=${job} />` },
];

export default function Jobs({ route }) {
  useTitle("Jobs");
  const filter = route.query;
  const key = JSON.stringify(filter);
  const found = useAsk((signal) => load(filter, signal), [key]);
  const [progress, setProgress] = useState({}); // what was told since the list was read
  useEffect(() => setProgress({}), [found.data]);
  useLive("events" + query(picked(EVENT_FILTERS, filter)), (type, event) => {
    if (type === "progress") setProgress((old) => ({ ...old, [event.id]: { fraction: event.fraction, message: event.message } }));
    else if (type !== "log" && type !== "position") found.again();
  });
  const [chosen, setChosen] = useState(new Set());
  useEffect(() => setChosen(new Set()), [key]);
  const names = useNames();
  const data = found.data;
  const jobs = data ? data.jobs.map((job) => (progress[job.id] ? { ...job, progress: progress[job.id] } : job)) : [];
  const choose = (ids, on) =>
    setChosen((old) => {
      const next = new Set(old);
      for (const id of ids) on ? next.add(id) : next.delete(id);
      return next;
    });
  return html`
    <div class="title"><h1>Jobs</h1><${Sum} data=${data} filter=${filter} /></div>
    <${Filters} filter=${filter} names=${names} />
    <${Trouble} problem=${found.problem} again=${found.again} />
    ${chosen.size > 0 && html`<${Chosen} jobs=${jobs.filter((job) => chosen.has(job.id))} clear=${() => setChosen(new Set())} after=${found.again} />`}
    ${data && jobs.length > 0 && html`<div class="panel jobs"><${Table} cards caption="Jobs, newest first" columns=${COLUMNS} rows=${jobs} keyOf=${(job) => job.id} nameOf=${(job) => `${job.task} ${job.id}`} chosen=${chosen} choose=${choose} /></div>`}
    ${data && jobs.length === 0 && html`<${Nothing} filter=${filter} next=${data.next} />`}
    ${data && html`<${Pages} data=${data} filter=${filter} />`}
  `;
}

/** The tasks and queues that the filter offers. */
function useNames() {
  const [names, set] = useState({ tasks: [], queues: [] });
  useEffect(() => {
    Promise.all([get("tasks"), get("queues")]).then(
      ([tasks, queues]) => set({ tasks: tasks.tasks.map((each) => each.name), queues: queues.queues.map((each) => each.name) }),
      () => undefined, // the list itself says what is wrong
    );
  }, []);
  return names;
}

function Sum({ data, filter }) {
  if (!data) return null;
  const text = data.looked
    ? `${plural(data.jobs.length, "match", "matches")} among the ${count(data.looked)} looked at`
    : data.total === null
      ? `${count(data.jobs.length)} shown`
      : plural(data.total, "job");
  return html`<span class="dim" role="status">${text}${filter.cursor ? ", older ones" : ""}</span>`;
}

function Nothing({ filter, next }) {
  const isFiltered = Object.keys(filter).length > 0;
  if (!isFiltered)
    return html`<div class="panel"><${Empty} title="No job yet"><p>Submit one, and it shows up here by itself.</p></${Empty}></div>`;
  return html`<div class="panel"><${Empty} title=${next ? "Nothing so far" : "No job fits this filter"}><p>${next ? "There are older jobs to look at." : html`<a href="#/jobs">Show all jobs</a>`}</p></${Empty}></div>`;
}

function Pages({ data, filter }) {
  const { cursor, ...rest } = filter;
  if (!cursor && !data.next) return null;
  return html`<nav class="buttons pages" aria-label="Pages">
    ${cursor && html`<a class="button" href=${link("jobs", rest)}>Newest</a>`}
    ${data.next && html`<a class="button" href=${link("jobs", { ...rest, cursor: data.next })}>${looks(filter) ? "Look at older ones" : "Next page"}</a>`}
  </nav>`;
}

/** What can be done with the chosen jobs, and what did not work. */
function Chosen({ jobs, clear, after }) {
  const [busy, setBusy] = useState("");
  const [failures, setFailures] = useState([]);
  async function act(name) {
    const action = ACTIONS[name];
    const fit = jobs.filter(action.fits);
    const others = jobs.length - fit.length;
    if (busy || !fit.length) return;
    const agreed = await confirm({
      title: `${action.verb} ${plural(fit.length, "job")}?`,
      text: [action.text, others ? `${count(others)} of the chosen ${action.rest} and stay as they are.` : ""],
      yes: action.verb,
      no: "Back",
      danger: action.danger || name === "cancel",
    });
    if (!agreed) return;
    const failed = await each(fit, action.run, (done) => setBusy(`${done} of ${fit.length} …`));
    setBusy("");
    setFailures(failed);
    if (fit.length > failed.length) toast(`${plural(fit.length - failed.length, "job")} ${action.done}.`);
    after();
    if (!failed.length) clear();
  }
  return html`<div class="chosen-bar" role="region" aria-label="Chosen jobs">
    <strong>${plural(jobs.length, "job")} chosen</strong>
    <div class="buttons">
      ${Object.entries(ACTIONS).map(([name, action]) => {
        const fit = jobs.filter(action.fits).length;
        return html`<button disabled=${!fit || busy} onClick=${() => act(name)}>${action.verb}${fit && fit < jobs.length ? ` ${fit}` : ""}</button>`;
      })}
      <button class="quiet" onClick=${clear}>Choose none</button>
    </div>
    ${busy && html`<span role="status">${busy}</span>`}
    ${failures.length > 0 && html`<${Note} kind="bad"><strong>${plural(failures.length, "job")} stayed as they were</strong>
      <ul>${failures.slice(0, 5).map(([job, problem]) => html`<li><a href=${link(["jobs", job.id])}>${job.task} ${job.id}</a>: ${problem.detail || problem.message}</li>`)}</ul>
      ${failures.length > 5 && html`<p>… and ${failures.length - 5} more.</p>`}</${Note}>`}
  </div>`;
}

/** Do it for each, a few at a time; [[job, problem]] of those that it did not work for. */
async function each(jobs, run, tell) {
  const left = [...jobs];
  const failed = [];
  let done = 0;
  const one = async () => {
    for (let job = left.shift(); job; job = left.shift()) {
      try {
        await run(job.id);
      } catch (problem) {
        failed.push([job, problem]);
      }
      tell(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return failed;
}
