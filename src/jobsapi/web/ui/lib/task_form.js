// A task's parameters and options, as a form or as JSON: the part that Submit and a new schedule have in common.

import { html, useEffect, useState } from "./html.js";
import { get } from "./api.js";
import { blank, draftOf, next } from "./draft.js";
import { Field, ObjectFields } from "./fields.js";
import { useForm } from "./form.js";
import { dumps, parse, step } from "./json.js";
import { optionsOf, requestOf } from "./request.js";
import { fieldOf, formOf } from "./schema.js";
import { textOf } from "./sweep.js";
import { toast } from "./toast.js";

// Everything that was typed for one task, and what it means: `request`, `faults`, `count`.
// `options`: {given: {params, options} to begin with, lists: values to propose, keep: whether it is there again when one
// comes back to it}.
export function useTaskForm(task, options = {}) {
  const name = options.keep && task && `${task.name} ${task.digest}`;
  const [state, setState] = useState(null);
  const form = useForm();
  const change = (part) => setState((before) => ({ ...before, ...next(part, before) }));
  const restart = () => {
    kept.delete(name);
    form.reset();
    setState(task && begun(task, options.given ?? {}));
  };
  useEffect(() => setState(kept.get(name) ?? (task && begun(task, options.given ?? {}))), [task?.name, task?.digest, options.given]);
  useEffect(() => {
    if (name && state?.task === task.name) kept.set(name, state);
  }, [state]);
  const schema = useOptions(task?.name, Boolean(state?.options || options.given?.options));
  useEffect(() => {
    if (state && schema && !state.options?.field) change({ options: optionsState(schema, options.given?.options) });
  }, [schema, state?.options, task?.name]);
  if (!state || state.task !== task?.name) return { form, isReady: false };
  const made = requestOf({ ...state, options: state.options?.field ? state.options : null });
  return { ...made, form: form.showing(made.faults, options.lists), isReady: true, state, change, restart, raw: form, forget: () => kept.delete(name) };
}

const kept = new Map(); // what was typed and not sent, as long as the page is open

function begun(task, given) {
  const field = formOf(task.schema);
  const params = given.params ?? {};
  return {
    task: task.name, field, draft: draftOf(field, params), isJson: false, text: dumps(params, 2), sweep: {},
    options: given.options && Object.keys(given.options).length ? {} : null,
  };
}

function optionsState(schema, given) {
  const field = fieldOf(schema);
  return { field, draft: given ? draftOf(field, given) : blank(field) };
}

const described = new Map();

// The schema of a job's options, asked for once somebody wants to see them.
function useOptions(task, isWanted) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (!task || !isWanted) return;
    if (!described.has(task)) described.set(task, get("openapi.json").then((document) => optionsOf(document, task)));
    described.get(task).then(setFound, (problem) => {
      described.delete(task);
      toast(`The options of a job could not be read: ${problem.detail || problem.message}`, "bad");
    });
  }, [task, isWanted]);
  return found;
}

// The parameters: as a form, or as the JSON of the same.
export function Params({ its, mayRepeat = false }) {
  const { state, change, form, request, raw } = its;
  const toForm = () => {
    try {
      change({ isJson: false, draft: draftOf(state.field, parse(state.text.trim() || "{}")) });
    } catch {
      raw.touch("/params");
    }
  };
  return html`<div class="params">
    <div class="params-head">
      <h2>Parameters</h2>
      <div class="segments" role="group" aria-label="How they are written">
        <button type="button" aria-pressed=${!state.isJson} onClick=${() => state.isJson && toForm()}>Form</button>
        <button type="button" aria-pressed=${state.isJson} onClick=${() => !state.isJson && change({ isJson: true, text: dumps(request.params, 2), sweep: {} })}>JSON</button>
      </div>
    </div>
    ${state.isJson ? html`<${JsonParams} its=${its} />` : html`<${ObjectFields} field=${state.field} draft=${state.draft} pointer="/params" form=${form}
        set=${(draft) => change((before) => ({ draft: next(draft, before.draft) }))} toolsOf=${mayRepeat && ((field) => html`<${SeveralButton} its=${its} field=${field} />`)}
        hidden=${(field) => (Object.hasOwn(state.sweep, field.name) ? html`<${Several} its=${its} field=${field} />` : null)} />`}
  </div>`;
}

function JsonParams({ its: { state, change, form, raw, faults } }) {
  const id = form.id + "!json", found = [...new Map([...faults, ...raw.told])].filter(([key]) => key === "/params" || key.startsWith("/params/"));
  const set = (event) => {
    raw.forget("/params");
    change({ text: event.target.value });
  };
  return html`<div class="field ${found.length ? "wrong" : ""}">
    <div class="field-head"><label for=${id}>The parameters as JSON</label></div>
    <textarea id=${id} class="mono" spellcheck=${false} rows=${Math.min(24, Math.max(8, state.text.split("\n").length + 1))} value=${state.text}
      aria-invalid=${found.length > 0} aria-describedby=${id + "!faults"} onInput=${set} />
    <div id=${id + "!faults"} role="status"><ul class="faults">${found.map(([pointer, detail]) => html`<li class="fault"><span aria-hidden="true">✗ </span>
      ${pointer === "/params" ? "" : html`<code>${pointer.slice("/params/".length)}</code> `}${detail}</li>`)}</ul></div>
  </div>`;
}

// --- A sweep: several values of one parameter ------------------------------------------------------------------------

const MAY_BE_SWEPT = new Set(["text", "integer", "number", "boolean", "choice"]);

function SeveralButton({ its: { state, change, form }, field }) {
  if (!MAY_BE_SWEPT.has(field.kind) || field.isLong) return null;
  const start = () => {
    change((before) => ({ sweep: { ...before.sweep, [field.name]: textOf(field, before.draft.fields[field.name]) } }));
    form.focus("/params" + step(field.name));
  };
  return html`<button type="button" class="small quiet several" aria-label=${`Several values of ${field.name}`} onClick=${start}>several values</button>`;
}

function Several({ its: { state, change, form, request }, field }) {
  const pointer = "/params" + step(field.name), id = (form.id + pointer).replace(/\s/g, "_"), fault = form.fault(pointer, true);
  const stop = () => {
    change((before) => {
      const { [field.name]: _, ...sweep } = before.sweep;
      return { sweep };
    });
    form.focus(pointer);
  };
  const set = (event) => {
    form.typed(pointer);
    const text = event.target.value;
    change((before) => ({ sweep: { ...before.sweep, [field.name]: text } }));
  };
  const count = request.sweep?.[field.name]?.length ?? 0;
  return html`<div class="field swept ${fault ? "wrong" : ""}">
    <div class="field-head"><label for=${id}>${field.title}</label><span class="limits">${count === 1 ? "1 value" : `${count} values`}</span>
      <button type="button" class="small quiet several" aria-label=${`One value of ${field.name}`} onClick=${stop}>one value</button></div>
    <input type="text" id=${id} value=${state.sweep[field.name]} spellcheck=${false} autocomplete="off" aria-invalid=${Boolean(fault)}
      aria-describedby=${`${id}!help${fault ? ` ${id}!fault` : ""}`} onInput=${set} onBlur=${() => form.touch(pointer)} />
    <p class="help" id=${id + "!help"}>A job for each value. ${field.kind === "choice" ? `Between commas: ${field.choices.map((each) => each.label).join(", ")}`
      : field.kind === "integer" ? "Between commas; 1..5 is 1, 2, 3, 4, 5" : "Between commas, or as a JSON list"}.</p>
    ${fault && html`<p class="fault" id=${id + "!fault"}><span aria-hidden="true">✗ </span>${fault}</p>`}
  </div>`;
}

// --- The options of a job --------------------------------------------------------------------------------------------

const FIRST = ["queue", "priority", "delay", "run_at", "timeout", "max_attempts", "tags", "key", "after", "memory_mb", "expires_in"];

export function Options({ its, task, without = [] }) {
  const { state, change, form, request } = its;
  const given = Object.keys(request.options).length;
  const own = state.options;
  const onToggle = (event) => event.currentTarget.open && !own && change({ options: {} });
  return html`<details class="options" open=${Boolean(own)} onToggle=${onToggle}>
    <summary>Options of the job${given ? ` (${given} given)` : ""}</summary>
    ${own && !own.field && html`<p class="help">…</p>`}
    ${own?.field && html`<div class="options-grid">
      ${sorted(own.field.fields).filter((each) => !without.includes(each.name)).map((each) => html`<${Field} key=${each.name}
        field=${{ ...each, placeholder: ofTask(task, each.name) }} draft=${own.draft.fields[each.name] ?? null} pointer=${step(each.name)} form=${form}
        set=${(value) => change((before) => ({ options: withOption(before.options, each.name, value) }))} />`)}
    </div>`}
  </details>`;
}

const withOption = (own, name, value) => ({
  ...own, draft: { ...own.draft, fields: { ...own.draft.fields, [name]: next(value, own.draft.fields[name] ?? null) } },
});

const place = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
const sorted = (fields) => [...fields].sort((one, other) => place(one.name) - place(other.name));

// What stands where nothing is given: the task's own.
function ofTask(task, name) {
  const own = { queue: task.queue, timeout: task.timeout, memory_mb: task.memory_mb, max_attempts: task.max_attempts }[name];
  return own === null || own === undefined ? "" : String(own);
}

