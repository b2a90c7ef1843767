// What came of a job, each output shown as what it is: picture, table, tree, text, a page in a sandbox, or a download.
import { html, useEffect, useState } from "../lib/html.js";
import { address, ask, token } from "../lib/api.js";
import { bytes } from "../lib/format.js";
import { Json } from "../lib/json_view.js";
import { Download, Empty, Panel, Trouble } from "../lib/parts.js";
import { Records, isTable, readCsv } from "../lib/records.js";

const MOST_SHOWN = 8_000_000; // bytes; what is larger is only offered
const MOST_TEXT = 200_000;

export function Result({ job }) {
  const path = `jobs/${job.id}/results`;
  const state = useOutput(path, MOST_SHOWN);
  if (!state) return html`<${Panel} title="Result"><div class="body dim">Loading …</div></${Panel}>`;
  if (state.problem) return html`<${Panel} title="Result"><div class="body"><${Trouble} problem=${state.problem} /></div></${Panel}>`;
  const named = state.kind === "json" && outputs(state.value, job.id);
  if (!named) return html`<${Output} title="Result" path=${path} name=${job.id} state=${state} download=${`download/${job.id}`} />`;
  return html`<div class="stack">${named.map(({ name, file, value }) =>
    file
      ? html`<${Named} key=${name} path=${`${path}/${encodeURIComponent(name)}`} name=${name} file=${file} />`
      : html`<${Output} key=${name} title=${name} path=${`${path}/${encodeURIComponent(name)}`} name=${`${name}.json`} state=${{ kind: "json", value }} />`,
  )}</div>`;
}

/** The named outputs of a result: files first, then values; null where it is one plain value. */
export function outputs(value, id) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return null;
  const isFile = (each) => each && typeof each === "object" && typeof each.href === "string" && typeof each.type === "string" && each.href.includes(`/jobs/${id}/results/`);
  const all = Object.entries(value).map(([name, each]) => ({ name, value: each, file: isFile(each) ? each : null }));
  const order = (each) => (each.file ? (each.file.type.startsWith("image/") ? 0 : 2) : 1);
  return all.some((each) => each.file) ? all.sort((a, b) => order(a) - order(b)) : null;
}

function Named({ path, name, file }) {
  const state = useOutput(path, MOST_SHOWN, file);
  return html`<${Output} title=${name} path=${path} name=${name} state=${state} size=${file.bytes} />`;
}

/** An output, read as far as it can be shown: null while it loads, then { kind, … } or { problem }. */
function useOutput(path, most, file) {
  const [state, set] = useState(null);
  useEffect(() => {
    const abort = new AbortController();
    let url = "";
    read(path, most, file, abort.signal).then(
      (found) => {
        url = found.url || "";
        if (abort.signal.aborted) URL.revokeObjectURL(url);
        else set(found);
      },
      (problem) => abort.signal.aborted || set({ problem }),
    );
    return () => {
      abort.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [path]);
  return state;
}

async function read(path, most, file, signal) {
  if (file && file.bytes > most) return { kind: "large", type: file.type, size: file.bytes };
  const answer = await ask(path, { signal });
  const type = (answer.headers.get("Content-Type") || "").split(";")[0].trim().toLowerCase();
  const size = Number(answer.headers.get("Content-Length"));
  if (size > most) {
    await answer.body.cancel();
    return { kind: "large", type, size };
  }
  if (/^(image|audio|video)\//.test(type)) return { kind: type.split("/")[0], type, size, url: URL.createObjectURL(await answer.blob()) };
  if (type === "application/json" || type.endsWith("+json")) return { kind: "json", type, size, value: await answer.json() };
  if (type === "text/csv") return { kind: "table", type, size, rows: readCsv(await answer.text()) };
  if (type === "text/html") return { kind: "page", type, size, url: token.get() ? URL.createObjectURL(await answer.blob()) : "" };
  if (type.startsWith("text/") || type === "application/xml" || type === "application/yaml") return { kind: "text", type, size, text: await answer.text() };
  await answer.body.cancel();
  return { kind: "other", type, size };
}

function Output({ title, path, name, state, size, download = path }) {
  const shownSize = size || (state && state.size);
  const actions = html`<span class="dim small">${state && state.type}${shownSize ? `, ${bytes(shownSize)}` : ""}</span><${Download} path=${download} name=${name} />`;
  return html`<${Panel} title=${title} class="panel result" actions=${actions}>${state ? html`<${Shown} state=${state} title=${title} path=${path} />` : html`<div class="body dim">Loading …</div>`}</${Panel}>`;
}

function Shown({ state, title, path }) {
  switch (state.kind) {
    case "image":
      return html`<div class="body picture"><img src=${state.url} alt=${`The picture ${title}`} /></div>`;
    case "audio":
      return html`<div class="body"><audio controls src=${state.url}></audio></div>`;
    case "video":
      return html`<div class="body"><video controls src=${state.url}></video></div>`;
    case "table":
      return state.rows.length ? html`<${Records} rows=${state.rows} caption=${title} />` : html`<${Empty} title="A table without rows" />`;
    case "json":
      return html`<${Value} value=${state.value} title=${title} />`;
    case "text":
      return html`<pre class="text" tabindex="0" role="region" aria-label=${title}>${state.text.slice(0, MOST_TEXT)}${state.text.length > MOST_TEXT && "\n…"}</pre>`;
    case "page":
      return html`<iframe class="page" sandbox="" title=${`The page ${title}`} src=${state.url || address(path)}></iframe>`;
    case "large":
      return html`<${Empty} title="Too large to show here"><p>It can be downloaded.</p></${Empty}>`;
    default:
      return state.problem ? html`<div class="body"><${Trouble} problem=${state.problem} /></div>` : html`<${Empty} title="Nothing that a page can show"><p>It can be downloaded.</p></${Empty}>`;
  }
}

/** A JSON value: a number or text as it is, records as a table, anything else as a tree. */
function Value({ value, title }) {
  const [asTree, setTree] = useState(false);
  if (isTable(value))
    return html`${asTree ? html`<div class="body"><${Json} value=${value} /></div>` : html`<${Records} rows=${value} caption=${title} />`}
      <p class="more"><button class="quiet" onClick=${() => setTree(!asTree)}>${asTree ? "As a table" : "As a tree"}</button></p>`;
  if (value === null) return html`<div class="body dim">Nothing: the task returned no value.</div>`;
  if (typeof value === "string" && value.includes("\n")) return html`<pre class="text" tabindex="0" role="region" aria-label=${title}>${value.slice(0, MOST_TEXT)}</pre>`;
  return html`<div class="body ${typeof value === "object" ? "" : "single"}"><${Json} value=${value} open=${4} /></div>`;
}
