// Schedules: jobs that are submitted again and again. When each is due, what came of the last, a new one.

import { html, useMemo, useRef, useState } from "../lib/html.js";
import { ask, del, get } from "../lib/api.js";
import { confirm } from "../lib/dialog.js";
import { duration, params as told } from "../lib/format.js";
import { focusFirstFault } from "../lib/form.js";
import { useAsk, useTitle } from "../lib/hooks.js";
import { dumps } from "../lib/json.js";
import { useLive } from "../lib/live.js";
import { Action, Empty, Panel, Time, Trouble } from "../lib/parts.js";
import { go, link } from "../lib/router.js";
import { Table } from "../lib/table.js";
import { Options, Params, useTaskForm } from "../lib/task_form.js";
import { toast } from "../lib/toast.js";

export default function Schedules({ route }) {
  return route.path[1] === "new" ? html`<${New} query=${route.query} />` : html`<${List} />`;
}

function List() {
  useTitle("Schedules");
  const { data, problem, loading, again } = useAsk((signal) => get("schedules", { signal }));
  useLive("events", (type) => ["look", "status"].includes(type) && again());
  const schedules = data?.schedules ?? [];
  return html`<div class="title"><h1>Schedules</h1><div class="buttons"><a class="button primary" href=${link(["schedules", "new"])}>New schedule</a></div></div>
    <${Trouble} problem=${problem} again=${again} />
    <${Panel} title="By name">
      ${schedules.length > 0 && html`<div class="stacked"><${Table} caption="Schedules" keyOf=${(each) => each.name} rows=${schedules} columns=${columns(again)} /></div>`}
      ${!loading && !problem && !schedules.length && html`<${Empty} title="No schedule yet"><p>Make one here, or in code: <code>@task(every=3600)</code>, <code>@task(cron="0 6 * * 1-5")</code>.</p><//>`}
    <//>`;
}

const columns = (again) => [
  { key: "name", label: "Name", value: (each) => each.name, render: (each) => html`<strong>${each.name}</strong>` },
  { key: "task", label: "Task", value: (each) => each.task, render: (each) => html`${each.task}${Object.keys(each.params).length > 0 && html`<br /><span class="dim mono">${told(each.params, 60)}</span>`}` },
  { key: "when", label: "When", render: (each) => html`<${When} its=${each} />` },
  { key: "next", label: "Next", value: (each) => each.next, render: (each) => html`<${Time} value=${each.next} />` },
  { key: "last", label: "Last", render: (each) => html`<${Last} its=${each} />` },
  { key: "do", label: "Action", render: (each) => html`<${Remove} its=${each} again=${again} />` },
];

const EVERY = { 1: "every second", 60: "every minute", 3600: "every hour", 86400: "every day" };

const When = ({ its }) => html`${its.cron ? html`<code>${its.cron}</code> <span class="dim">${its.timezone}</span>` : EVERY[its.every] ?? `every ${duration(its.every)}`}
  ${its.misses !== "skip" && html`<br /><span class="dim">${its.misses === "all" ? "missed times are all made up for" : "missed times are made up for once"}</span>`}`;

function Last({ its }) {
  if (its.error) return html`<span class="fault"><span aria-hidden="true">✗ </span>${its.error}</span>`;
  if (!its.last) return html`<span class="dim">not yet</span>`;
  return its.last_job ? html`<a href=${link(["jobs", its.last_job])}><${Time} value=${its.last} /></a>` : html`<span class="dim">missed, <${Time} value=${its.last} /></span>`;
}

function Remove({ its, again }) {
  if (its.app !== null) return html`<span class="dim">from the code of ${its.app}</span>`;
  const run = async () => {
    const text = "No more jobs of it are submitted. Those that are submitted stay.";
    if (!(await confirm({ title: `Remove the schedule ${its.name}?`, text, yes: "Remove it", danger: true }))) return;
    await del(`schedules/${encodeURIComponent(its.name)}`);
    toast(`The schedule ${its.name} is gone.`);
    again();
  };
  return html`<${Action} run=${run} aria-label=${`Remove ${its.name}`}>Remove …<//>`;
}

// --- A new one -------------------------------------------------------------------------------------------------------

const UNITS = [
  ["1", "seconds"],
  ["60", "minutes"],
  ["3600", "hours"],
  ["86400", "days"],
];

function New({ query }) {
  useTitle("New schedule");
  const { data, problem, again } = useAsk((signal) => get("tasks", { signal }));
  const tasks = data?.tasks ?? [];
  const task = tasks.find((each) => each.name === (query.task ?? tasks.find((its) => its.default)?.name ?? tasks[0]?.name));
  return html`<p class="crumbs"><a href=${link("schedules")}>Schedules</a></p><h1>New schedule</h1>
    <${Trouble} problem=${problem} again=${again} />
    ${data && !task && html`<${Empty} title="No task is known yet"><p>Start a worker with your code.</p><//>`}
    ${task && html`<${NewForm} key=${task.name} task=${task} tasks=${tasks} />`}`;
}

function NewForm({ task, tasks }) {
  const root = useRef(null);
  const given = useMemo(() => ({}), [task]);
  const its = useTaskForm(task, { given });
  const [own, setOwn] = useState({ name: task.name, how: "every", every: "1", unit: "3600", cron: "0 6 * * *", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC", misses: "skip" });
  const [sent, setSent] = useState({ busy: false, problem: null });
  if (!its.isReady) return null;
  const { request, faults, raw, form } = its;
  const problems = ownFaults(own);
  const submit = async (event) => {
    event.preventDefault();
    raw.tried();
    setSent({ busy: false, problem: null });
    if (faults.size || Object.keys(problems).length) return focusFirstFault(root.current);
    setSent({ busy: true, problem: null });
    try {
      await ask("schedules", { method: "POST", headers: { "Content-Type": "application/json" }, body: dumps(bodyOf(own, request)) });
      toast(`The schedule ${own.name} is made.`);
      go("schedules");
    } catch (problem) {
      raw.tried(problem);
      setSent({ busy: false, problem });
      focusFirstFault(root.current);
    }
  };
  const faultOf = (name) => form.told.get(`/${name}`) ?? (form.isTried ? problems[name] : undefined);
  const change = (part) => {
    for (const name of Object.keys(part)) raw.forget(`/${name}`);
    setOwn({ ...own, ...part });
  };
  return html`<form class="submit-main" ref=${root} noValidate onSubmit=${submit}>
    <${Panel} title="When"><div class="body form-grid">
      <${Word} name="name" label="Name" own=${own} change=${change} fault=${faultOf("name")} />
      <div class="field"><div class="field-head"><label for="schedule-task">Task</label></div>
        <select id="schedule-task" value=${task.name} onChange=${(event) => go(["schedules", "new"], { task: event.target.value })}>${tasks.map((each) => html`<option value=${each.name}>${each.name}</option>`)}</select></div>
      <${Timing} own=${own} change=${change} faultOf=${faultOf} />
    </div><//>
    <${Panel} title="The job"><div class="body"><${Params} its=${its} /><${Options} its=${its} task=${task} without=${["after", "after_any", "delay", "run_at"]} /></div><//>
    <${Trouble} problem=${sent.problem} />
    <div class="submit-foot"><button class="primary" type="submit" disabled=${sent.busy}>${sent.busy ? "Sending …" : "Make the schedule"}</button></div>
  </form>`;
}

function Timing({ own, change, faultOf }) {
  return html`<fieldset class="field group"><legend>Repeated</legend>
      <label class="choice"><input type="radio" name="how" checked=${own.how === "every"} onChange=${() => change({ how: "every" })} /> every so long</label>
      <label class="choice"><input type="radio" name="how" checked=${own.how === "cron"} onChange=${() => change({ how: "cron" })} /> by the clock (cron)</label>
    </fieldset>
    ${own.how === "every" ? html`<${Word} name="every" label="Every" own=${own} change=${change} fault=${faultOf("every")} numeric />
      <div class="field"><div class="field-head"><label for="schedule-unit">Unit</label></div>
        <select id="schedule-unit" value=${own.unit} onChange=${(event) => change({ unit: event.target.value })}>${UNITS.map(([value, label]) => html`<option value=${value}>${label}</option>`)}</select></div>`
      : html`<${Word} name="cron" label="Cron expression" own=${own} change=${change} fault=${faultOf("cron")} help="minute hour day month weekday: 0 6 * * 1-5 is six o'clock on weekdays" />
      <${Word} name="timezone" label="Time zone" own=${own} change=${change} fault=${faultOf("timezone")} />`}
    <div class="field"><div class="field-head"><label for="schedule-misses">Times at which no worker was there</label></div>
      <select id="schedule-misses" value=${own.misses} onChange=${(event) => change({ misses: event.target.value })}>
        <option value="skip">are left out</option><option value="once">are made up for by one job</option><option value="all">are made up for one by one</option></select></div>`;
}

function Word({ name, label, own, change, fault, help, numeric }) {
  const id = `schedule-${name}`;
  return html`<div class="field ${fault ? "wrong" : ""}"><div class="field-head"><label for=${id}>${label}</label></div>
    <input id=${id} value=${own[name]} inputmode=${numeric ? "decimal" : undefined} spellcheck=${false} autocomplete="off" aria-invalid=${Boolean(fault)}
      aria-describedby=${[help && `${id}!help`, fault && `${id}!fault`].filter(Boolean).join(" ") || undefined} onInput=${(event) => change({ [name]: event.target.value })} />
    ${help && html`<p class="help" id=${id + "!help"}>${help}</p>`}
    ${fault && html`<p class="fault" id=${id + "!fault"}><span aria-hidden="true">✗ </span>${fault}</p>`}</div>`;
}

function ownFaults(own) {
  const found = {};
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(own.name)) found.name = "has 1 to 100 letters, digits, '_', '.' or '-'";
  if (own.how === "every" && !(Number(own.every) > 0)) found.every = "is a number above 0";
  if (own.how === "cron" && own.cron.trim().split(/\s+/).length < 5) found.cron = "has five parts: minute hour day month weekday";
  return found;
}

function bodyOf(own, request) {
  const timing = own.how === "every" ? { every: Number(own.every) * Number(own.unit) } : { cron: own.cron.trim(), timezone: own.timezone.trim() };
  return { name: own.name, task: request.task, params: request.params, misses: own.misses, ...timing, ...request.options };
}
