// A table: columns that sort where they can, rows that can be chosen, and cells that become lines on a narrow page.
import { html, useMemo, useState } from "./html.js";

/** columns: [{ key, label, render(row), value(row) (sorts by it), numeric, minor (left out on a narrow page) }].
 * `most`: how many rows are shown, of those that come first when sorted.
 * `chosen`: a Set of keys and `choose(keys, on)` for rows that can be chosen; `nameOf(row)` names one for readers. */
export function Table({ caption, columns, rows, keyOf, chosen, choose, nameOf = keyOf, cards = false, sorted = null, most = Infinity }) {
  const [sort, setSort] = useState(sorted); // { key, down }
  const all = useMemo(() => ordered(rows, columns, sort), [rows, sort]);
  const shown = most < all.length ? all.slice(0, most) : all;
  const keys = shown.map(keyOf);
  const every = chosen && keys.length > 0 && keys.every((key) => chosen.has(key));
  const some = chosen && !every && keys.some((key) => chosen.has(key));
  const by = (column) => setSort((old) => ({ key: column.key, down: old && old.key === column.key ? !old.down : !!column.numeric }));
  return html`<div class="table ${cards ? "cards" : ""}" role="region" aria-label=${caption} tabindex=${cards ? undefined : 0}>
    <table>
      <caption class="hidden">${caption}</caption>
      <thead><tr>
        ${chosen && html`<th class="check"><input type="checkbox" aria-label="Choose all shown" checked=${every} ref=${(box) => box && (box.indeterminate = some)} onChange=${(event) => choose(keys, event.target.checked)} /></th>`}
        ${columns.map((column) => {
          const order = sort && sort.key === column.key ? (sort.down ? "descending" : "ascending") : undefined;
          return html`<th key=${column.key} scope="col" class=${classes(column)} aria-sort=${order}>${
            column.value
              ? html`<button class="sort" onClick=${() => by(column)}>${column.label}<span aria-hidden="true">${order ? (sort.down ? " ↓" : " ↑") : ""}</span></button>`
              : column.label
          }</th>`;
        })}
      </tr></thead>
      <tbody>
        ${shown.map((row, i) => html`<tr key=${keys[i]} class=${chosen && chosen.has(keys[i]) ? "chosen" : ""}>
          ${chosen && html`<td class="check"><input type="checkbox" aria-label=${`Choose ${nameOf(row)}`} checked=${chosen.has(keys[i])} onChange=${(event) => choose([keys[i]], event.target.checked)} /></td>`}
          ${columns.map((column) => html`<td key=${column.key} class=${classes(column)} data-label=${typeof column.label === "string" ? column.label : undefined}>${column.render ? column.render(row) : text(row[column.key])}</td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}

const classes = (column) => ["c-" + column.key.replace(/[^\w-]/g, "-"), column.numeric && "numeric", column.minor && "minor"].filter(Boolean).join(" ");

/** What a cell shows of any JSON value. */
export function text(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function ordered(rows, columns, sort) {
  const column = sort && columns.find((each) => each.key === sort.key);
  if (!column || !column.value) return rows;
  const sign = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(column.value(a), column.value(b)));
}

/** Numbers by size, texts by the alphabet, what is absent last. */
export function compare(a, b) {
  const [isA, isB] = [a === null || a === undefined || a === "", b === null || b === undefined || b === ""];
  if (isA || isB) return isA - isB;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
