// The controls of a form, one for each kind of field (see schema.js), each with its label, its help and its fault.

import { html } from "./html.js";
import { blank, empty, next } from "./draft.js";
import { step } from "./json.js";
import { limitsOf, number } from "./schema.js";

// `form` is what `useForm` gives: which faults are shown, what was touched, where the focus goes; and `lists`, values to
// propose by the names of fields.
const idOf = (form, pointer) => (form.id + pointer).replace(/\s/g, "_");

const COMPOUND = new Set(["object", "map", "array", "tuple", "union"]);

export function Field(props) {
  const { field } = props;
  if (field.kind === "const") return null; // nothing to choose: it is sent as it is
  if (COMPOUND.has(field.kind)) return html`<${Group} ...${props} />`;
  if (field.kind === "boolean" && !field.nullable && field.hasDefault) return html`<${Check} ...${props} />`;
  return html`<${Line} ...${props} />`;
}

// Whether its controls are shown: a list that may not be null begins with none.
const isOpen = (field, draft) => (draft !== null && draft !== undefined) || (!field.nullable && (field.required || field.kind === "array"));

function Line(given) {
  const { field, form, pointer, label = field.title, tools } = given;
  const set = (value) => {
    form.typed(pointer);
    given.set(value);
  };
  const props = { ...given, set };
  const id = idOf(form, pointer), fault = form.fault(pointer, true);
  return html`<div class="field ${fault ? "wrong" : ""}">
    <div class="field-head">
      <label for=${id}>${label}</label>${needed(field)}
      <span class="limits" id=${id + "!limits"}>${limitsOf(field)}</span>${tools}
    </div>
    <${Control} ...${props} id=${id} about=${about(props, id, fault)} invalid=${Boolean(fault)} />
    <${Notes} id=${id} help=${field.help} fault=${fault} />
  </div>`;
}

const needed = (field) => (field.required && !field.nullable && !field.isInner && html`<span class="needed">required</span>`);

const about = ({ field }, id, fault) =>
  [limitsOf(field) && `${id}!limits`, field.help && `${id}!help`, fault && `${id}!fault`].filter(Boolean).join(" ") || undefined;

// A text whose `words` between back-ticks are code.
export const prose = (text) => text.split("`").map((part, i) => (i % 2 ? html`<code>${part}</code>` : part));

function Notes({ id, help, fault }) {
  return html`${help && html`<p class="help" id=${id + "!help"}>${prose(help)}</p>`}
    ${fault && html`<p class="fault" id=${id + "!fault"}><span aria-hidden="true">✗ </span>${fault}</p>`}`;
}

function Check({ field, draft, set, form, pointer, label = field.title, tools }) {
  const id = idOf(form, pointer), fault = form.fault(pointer);
  return html`<div class="field check ${fault ? "wrong" : ""}">
    <div class="field-head">
      <input type="checkbox" id=${id} checked=${draft === true} aria-describedby=${field.help ? id + "!help" : undefined}
        onChange=${(event) => set(event.target.checked)} />
      <label for=${id}>${label}</label>${tools}
    </div>
    <${Notes} id=${id} help=${field.help} fault=${fault} />
  </div>`;
}

// --- One value -------------------------------------------------------------------------------------------------------

function Control(props) {
  switch (props.field.kind) {
    case "choice":
      return html`<${Choice} ...${props} options=${props.field.choices.map((each, i) => [String(i), each.label])}
        value=${props.draft === null ? "" : String(props.draft)} choose=${(text) => props.set(text === "" ? null : Number(text))} />`;
    case "boolean":
      return html`<${Choice} ...${props} options=${[["true", "yes"], ["false", "no"]]} value=${props.draft === null ? "" : String(props.draft)}
        choose=${(text) => props.set(text === "" ? null : text === "true")} />`;
    case "integer":
    case "number":
      return html`<${NumberInput} ...${props} />`;
    default:
      return html`<${TextInput} ...${props} />`;
  }
}

function Choice({ field, options, value, choose, id, about, invalid, form, pointer }) {
  const none = field.nullable ? "none" : field.required ? "choose …" : "as the default says";
  const isBlankOffered = value === "" || field.nullable || !field.required;
  return html`<select id=${id} value=${value} aria-describedby=${about} aria-invalid=${invalid} onBlur=${() => form.touch(pointer)}
    onChange=${(event) => choose(event.target.value)}>
    ${isBlankOffered && !(field.hasDefault && field.default !== null && value !== "") && html`<option value="">${none}</option>`}
    ${options.map(([key, label]) => html`<option value=${key}>${label}</option>`)}
  </select>`;
}

function NumberInput({ field, draft, set, id, about, invalid, form, pointer, label = field.title, onEnter, onPaste }) {
  const { minimum, maximum } = field.own, size = field.kind === "integer" ? field.own.multipleOf ?? 1 : null;
  const held = (value) => Math.min(maximum ?? Infinity, Math.max(minimum ?? -Infinity, value));
  const onKeyDown = (event) => {
    if (event.key === "Enter") onEnter?.(event);
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const now = draft === null || draft.trim() === "" ? 0 : Number(draft);
    if (!by || !size || !Number.isSafeInteger(now)) return;
    event.preventDefault();
    set(String(held(now + by * size)));
  };
  const hasSlider = Number.isFinite(minimum) && Number.isFinite(maximum) && maximum - minimum <= 500;
  const at = draft !== null && draft.trim() !== "" && Number.isFinite(Number(draft)) ? Number(draft) : typeof field.default === "number" ? field.default : minimum;
  return html`<div class="number-input">
    <input type="text" inputmode=${field.kind === "integer" ? "numeric" : "decimal"} id=${id} value=${draft ?? ""} autocomplete="off"
      placeholder=${hint(field)} aria-describedby=${about} aria-invalid=${invalid} aria-required=${field.required && !field.nullable}
      onInput=${(event) => set(event.target.value === "" ? null : event.target.value)} onKeyDown=${onKeyDown}
      onPaste=${onPaste} onBlur=${() => form.touch(pointer)} />
    ${hasSlider && html`<input type="range" min=${minimum} max=${maximum} step=${size ?? (maximum - minimum) / 200} value=${at}
      aria-label=${`${label}, as a slider`} onInput=${(event) => set(String(Number(Number(event.target.value).toPrecision(6))))} />`}
  </div>`;
}

function hint(field) {
  if (field.hasDefault && field.default !== null && typeof field.default !== "object") return String(field.default);
  if (field.placeholder) return field.placeholder;
  if (field.example !== undefined && field.example !== null && typeof field.example !== "object") return `such as ${field.example}`;
  return field.nullable ? "none" : "";
}

function TextInput({ field, draft, set, id, about, invalid, form, pointer, onEnter, onPaste }) {
  const text = draft ?? "", isJson = field.kind === "json";
  const take = (value) => set(value === "" && typeof field.default !== "string" ? null : value);
  const shared = {
    id, "aria-describedby": about, "aria-invalid": invalid, "aria-required": field.required && !field.nullable, spellcheck: false,
    autocomplete: "off", placeholder: isJson ? "JSON: 1, \"text\", [1, 2], {\"a\": 1}" : hint(field), onBlur: () => form.touch(pointer),
  };
  const pasted = (event) => {
    if (onPaste?.(event)) return;
    const some = event.clipboardData.getData("text");
    if (!some.includes("\n") || event.target.tagName === "TEXTAREA") return;
    event.preventDefault(); // an <input> would drop the line breaks
    take(text.slice(0, event.target.selectionStart) + some + text.slice(event.target.selectionEnd));
  };
  if (isJson || field.isLong || text.includes("\n")) {
    const rows = Math.min(14, Math.max(isJson ? 1 : 3, text.split("\n").length));
    return html`<textarea ...${shared} class=${isJson ? "mono" : ""} rows=${rows} value=${text} onInput=${(event) => take(event.target.value)} />`;
  }
  const isDate = field.format === "date" && (text === "" || /^\d{4}-\d{2}-\d{2}$/.test(text));
  const type = isDate ? "date" : field.format === "password" ? "password" : "text";
  const known = form.lists?.[field.name], list = known?.length ? `${id}!list` : undefined;
  return html`<input ...${shared} type=${type} value=${text} list=${list} onPaste=${pasted} onInput=${(event) => take(event.target.value)}
      onKeyDown=${(event) => event.key === "Enter" && onEnter?.(event)} />
    ${list && html`<datalist id=${list}>${known.map((each) => html`<option value=${each} />`)}</datalist>`}`;
}

// --- Several values --------------------------------------------------------------------------------------------------

function Group(props) {
  const { field, draft, set, form, pointer, label = field.title, tools } = props;
  const id = idOf(form, pointer) + "!group", open = isOpen(field, draft);
  const isLone = field.kind === "union" && draft && !COMPOUND.has(field.variants[draft.variant].field.kind); // its value tells the fault
  const fault = isLone ? undefined : form.fault(pointer);
  const mayGo = draft && (field.nullable || (!field.required && !field.hasDefault)) && !(field.kind === "array" && !field.nullable);
  const start = () => {
    set(empty(field));
    form.focus(pointer);
  };
  return html`<fieldset class="field group ${fault ? "wrong" : ""}" id=${id} aria-describedby=${about(props, id, fault)}>
    <legend>${label}</legend>
    <div class="field-head">
      ${needed(field)}<span class="limits" id=${id + "!limits"}>${limitsOf(field)}</span>${tools}
      ${mayGo && html`<button type="button" class="small" onClick=${() => { set(null); form.focus(pointer); }}>Leave out</button>`}
    </div>
    <${Notes} id=${id} help=${field.help} fault=${fault} />
    ${open ? html`<${Inner} ...${props} draft=${draft ?? begun(field)} set=${(value) => set((before) => next(value, before ?? begun(field)))} />`
      : html`<button type="button" class="small" onClick=${start}>Give ${label || "it"}</button>`}
  </fieldset>`;
}

const begun = (field) => (field.kind === "array" ? [] : empty(field));

function Inner(props) {
  switch (props.field.kind) {
    case "object":
      return html`<${ObjectFields} ...${props} />`;
    case "map":
      return html`<${Entries} ...${props} entries=${props.draft} item=${props.field.item} change=${props.set} />`;
    case "array":
      return html`<${Items} ...${props} />`;
    case "tuple":
      return props.field.items.map((each, i) => html`<${Field} key=${i} field=${each} label=${`${i + 1}.`} draft=${props.draft[i] ?? null}
        pointer=${props.pointer + step(i)} form=${props.form} set=${(value) => props.set((before) => props.field.items.map((_, j) => (i === j ? next(value, before[j] ?? null) : before[j] ?? null)))} />`);
    default:
      return html`<${Variants} ...${props} />`;
  }
}

export function ObjectFields({ field, draft, set, form, pointer, toolsOf, hidden }) {
  const put = (name, value) => set((before) => ({ ...before, fields: { ...before.fields, [name]: next(value, before.fields[name] ?? null) } }));
  const entries = draft.extra ?? [];
  return html`${field.fields.map((each) => hidden?.(each) ?? html`<${Field} key=${each.name} field=${each} draft=${draft.fields[each.name] ?? null}
      pointer=${pointer + step(each.name)} form=${form} set=${(value) => put(each.name, value)} tools=${toolsOf && toolsOf(each)} />`)}
    ${(field.rest || entries.length > 0) && html`<${Entries} form=${form} pointer=${pointer} entries=${entries} what="parameter"
      item=${field.rest ?? ((name) => ({ kind: "json", name, title: name, own: {}, required: true }))} change=${(extra) => set((before) => ({ ...before, extra: next(extra, before.extra ?? []) }))} />`}
    ${!field.fields.length && !field.rest && !entries.length && html`<p class="help">It takes none.</p>`}`;
}

function Entries({ entries, item, change, form, pointer, what = "entry" }) {
  const put = (i, part) => change((before) => before.map((each, j) => (i === j ? { ...each, ...next(part, each) } : each)));
  return html`<div class="entries">${entries.map(({ key, draft }, i) => {
    const id = `${idOf(form, pointer)}!key${i}`;
    return html`<div class="entry" key=${i}>
      <div class="field"><div class="field-head"><label for=${id}>name</label></div>
        <input type="text" id=${id} value=${key} spellcheck=${false} autocomplete="off" onInput=${(event) => put(i, { key: event.target.value })} /></div>
      <${Field} field=${{ ...item(key), required: true, isInner: true }} label="value" draft=${draft} form=${form} pointer=${pointer + step(key)}
        set=${(value) => put(i, (before) => ({ draft: next(value, before.draft) }))} />
      <button type="button" class="small" aria-label=${`Remove ${key || what}`} onClick=${() => change((before) => before.filter((_, j) => i !== j))}>×</button>
    </div>`;
  })}
    <button type="button" class="small" onClick=${() => { change((before) => [...before, { key: "", draft: blank({ ...item(""), required: true }) }]); form.focus(`${pointer}!key${entries.length}`); }}>
      Add ${what === "entry" ? "an entry" : `a ${what}`}</button>
  </div>`;
}

function Items({ field, draft, set, form, pointer, label = field.title }) {
  const add = (after = draft.length - 1, values = [blank({ ...field.item(0), required: true })]) => {
    set((before) => [...before.slice(0, after + 1), ...values, ...before.slice(after + 1)]);
    form.focus(pointer + step(after + values.length));
  };
  const drop = (i) => {
    const mayBeNone = field.required || field.nullable || field.hasDefault;
    set((before) => (before.length > 1 || mayBeNone ? before.filter((_, j) => i !== j) : null));
    form.focus(pointer + "!add");
  };
  // a column of a table that is pasted into one item becomes an item for each line
  const paste = (event, i) => {
    const parts = event.clipboardData.getData("text").split(/[\n\t]|, ?/).map((each) => each.trim()).filter(Boolean);
    if (parts.length < 2) return false;
    event.preventDefault();
    set((before) => [...before.slice(0, i), ...parts, ...before.slice(i + 1)]);
    return true;
  };
  const isFull = draft.length >= (field.own.maxItems ?? Infinity);
  return html`<ol class="items">${draft.map((each, i) => {
    const item = { ...field.item(i), required: true, isInner: true };
    const isText = ["text", "integer", "number"].includes(item.kind);
    return html`<li key=${i}>
      <${Field} field=${item} label=${`${label || "value"} ${i + 1}`} draft=${each} form=${form} pointer=${pointer + step(i)}
        onEnter=${(event) => { event.preventDefault(); add(i); }} onPaste=${isText && ((event) => paste(event, i))}
        set=${(value) => set((before) => before.map((other, j) => (i === j ? next(value, other) : other)))} />
      <button type="button" class="small" aria-label=${`Remove ${label || "value"} ${i + 1}`}
        onClick=${() => drop(i)}>×</button>
    </li>`;
  })}</ol>
  <button type="button" class="small" id=${idOf(form, pointer + "!add")} disabled=${isFull} onClick=${() => add()}>
    ${draft.length ? "One more" : "Add one"}${isFull ? ` (${number(field.own.maxItems)} are the most)` : ""}</button>`;
}

function Variants({ field, draft, set, form, pointer, label = field.title }) {
  const id = `${idOf(form, pointer)}!kind`;
  const chosen = field.variants[draft.variant].field;
  const put = (value) => set((before) => ({ ...before, draft: next(value, before.draft ?? begun(chosen)) }));
  return html`<div class="field"><div class="field-head"><label for=${id}>${label || "value"} is</label></div>
      <select id=${id} value=${String(draft.variant)} onChange=${(event) => { const variant = Number(event.target.value); set({ variant, draft: blank({ ...field.variants[variant].field, required: true }) }); }}>
        ${field.variants.map((each, i) => html`<option value=${String(i)}>${each.label}</option>`)}
      </select></div>
    ${COMPOUND.has(chosen.kind) ? html`<${Inner} field=${chosen} draft=${draft.draft ?? empty(chosen)} form=${form} pointer=${pointer} label=${label}
          set=${put} />`
      : html`<${Field} field=${{ ...chosen, required: true, isInner: true }} label=${label || "value"} draft=${draft.draft} form=${form} pointer=${pointer} set=${put} />`}`;
}
