// One data set: searched as one types, page by page, its columns with a small histogram each, jobs from chosen rows.

import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { ask, get, query as asked } from "../lib/api.js";
import { counted, histogram, startsFrom, valueAt } from "../lib/columns.js";
import { brief, count, plural } from "../lib/format.js";
import { useTitle } from "../lib/hooks.js";
import { dumps, parse } from "../lib/json.js";
import { Empty, Trouble } from "../lib/parts.js";
import { go, link } from "../lib/router.js";
import { EmptyButton } from "./data.js";

const PAUSE = 250; // ms after a keystroke until it is searched
const PAGE = 100;
const MOST_COLUMNS = 40;

export function DatasetView({ name, query }) {
  useTitle(name);
  const [fields, setFields] = useState(null);
  const { search = "", ...where } = query;
  const pages = usePages(name, search, where);
  const chosen = useChosen(pages.records);
  useEffect(() => {
    get("datasets").then(({ datasets }) => setFields(datasets.find((each) => each.name === name) ?? { records: 0, fields: [] }), () => {});
  }, [name, pages.version]);
  const change = (next) => go(["data", name], next, { replace: true });
  const isFiltered = search !== "" || Object.keys(where).length > 0;
  return html`<div class="dataset">
    <p class="crumbs"><a href=${link("data")}>Data</a></p>
    <div class="title"><h1>${name}</h1>
      ${fields && html`<p class="dim">${plural(fields.records, "record")}, ${plural(fields.fields.length, "field")}</p>
        ${fields.records > 0 && html`<${EmptyButton} name=${name} records=${fields.records} done=${pages.again} />`}`}</div>
    <${Filters} search=${search} where=${where} fields=${fields?.fields ?? []} change=${change} />
    <p class="found" role="status">${pages.total !== null && `${isFiltered ? `${plural(pages.total, "record")} found` : plural(pages.total, "record")}${pages.records.length < pages.total ? `, the first ${count(pages.records.length)} shown` : ""}`}</p>
    <${Trouble} problem=${pages.problem} again=${pages.again} />
    <${StartBar} chosen=${chosen} records=${pages.records} dataset=${name} isFiltered=${isFiltered} />
    ${pages.records.length > 0 && html`<${Records} records=${pages.records} total=${pages.total} fields=${fields?.fields ?? []} chosen=${chosen} isFiltered=${isFiltered} what=${{ name, search, where, version: pages.version }} />`}
    ${pages.total === 0 && html`<${Empty} title=${isFiltered ? "No record fits" : "It is empty"}><p>${isFiltered ? "A word matches whole words; word* matches their beginning." : html`<a href=${link("data")}>Load a file</a>`}</p><//>`}
    ${pages.next && html`<p><button type="button" disabled=${pages.busy} onClick=${pages.more}>${pages.busy ? "…" : `Show ${Math.min(PAGE, pages.total - pages.records.length)} more`}</button></p>`}
  </div>`;
}

// The pages that were loaded so far of what is searched.
function usePages(name, search, where) {
  const [state, setState] = useState({ records: [], total: null, next: null, problem: null, busy: true });
  const [version, setVersion] = useState(0);
  const what = dumps({ search, where });
  const read = async (path, signal) => parse(await (await ask(path, { signal })).text());
  useEffect(() => {
    const stop = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    read("data" + asked({ dataset: name, search, ...where, limit: PAGE }), stop.signal).then(
      (page) => setState({ ...page, problem: null, busy: false }),
      (problem) => stop.signal.aborted || setState({ records: [], total: null, next: null, problem, busy: false }),
    );
    return () => stop.abort();
  }, [name, what, version]);
  const more = async () => {
    setState((before) => ({ ...before, busy: true }));
    try {
      const page = await read(new URL(state.next, location.href).href);
      setState((before) => ({ ...page, records: [...before.records, ...page.records], problem: null, busy: false }));
    } catch (problem) {
      setState((before) => ({ ...before, problem, busy: false }));
    }
  };
  return { ...state, version, more, again: () => setVersion((before) => before + 1) };
}

// --- Search and filters ----------------------------------------------------------------------------------------------

function Filters({ search, where, fields, change }) {
  const [text, setText] = useState(search);
  const [rows, setRows] = useState(() => rowsOf(where, fields));
  const timer = useRef(0), latest = useRef(null);
  latest.current = () => change({ search: text.trim(), ...whereOf(rows) });
  useEffect(() => {
    timer.current = setTimeout(() => latest.current(), PAUSE);
    return () => clearTimeout(timer.current);
  }, [text, dumps(rows)]);
  const put = (i, part) => setRows(rows.map((each, j) => (i === j ? { ...each, ...part } : each)));
  return html`<form class="filters" role="search" onSubmit=${(event) => { event.preventDefault(); latest.current(); }}>
    <div class="field grow"><div class="field-head"><label for="search">Search</label><span class="limits">words in any field; word* for a beginning</span></div>
      <input id="search" type="search" value=${text} autocomplete="off" spellcheck=${false} onInput=${(event) => setText(event.target.value)} /></div>
    ${rows.map((row, i) => html`<div class="filter" key=${row.key} role="group" aria-label=${`Filter ${i + 1}`}>
      <select aria-label="Field" value=${row.field} onChange=${(event) => put(i, { field: event.target.value })}>
        ${fields.some((each) => each.name === row.field) || html`<option value=${row.field}>${row.field}</option>`}
        ${fields.map((each) => html`<option value=${each.name}>${each.name}</option>`)}</select>
      <select aria-label="Comparison" value=${row.how} onChange=${(event) => put(i, { how: event.target.value })}>
        <option value="">is</option><option value=".gte">≥</option><option value=".lte">≤</option></select>
      <input aria-label="Value" value=${row.value} autocomplete="off" spellcheck=${false} onInput=${(event) => put(i, { value: event.target.value })} />
      <button type="button" class="small" aria-label=${`Remove the filter on ${row.field}`} onClick=${() => setRows(rows.filter((_, j) => i !== j))}>×</button>
    </div>`)}
    <button type="button" class="small" disabled=${!fields.length} onClick=${() => setRows([...rows, { key: nextKey(), field: fields[0].name, how: ".gte", value: "" }])}>Add a filter</button>
  </form>`;
}

let keys = 0;
const nextKey = () => ++keys;

const rowsOf = (where) =>
  Object.entries(where).map(([name, value]) => {
    const [, field, how = ""] = /^(?:where\.)?(.*?)(\.gte|\.lte)?$/s.exec(name);
    return { key: nextKey(), field, how, value };
  });

const TAKEN = new Set(["search", "limit", "cursor", "dataset"]);

function whereOf(rows) {
  const found = {};
  for (const { field, how, value } of rows) {
    if (value.trim() === "") continue;
    const isOdd = TAKEN.has(field) || /\.(gte|lte)$/.test(field) || field.startsWith("where.") || field === "";
    found[(isOdd ? "where." : "") + field + how] = value.trim();
  }
  return found;
}

// --- The rows --------------------------------------------------------------------------------------------------------

// Which rows are chosen, by their place on the page; shift chooses all up to the last one.
function useChosen(records) {
  const [places, setPlaces] = useState(() => new Set());
  const last = useRef(null), first = records[0];
  useEffect(() => setPlaces(new Set()), [first]);
  const toggle = (at, isOn, isRange) => {
    const next = new Set(places);
    const from = isRange && last.current !== null ? last.current : at;
    for (let i = Math.min(from, at); i <= Math.max(from, at); i++) isOn ? next.add(i) : next.delete(i);
    last.current = at;
    setPlaces(next);
  };
  return { places, toggle, all: (isOn) => setPlaces(new Set(isOn ? records.keys() : [])) };
}

function Records({ records, total, fields, chosen, isFiltered, what }) {
  const [open, setOpen] = useState(null);
  const columns = useMemo(() => columnsOf(records, fields), [records, fields]);
  const whole = useWhole(what, columns.slice(0, MOST_COLUMNS).map((each) => each.name), records.length < total);
  const shown = columns.slice(0, MOST_COLUMNS).map((each) => ({ ...each, ...whole.get(each.name) }));
  const isAll = chosen.places.size === records.length;
  return html`${columns.length > MOST_COLUMNS && html`<p class="help">${MOST_COLUMNS} of ${columns.length} fields are shown; a row's number shows all of it.</p>`}
    <div class="records-box" tabindex="0" role="region" aria-label="Records">
    <table class="records">
      <thead><tr>
        <th scope="col" class="narrow"><input type="checkbox" aria-label="Choose all rows shown" checked=${isAll} onChange=${(event) => chosen.all(event.target.checked)} /></th>
        <th scope="col" class="narrow">${isFiltered ? html`<span class="hidden">Row</span>` : "#"}</th>
        ${shown.map((each) => html`<th scope="col" key=${each.name} class=${each.low === undefined ? "" : "number"}><${ColumnHead} its=${each} /></th>`)}
      </tr></thead>
      <tbody>${records.map((record, i) => html`<${Row} key=${i} record=${record} at=${i} columns=${shown} isChosen=${chosen.places.has(i)} toggle=${chosen.toggle}
        isOpen=${open === i} show=${() => setOpen(open === i ? null : i)} />`)}</tbody>
    </table></div>
    <p class="help">${ofWhat(records.length, total, shown.filter((each) => !whole.get(each.name)), isFiltered)}</p>`;
}

function ofWhat(rows, total, others, isFiltered) {
  const all = `The small histograms are of all ${plural(total, "record")}${isFiltered ? " that were found" : ""}`;
  if (rows === total) return `${all}.`;
  const names = others.length > 5 ? `${others.length} fields` : others.map((each) => each.name).join(", ");
  return others.length ? `${all}; of ${names} they are of the ${plural(rows, "row")} that are shown.` : `${all}.`;
}

// Name of a column → its histogram over all that was found, which the API counts; one column is asked for after the other.
function useWhole({ name, search, where, version }, names, isWanted) {
  const [found, setFound] = useState(new Map());
  const key = dumps({ name, search, where, version, names, isWanted });
  useEffect(() => {
    const stop = new AbortController();
    setFound(new Map());
    const next = async (left) => {
      if (!left.length) return;
      const path = `datasets/${encodeURIComponent(name)}/histogram${asked({ ...escaped(where), search, field: left[0] })}`;
      const its = counted(await get(path, { signal: stop.signal }));
      if (its) setFound((before) => new Map(before).set(left[0], its));
      await next(left.slice(1));
    };
    if (isWanted) next(names).catch(() => {}); // those of the rows stay
    return () => stop.abort();
  }, [key]);
  return found;
}

// Conditions on fields that have the names of what is asked here.
const escaped = (where) => Object.fromEntries(Object.entries(where).map(([field, value]) => [field === "field" || field === "bins" ? `where.${field}` : field, value]));

function columnsOf(records, fields) {
  const names = new Set();
  for (const record of records) flat(record, "", names);
  const types = new Map(fields.map((each) => [each.name, each.type]));
  return [...names].map((name) => ({ name, type: types.get(name) ?? "", ...histogram(records.map((each) => valueAt(each, name))) }));
}

function flat(record, prefix, names) {
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) flat(value, `${prefix}${name}.`, names);
    else names.add(prefix + name);
  }
}

function ColumnHead({ its }) {
  const wide = 60, high = 18, bar = its.bars.length ? wide / its.bars.length : 0;
  return html`<span class="column-name">${its.name}</span>
    <svg class="spark" width=${wide} height=${high} viewBox=${`0 0 ${wide} ${high}`} role="img" aria-label=${`${its.name}: ${its.text}`}>
      <title>${its.text}</title>
      ${its.bars.map((each, i) => html`<rect x=${i * bar + 0.5} width=${Math.max(1, bar - 1)} y=${high - Math.max(1, each.share * high)} height=${Math.max(1, each.share * high)}><title>${each.label}</title></rect>`)}
    </svg>`;
}

function Row({ record, at, columns, isChosen, toggle, isOpen, show }) {
  return html`<tr class=${isChosen ? "chosen" : ""}>
      <td><input type="checkbox" aria-label=${`Choose row ${at}`} checked=${isChosen} onClick=${(event) => toggle(at, event.target.checked, event.shiftKey)} /></td>
      <td><button type="button" class="small quiet" aria-expanded=${isOpen} aria-label=${`Row ${at}, all of it`} onClick=${show}>${at}</button></td>
      ${columns.map((each) => html`<${Cell} key=${each.name} value=${valueAt(record, each.name)} />`)}
    </tr>
    ${isOpen && html`<tr><td></td><td colspan=${columns.length + 1}><pre>${dumps(record, 2)}</pre></td></tr>`}`;
}

function Cell({ value }) {
  if (value === undefined || value === null) return html`<td class="dim">–</td>`;
  const isNumber = typeof value === "number" || typeof value === "bigint";
  const text = typeof value === "string" ? value : dumps(value);
  return html`<td class=${isNumber ? "number" : ""} title=${text.length > 60 ? text : undefined}>${brief(text, 60)}</td>`;
}

// --- A job from the chosen rows --------------------------------------------------------------------------------------

function StartBar({ chosen, records, dataset, isFiltered }) {
  const [tasks, setTasks] = useState(null);
  const size = chosen.places.size;
  useEffect(() => {
    if (size && !tasks) get("tasks").then((found) => setTasks(found.tasks), () => setTasks([]));
  }, [size > 0]);
  if (!size) return null;
  const rows = [...chosen.places].sort((one, other) => one - other).map((at) => ({ position: isFiltered ? null : at, id: records[at]?.id ?? null }));
  const starts = tasks ? startsFrom(tasks, rows, dataset) : [];
  return html`<div class="start-bar" role="region" aria-label="The chosen rows">
    <strong>${plural(size, "row")} chosen</strong>
    ${starts.map((each) => html`<a class="button primary" href=${link("submit", { task: each.task, params: dumps(each.params) })}>${each.task}: ${each.how}</a>`)}
    ${tasks && !starts.length && html`<span class="help">No task can start from them: one takes <code>start</code> and <code>end</code>${isFiltered ? " (of rows that are not searched for)" : ""}, or <code>ids</code>.</span>`}
    <button type="button" onClick=${() => chosen.all(false)}>Choose none</button>
  </div>`;
}
