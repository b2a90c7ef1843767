// Batches: jobs that were sent together, how far they are, and one of them with its results as a table.

import { html, useEffect, useState } from "../lib/html.js";
import { ask, get, post } from "../lib/api.js";
import { confirm } from "../lib/dialog.js";
import { brief, count, plural } from "../lib/format.js";
import { useAsk, useTitle } from "../lib/hooks.js";
import { useLive } from "../lib/live.js";
import { Action, Copy, Empty, Panel, Time, Trouble } from "../lib/parts.js";
import { link } from "../lib/router.js";
import { Table } from "../lib/table.js";
import { toast } from "../lib/toast.js";

const PAGE = 20;
const ROWS = 200;

export default function Batches({ route }) {
  return route.path[1] === undefined ? html`<${List} />` : html`<${One} id=${route.path[1]} />`;
}

// --- All of them -----------------------------------------------------------------------------------------------------

function List() {
  useTitle("Batches");
  const [size, setSize] = useState(PAGE);
  const { data, problem, loading, again } = useAsk((signal) => read(size, signal), [size]);
  useLive("events", (type) => ["look", "status"].includes(type) && again());
  const batches = data?.batches ?? [];
  return html`<div class="title"><h1>Batches</h1><div class="buttons"><a class="button primary" href=${link("submit")}>New sweep</a></div></div>
    <${Trouble} problem=${problem} again=${again} />
    <${Panel} title="Newest first">
      ${batches.length > 0 && html`<div class="stacked"><${Table} caption="Batches" keyOf=${(each) => each.id} rows=${batches} columns=${COLUMNS} /></div>`}
      ${!loading && !problem && !batches.length && html`<${Empty} title="No batch yet"><p>A list of jobs that is sent as one, or a sweep over several values: in a new job press “several values” beside a parameter.</p><//>`}
    <//>
    ${data?.next && html`<div class="buttons"><button type="button" onClick=${() => setSize(size + PAGE)}>Show more</button></div>`}`;
}

const COLUMNS = [
  { key: "id", label: "Batch", render: (each) => html`<a href=${link(["batches", each.id])} class="mono">${each.id}</a>` },
  { key: "task", label: "Task", render: (each) => each.task ?? "several" },
  { key: "sweep", label: "Sweep", render: (each) => html`<span class="dim">${each.sweep ? each.sweep.join(", ") : "–"}</span>` },
  { key: "jobs", label: "Jobs", numeric: true, render: (each) => count(each.total) },
  { key: "far", label: "How far", render: (each) => html`<${Counts} batch=${each} />` },
  { key: "created", label: "Created", render: (each) => html`<${Time} value=${each.created} />` },
];

// A page of batches, each with its counts, which the list leaves out.
async function read(size, signal) {
  const page = await get(`batches?limit=${size}`, { signal });
  const whole = await Promise.all(page.batches.map((each) => get(`batches/${each.id}`, { signal }).catch(() => each)));
  return { ...page, batches: whole };
}

const ORDER = ["complete", "failed", "cancelled", "in_progress", "submitted", "scheduled"];

export const isOver = (batch) => Boolean(batch.counts) && !["in_progress", "submitted", "scheduled"].some((each) => batch.counts[each]);

// A bar in parts by status, and the same in words.
export function Counts({ batch }) {
  if (!batch.counts) return html`<span class="dim">–</span>`;
  const found = ORDER.filter((each) => batch.counts[each]), total = Math.max(1, batch.total - (batch.removed ?? 0));
  const words = found.map((each) => `${count(batch.counts[each])} ${each.replace("_", " ")}`).join(", ") || "none is left";
  return html`<div class="counts"><div class="parts" aria-hidden="true">
      ${found.map((each) => html`<span class=${each.replace("_", "-")} style=${{ width: `${(100 * batch.counts[each]) / total}%` }}></span>`)}</div>
    <span class="words">${words}${batch.removed ? `, ${count(batch.removed)} removed` : ""}</span></div>`;
}

// --- One of them -----------------------------------------------------------------------------------------------------

function One({ id }) {
  useTitle(`Batch ${id}`);
  const path = `batches/${encodeURIComponent(id)}`;
  const { data: batch, problem, again } = useAsk((signal) => get(path, { signal }), [id]);
  useLive("events", (type) => ["look", "status"].includes(type) && again());
  const cancel = async () => {
    const active = ["in_progress", "submitted", "scheduled"].reduce((sum, each) => sum + batch.counts[each], 0);
    if (!(await confirm({ title: `Cancel ${plural(active, "job")}?`, text: "Those that run are stopped, with every process they started. What has ended stays.", yes: "Cancel them", danger: true }))) return;
    await post(`${path}/cancel`);
    toast("The batch is being cancelled.");
    again();
  };
  return html`<p class="crumbs"><a href=${link("batches")}>Batches</a></p>
    <div class="title"><h1 class="mono">${id}</h1>
      ${batch && html`<div class="buttons"><${Copy} text=${id} label="Copy the id" /><a class="button" href=${link("jobs", { batch: id })}>Its jobs</a>
        ${!isOver(batch) && html`<${Action} run=${cancel}>Cancel all …<//>`}</div>`}</div>
    <${Trouble} problem=${problem} again=${again} />
    ${batch && html`<${Panel} title=${isOver(batch) ? "All have ended" : "How far it is"}><div class="body">
        <${Counts} batch=${batch} />
        <dl class="facts"><dt>Task</dt><dd>${batch.task ?? "several"}</dd>
          ${batch.sweep && html`<dt>Sweep over</dt><dd>${batch.sweep.join(", ")}</dd>`}
          <dt>Created</dt><dd><${Time} value=${batch.created} /></dd>
          ${batch.finished && html`<dt>Finished</dt><dd><${Time} value=${batch.finished} /></dd>`}</dl>
      </div><//>
      <${Results} path=${path} batch=${batch} />`}`;
}

function Results({ path, batch }) {
  const [pages, setPages] = useState(1);
  const done = ORDER.slice(0, 3).map((each) => batch.counts[each]).join(" ");
  const { data, problem, again } = useAsk((signal) => table(path, pages, signal), [path, pages]);
  useEffect(again, [done]);
  const save = async () => {
    const blob = await (await ask(`${path}/results?format=csv`)).blob();
    const to = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${batch.id}.csv` });
    to.click();
    setTimeout(() => URL.revokeObjectURL(to.href), 60_000);
  };
  return html`<${Panel} title="Results" actions=${html`<${Action} run=${save}>Save as CSV<//>`}>
    <${Trouble} problem=${problem} again=${again} />
    ${data && html`<${Table} caption="Results, a row a job" keyOf=${(row) => row.id} rows=${data.rows} columns=${data.columns.map(column)} />`}
    ${data?.next && html`<div class="body buttons"><button type="button" onClick=${() => setPages(pages + 1)}>Show more rows</button></div>`}
  <//>`;
}

async function table(path, pages, signal) {
  let next = `${path}/results?format=json&limit=${ROWS}`, columns = [];
  const rows = [];
  for (let i = 0; i < pages && next; i++) {
    const page = await get(new URL(next, document.baseURI).href, { signal });
    columns = [...new Set([...columns, ...page.columns])];
    rows.push(...page.rows);
    next = page.next;
  }
  return { columns, rows, next };
}

const shown = (value) => (value === null || value === undefined ? html`<span class="dim">–</span>` : brief(value, 60));

function column(name) {
  if (name === "id") return { key: name, label: "Job", render: (row) => html`<a class="mono" href=${link(["jobs", row.id])}>${row.id}</a>` };
  return { key: name, label: name.replace(/^result\./, ""), value: (row) => row[name], render: (row) => shown(row[name]) };
}
