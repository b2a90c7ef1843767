// Submit: a form made of the task's schema, its options, the same as JSON, and the calls that do the same.

import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { optionsOf } from "../lib/again.js";
import { address, ask, get, token } from "../lib/api.js";
import { bodyOf } from "../lib/calls.js";
import { Calls } from "../lib/calls_view.js";
import { prose } from "../lib/fields.js";
import { focusFirstFault } from "../lib/form.js";
import { useTitle } from "../lib/hooks.js";
import { dumps, isSame, parse } from "../lib/json.js";
import { Empty, Note, Trouble } from "../lib/parts.js";
import { go, link } from "../lib/router.js";
import { Options, Params, useTaskForm } from "../lib/task_form.js";

export default function Submit({ route: { query } }) {
  useTitle("New job");
  const [tasks, setTasks] = useState(null);
  const [problem, setProblem] = useState(null);
  const [given, setGiven] = useState(null);
  useEffect(() => {
    get("tasks").then((found) => setTasks(found.tasks), setProblem);
  }, []);
  useEffect(() => {
    setGiven(null);
    begin(query).then(setGiven, (fault) => { setProblem(fault); setGiven({}); });
  }, [query.from, query.params]);
  const name = query.task ?? given?.task ?? tasks?.find((each) => each.default)?.name ?? tasks?.[0]?.name;
  const task = tasks?.find((each) => each.name === name);
  return html`<div class="submit">
    <h1>${query.from ? "Run again with changes" : "New job"}</h1>
    ${problem && html`<${Trouble} problem=${problem} />`}
    ${tasks && given && (tasks.length ? html`<${TaskChoice} tasks=${tasks} name=${name} task=${task} query=${query} hasKey=${Boolean(given.options?.key)} />` : html`<${NoTask} />`)}
    ${task && given && html`<${SubmitForm} key=${name + (query.from ?? "") + (query.params ?? "")} task=${task} given=${given} from=${query.from} />`}
  </div>`;
}

// What the address says to begin with: the parameters and options of another job, or parameters themselves.
async function begin({ from, params }) {
  if (from) {
    const job = parse(await (await ask(`jobs/${encodeURIComponent(from)}`)).text());
    return { task: job.task, params: job.params, options: optionsOf(job) };
  }
  return params ? { params: parse(params) } : {};
}

// Those that are not the task's own: nothing has to be said for these.
function beyond(task, options = {}) {
  const own = Object.entries(options).filter(([name, value]) => !isSame(task[name] ?? null, value));
  return own.length ? Object.fromEntries(own) : undefined;
}

function TaskChoice({ tasks, name, task, query, hasKey }) {
  const choose = (event) => go("submit", { task: event.target.value });
  return html`<div class="field task-choice">
    <div class="field-head"><label for="task">Task</label></div>
    <select id="task" value=${name} onChange=${choose}>
      ${!task && html`<option value=${name}>${name}</option>`}
      ${tasks.map((each) => html`<option value=${each.name}>${each.name}</option>`)}
    </select>
    ${task?.summary && html`<p class="summary">${prose(task.summary)}</p>`}
    ${task && !task.workers && html`<${Note}>No worker runs this task now: a job waits until one comes.<//>`}
    ${!task && html`<${Note} kind="bad">No worker has told of a task named <code>${name}</code>.<//>`}
    ${query.from && html`<p class="help">The parameters and options are those of <a href=${link(["jobs", query.from])}>${query.from}</a>, without a time that it was to wait for${hasKey ? ". Its key stays: while another active job has it, the API makes no second one" : ""}.</p>`}
  </div>`;
}

const NoTask = () => html`<${Empty} title="No task is known yet"><p>Start a worker with your code:</p><pre>jobsapi worker app.py</pre><//>`;

function SubmitForm({ task, given, from }) {
  const root = useRef(null);
  const begun = useMemo(() => ({ ...given, options: beyond(task, given.options) }), [given, task]);
  const its = useTaskForm(task, { given: begun, lists: useLists(task), keep: !from && !given.params });
  const [sent, setSent] = useState({ busy: false, problem: null });
  const key = useKey(its.request);
  if (!its.isReady) return null;
  const { request, faults, count, raw } = its;
  const submit = async (event) => {
    event?.preventDefault();
    if (sent.busy) return;
    raw.tried();
    setSent({ busy: false, problem: null });
    if (faults.size) return focusFirstFault(root.current);
    setSent({ busy: true, problem: null });
    try {
      const made = await sendJob(request, key());
      its.forget();
      go(made.batch && made.jobs ? ["batches", made.batch] : ["jobs", made.id]);
    } catch (problem) {
      raw.tried(moved(problem, request));
      setSent({ busy: false, problem });
      if (problem.errors?.length) focusFirstFault(root.current);
    }
  };
  const onKeyDown = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event);
  return html`<form class="submit-form" ref=${root} noValidate onSubmit=${submit} onKeyDown=${onKeyDown}>
    <div class="submit-main">
      <${Params} its=${its} mayRepeat />
      <${Options} its=${its} task=${task} />
      <${Foot} its=${its} sent=${sent} count=${count} />
    </div>
    <${Calls} request=${request} schema=${task.schema} url=${address("").replace(/\/$/, "")} asksToken=${Boolean(token.get())} />
  </form>`;
}

function Foot({ its: { faults, form, restart }, sent, count }) {
  const label = count > 1 ? `Submit ${count.toLocaleString("en-US")} jobs` : "Submit";
  return html`<div class="submit-foot">
    <${Trouble} problem=${sent.problem} />
    <button class="primary" type="submit" disabled=${sent.busy}>${sent.busy ? "Sending …" : label}</button>
    <span class="help"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
    <button type="button" class="quiet" onClick=${restart}>Start over</button>
    <span role="status" class="fault">${form.isTried && faults.size ? `${faults.size === 1 ? "One field needs" : `${faults.size} fields need`} another look.` : ""}</span>
  </div>`;
}

// One key for each thing that is asked for: sent again after a lost answer, it is the same job.
function useKey(request) {
  const kept = useRef({ body: "", key: "" });
  return () => {
    const body = dumps(bodyOf(request));
    if (kept.current.body !== body) {
      kept.current = { body, key: [...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("") };
    }
    return kept.current.key;
  };
}

async function sendJob(request, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  return (await ask("jobs", { method: "POST", headers, body: dumps(bodyOf(request)) })).json();
}

// A fault of a sweep's value is shown where its parameter stands.
function moved(problem, request) {
  if (!request.sweep) return problem;
  const errors = (problem.errors ?? []).map((each) => {
    const [, name, place] = /^\/sweep\/([^/]*)(?:\/(\d+))?/.exec(each.pointer) ?? [];
    return name === undefined ? each : { pointer: `/params/${name}`, detail: place === undefined ? each.detail : `value ${Number(place) + 1}: ${each.detail}` };
  });
  return { errors };
}

// Values to propose by the names of parameters: the data sets, and the fields of one.
function useLists(task) {
  const names = Object.keys(task.schema.properties ?? {}), isWanted = names.some((name) => name === "dataset" || name === "field");
  const [sets, setSets] = useState([]);
  useEffect(() => {
    if (isWanted) get("datasets").then((found) => setSets(found.datasets), () => setSets([]));
  }, [task.name]);
  return useMemo(() => ({
    dataset: sets.map((each) => each.name),
    field: [...new Set(sets.flatMap((each) => each.fields.map((its) => its.name)))],
  }), [sets]);
}
