// Data: the data sets, and upload by drag and drop.

import { html, useRef, useState } from "../lib/html.js";
import { del, get, query } from "../lib/api.js";
import { confirm } from "../lib/dialog.js";
import { bytes, count, duration, plural } from "../lib/format.js";
import { useAsk, useTitle } from "../lib/hooks.js";
import { Action, Bar, Empty, Panel, Trouble } from "../lib/parts.js";
import { link } from "../lib/router.js";
import { toast } from "../lib/toast.js";
import { bytesPerRow, upload } from "../lib/upload.js";
import { DatasetView } from "./dataset.js";

export default function Data({ route }) {
  const name = route.path[1];
  return name === undefined ? html`<${Datasets} />` : html`<${DatasetView} key=${name} name=${name} query=${route.query} />`;
}

function Datasets() {
  useTitle("Data");
  const { data, problem, loading, again } = useAsk((signal) => get("datasets", { signal }));
  const sets = data?.datasets ?? [];
  return html`<h1>Data</h1>
    <${Upload} names=${sets.map((each) => each.name)} onLoaded=${again} />
    <${Trouble} problem=${problem} again=${again} />
    <${Panel} title="Data sets">
      ${sets.length > 0 && html`<ul class="sets">${sets.map((each) => html`<${Dataset} key=${each.name} its=${each} again=${again} />`)}</ul>`}
      ${!loading && !problem && !sets.length && html`<${Empty} title="Nothing is loaded yet"><p>Drop a file above. Tasks read it by <code>jobsapi.data.records(start, end)</code>.</p><//>`}
    <//>`;
}

function Dataset({ its, again }) {
  return html`<li class="set">
    <a class="set-name" href=${link(["data", its.name])}>${its.name}</a>
    <p>${plural(its.records, "record")}, ${plural(its.fields.length, "field")}</p>
    <p class="dim fields">${its.fields.slice(0, 12).map((each) => each.name).join(", ")}${its.fields.length > 12 ? ", …" : ""}</p>
    <div class="buttons">
      <a class="button" href=${link(["data", its.name])} aria-label=${`Browse ${its.name}`}>Browse</a>
      <${EmptyButton} name=${its.name} records=${its.records} done=${again} />
    </div>
  </li>`;
}

export function EmptyButton({ name, records, done }) {
  const run = async () => {
    const text = `All ${plural(records, "record")} are taken out. This cannot be undone.`;
    if (!(await confirm({ title: `Empty the data set ${name}?`, text, yes: "Empty it", danger: true }))) return;
    const gone = await del("data" + query({ dataset: name }));
    toast(`${name} is empty: ${plural(gone.removed, "record")} taken out.`);
    done();
  };
  return html`<${Action} run=${run} aria-label=${`Empty ${name}`}>Empty …<//>`;
}

// --- Upload ----------------------------------------------------------------------------------------------------------

const NAME = /^[A-Za-z0-9_.-]{1,100}$/;

function Upload({ names, onLoaded }) {
  const [dataset, setDataset] = useState("default");
  const [id, setId] = useState("");
  const [isOver, setOver] = useState(false);
  const [state, setState] = useState(null); // {file, sent, total, seconds, perRow, cancel, problem, made}
  const picker = useRef(null);
  const isBusy = Boolean(state && !state.problem && !state.made);
  const isNamed = NAME.test(dataset);
  const begin = async (file, extra = {}) => {
    if (!file || isBusy || !isNamed) return;
    const change = (part) => setState((before) => ({ ...before, ...part }));
    setState({ file, sent: 0, total: file.size, seconds: 0 });
    bytesPerRow(file).then((perRow) => change({ perRow }), () => {});
    const under = upload(file, { dataset, id: id.trim(), ...extra }, change);
    change({ cancel: under.cancel });
    try {
      change({ made: await under.done });
      onLoaded();
    } catch (problem) {
      change({ problem });
    }
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    begin(event.dataTransfer.files[0]);
  };
  return html`<section class=${`drop${isOver ? " over" : ""}`} aria-label="Upload" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${(event) => event.currentTarget.contains(event.relatedTarget) || setOver(false)} onDrop=${drop}>
    <div class="drop-words">
      <p><strong>Drop a file here</strong>, or <button type="button" disabled=${isBusy || !isNamed} onClick=${() => picker.current.click()}>Choose a file</button></p>
      <p class="help">CSV, JSON, NDJSON, GeoJSON; packed by gzip too. All of it is loaded, or nothing.</p>
      <input ref=${picker} type="file" class="hidden" tabindex="-1" aria-label="The file to load" accept=".csv,.json,.ndjson,.jsonl,.geojson,.gz"
        onChange=${(event) => { begin(event.target.files[0]); event.target.value = ""; }} />
    </div>
    <div class="drop-fields">
      <div class="field ${isNamed ? "" : "wrong"}"><div class="field-head"><label for="upload-dataset">Into the data set</label></div>
        <input id="upload-dataset" list="upload-names" value=${dataset} spellcheck=${false} autocomplete="off" aria-invalid=${!isNamed}
          aria-describedby=${isNamed ? undefined : "upload-fault"} onInput=${(event) => setDataset(event.target.value)} />
        <datalist id="upload-names">${names.map((each) => html`<option value=${each} />`)}</datalist>
        ${!isNamed && html`<p class="fault" id="upload-fault"><span aria-hidden="true">✗ </span>has 1 to 100 letters, digits, '_', '.' or '-'</p>`}</div>
      <div class="field"><div class="field-head"><label for="upload-id">Field that is the id</label></div>
        <input id="upload-id" value=${id} placeholder="id, else a number is given" spellcheck=${false} autocomplete="off" onInput=${(event) => setId(event.target.value)} /></div>
    </div>
    ${state && html`<${UploadState} its=${state} isBusy=${isBusy} again=${begin} />`}
  </section>`;
}

function UploadState({ its, isBusy, again }) {
  const { file, sent, total, seconds, perRow, problem, made, cancel } = its;
  const isSent = sent >= total && total > 0, rate = perRow && seconds > 0.3 ? sent / perRow / seconds : 0;
  if (problem) return html`<div class="upload-state"><${Refusal} problem=${problem} file=${file} again=${again} /></div>`;
  if (made) {
    const speed = made.loaded / Math.max(made.seconds, 0.001);
    return html`<div class="upload-state note good" role="status"><div><strong>${file.name}: ${plural(made.loaded, "record")} loaded</strong>
      <p>in ${duration(made.seconds)}, ${count(Math.round(speed))} records/s; the data set ${made.dataset} has ${count(made.total)} now. <a href=${link(["data", made.dataset])}>Browse it</a></p></div></div>`;
  }
  return html`<div class="upload-state">
    <p><strong>${file.name}</strong> <span class="dim">${bytes(sent)} of ${bytes(total)}${rate ? `, about ${count(Math.round(rate))} records/s` : ""}${isSent ? ", indexing …" : ""}</span>
      ${isBusy && html` <button type="button" class="small" onClick=${cancel}>Stop</button>`}</p>
    <${Bar} fraction=${isSent ? null : total ? sent / total : null} label=${`Upload of ${file.name}`} />
  </div>`;
}

// What went wrong; a document with several lists offers each of them.
function Refusal({ problem, file, again }) {
  const row = problem.document?.row;
  const lists = row === undefined ? (problem.errors ?? []).map((each) => each.pointer).filter((each) => each.startsWith("/")) : [];
  const title = row === undefined ? `${file.name} was not loaded` : `${file.name}: row ${count(row)} does not fit`;
  return html`<${Trouble} problem=${{ title, detail: `${problem.detail}${row === undefined ? "" : " Nothing was loaded."}` }} />
    ${lists.length > 1 && html`<p>Which list holds the records? ${lists.map((each) => html`<button type="button" class="small" onClick=${() => again(file, { records: each })}><code>${each}</code></button> `)}</p>`}`;
}

