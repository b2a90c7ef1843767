// Tables of records: read from CSV or JSON, sorted, and one numeric column drawn.
import { html, useMemo, useState } from "./html.js";
import { LineChart } from "./chart.js";
import { count } from "./format.js";
import { Table, text } from "./table.js";

const FIRST = 100;
const MORE = 500;
const MOST_COLUMNS = 40;
const LOOKED_AT = 1000;

/** The rows of a CSV text (RFC 4180), as objects; numbers where a column holds nothing else. */
export function readCsv(source) {
  const rows = cells(source);
  const names = (rows.shift() || []).map((name, i) => name || `column ${i + 1}`);
  const isNumeric = names.map((_, i) => rows.some((row) => row[i]) && rows.every((row) => !row[i] || isNumber(row[i])));
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, isNumeric[i] ? (row[i] ? Number(row[i]) : null) : row[i] ?? ""])));
}

const isNumber = (value) => value.trim() !== "" && Number.isFinite(Number(value));

function cells(source) {
  const rows = [];
  let [row, cell, quoted] = [[], "", false];
  const end = () => {
    row.push(cell);
    if (row.length > 1 || cell !== "") rows.push(row);
    [row, cell] = [[], ""];
  };
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (quoted) {
      if (c === '"' && source[i + 1] === '"') cell += source[++i];
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === ",") {
      row.push(cell);
      cell = "";
    } else if (c === "\n") end();
    else if (c !== "\r") cell += c;
  }
  if (cell !== "" || row.length) end();
  return rows;
}

/** Whether a JSON value is a list of objects that make a table. */
export const isTable = (value) => Array.isArray(value) && value.length > 0 && value.every((each) => each && typeof each === "object" && !Array.isArray(each));

/** A table of objects, with sort, and a plot of the column that one picks. */
export function Records({ rows, caption }) {
  const names = useMemo(() => {
    const found = new Set();
    for (const row of rows.slice(0, LOOKED_AT)) for (const name of Object.keys(row)) found.add(name);
    return [...found];
  }, [rows]);
  const numeric = useMemo(() => names.filter((name) => holdsNumbers(rows, name)), [rows]);
  const [y, setY] = useState(null);
  const [most, setMost] = useState(FIRST);
  const columns = names.slice(0, MOST_COLUMNS).map((name) => ({ key: name, label: name, numeric: numeric.includes(name), value: (row) => row[name], render: (row) => text(row[name]) }));
  const drawn = y === null ? numeric.find((name) => !/^(id|i|index|n)$/i.test(name)) || numeric[0] : y;
  return html`<div class="records">
    ${numeric.length > 0 && rows.length > 1 && html`<div class="records-plot">
      <div class="field inline"><label>Plot of <select value=${drawn} onChange=${(event) => setY(event.target.value)}>${numeric.map((name) => html`<option value=${name}>${name}</option>`)}<option value="">nothing</option></select></label></div>
      ${drawn && html`<${LineChart} label=${`${drawn} of ${count(rows.length)} rows`} values=${rows.map((row) => row[drawn])} name=${drawn} />`}
    </div>`}
    <${Table} caption=${caption} columns=${columns} rows=${rows} keyOf=${keyOf} most=${most} />
    ${rows.length > most && html`<p class="more"><span class="dim">${count(most)} of ${count(rows.length)} rows</span> <button class="quiet" onClick=${() => setMost(most + MORE)}>Show more</button></p>`}
    ${names.length > MOST_COLUMNS && html`<p class="more dim">${count(names.length - MOST_COLUMNS)} more columns are left out here; the download has them.</p>`}
  </div>`;
}

const known = new WeakMap();
let last = 0;
function keyOf(row) {
  if (!known.has(row)) known.set(row, ++last);
  return known.get(row);
}

const holdsNumbers = (rows, name) => {
  let any = false;
  for (const row of rows.slice(0, LOOKED_AT)) {
    const value = row[name];
    if (value === null || value === undefined) continue;
    if (typeof value !== "number") return false;
    any = true;
  }
  return any;
};
