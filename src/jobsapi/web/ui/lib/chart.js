// Charts drawn as SVG: bars that are stacked, and lines; each can be read out as a sentence, and point by point.
import { html, useLayoutEffect, useMemo, useRef, useState } from "./html.js";
import { count } from "./format.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 8, 8, 22];
const MOST_POINTS = 2000;

/** The width of an element, as it changes. */
function useWidth(first = 600) {
  const box = useRef(null);
  const [width, set] = useState(first);
  useLayoutEffect(() => {
    const measure = () => box.current && set(Math.max(160, Math.round(box.current.clientWidth)));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

/** Round numbers from low to high, about `n` of them. */
export function ticks(low, high, n = 4) {
  if (!(high > low)) return [low];
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

const plain = (value) => (Math.abs(value) >= 10_000 ? new Intl.NumberFormat("en-US", { notation: "compact" }).format(value) : count(Number(value.toPrecision(6))));

/** The grid, its numbers, and what stands in it. `point` (i or null) is where the reader looks. */
function Frame({ label, height, low, high, axis = plain, labels, children, n, move, point, tip, keep }) {
  const [box, width] = useWidth();
  const inner = width - LEFT - RIGHT;
  const y = (value) => TOP + (1 - (value - low) / (high - low || 1)) * (height - TOP - BOTTOM);
  const x = (i) => LEFT + (n > 1 ? (i / (n - 1)) * inner : inner / 2);
  const at = (event) => {
    const rect = box.current.getBoundingClientRect();
    move(Math.max(0, Math.min(n - 1, keep(((event.clientX - rect.left - LEFT) / inner) * n, n))));
  };
  const key = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(Math.max(0, Math.min(n - 1, (point ?? (step < 0 ? n : -1)) + step)));
  };
  return html`<div class="chart" ref=${box} tabindex="0" role="group" aria-roledescription="chart" aria-label=${label} onPointerMove=${at} onPointerLeave=${() => move(null)} onKeyDown=${key} onBlur=${() => move(null)}>
    <svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" aria-hidden="true">
      ${ticks(low, high).map((value) => html`<g class="tick"><line x1=${LEFT} x2=${width - RIGHT} y1=${y(value)} y2=${y(value)} /><text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${axis(value)}</text></g>`)}
      ${labels(inner).map(([i, text]) => html`<text class="below" x=${x(i)} y=${height - 5} text-anchor="middle">${text}</text>`)}
      ${children({ x, y, width, inner })}
    </svg>
    <div class="tip" aria-live="polite" hidden=${point === null}>${point !== null && tip(point)}</div>
  </div>`;
}

/** Bars of several kinds on one another. series: [{name, kind (a colour), values}]; labels: [[i, text]] below. */
export function StackedBars({ label, series, height = 150, labels, tip }) {
  const [point, move] = useState(null);
  const n = series[0].values.length;
  const sums = series[0].values.map((_, i) => series.reduce((sum, each) => sum + each.values[i], 0));
  const high = Math.max(1, ...sums);
  return html`<${Frame} label=${label} height=${height} low=${0} high=${high} labels=${labels} n=${n} point=${point} move=${move} tip=${tip} keep=${Math.floor}>
    ${({ y, inner }) => {
      const wide = inner / n;
      return sums.map((_, i) => {
        let below = 0;
        return html`<g class=${i === point ? "pointed" : ""}>
          <rect class="ground" x=${LEFT + i * wide} y=${TOP} width=${wide} height=${height - TOP - BOTTOM} />
          ${series.map((each) => {
            const value = each.values[i];
            if (!value) return null;
            const from = y(below);
            below += value;
            const tall = Math.max(1.5, from - y(below));
            return html`<rect class="mark ${each.kind}" x=${LEFT + i * wide + wide * 0.12} width=${Math.max(1, wide * 0.76)} y=${from - tall} height=${tall} rx="1" />`;
          })}
        </g>`;
      });
    }}
  </${Frame}>`;
}

/** A line through numbers; null, or what is no number, is a gap. Of very many points the extremes of each step remain. */
export function LineChart({ label, values, name, height = 180, axis, labels, tip, kind = "line", zero = false }) {
  const [point, move] = useState(null);
  const points = useMemo(() => thinned(values), [values]);
  const numbers = points.map(([, value]) => value).filter(Number.isFinite);
  if (numbers.length === 0) return html`<p class="dim">Nothing to draw.</p>`;
  let low = zero ? 0 : numbers.reduce((a, b) => Math.min(a, b));
  let high = numbers.reduce((a, b) => Math.max(a, b), zero ? 0 : -Infinity);
  if (low === high) [low, high] = zero ? [0, high || 1] : [low - 1, high + 1];
  const below = labels || ((inner) => ticks(0, values.length - 1, Math.max(2, Math.floor(inner / 90))).filter(Number.isInteger).map((i) => [i * ((points.length - 1) / Math.max(1, values.length - 1)), count(i)]));
  const told = tip || ((i) => html`<strong>${plain(points[i][1])}</strong> ${name} <span class="dim">row ${count(points[i][0])}</span>`);
  return html`<${Frame} label=${label} height=${height} low=${low} high=${high} axis=${axis} labels=${below} n=${points.length} point=${point} move=${move} tip=${(i) => (Number.isFinite(points[i][1]) ? told(i) : html`<span class="dim">nothing here</span>`)} keep=${(at, n) => Math.round((at / n) * (n - 1))}>
    ${({ x, y }) => html`
      <path class="mark ${kind}" d=${path(points, x, y)} />
      ${points.length <= 60 && points.map(([, value], i) => Number.isFinite(value) && html`<circle class="dot ${kind}" cx=${x(i)} cy=${y(value)} r="2.4" />`)}
      ${point !== null && Number.isFinite(points[point][1]) && html`<line class="cursor" x1=${x(point)} x2=${x(point)} y1=${TOP} y2=${height - BOTTOM} /><circle class="dot ${kind}" cx=${x(point)} cy=${y(points[point][1])} r="4" />`}
    `}
  </${Frame}>`;
}

function path(points, x, y) {
  let [text, pen] = ["", "M"];
  points.forEach(([, value], i) => {
    if (!Number.isFinite(value)) pen = "M";
    else {
      text += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return text;
}

/** [[place, value]]; above MOST_POINTS the lowest and the highest of each step, so that no spike is lost. */
export function thinned(values) {
  const all = values.map((value, i) => [i, typeof value === "number" ? value : NaN]);
  if (all.length <= MOST_POINTS) return all;
  const step = Math.ceil((2 * all.length) / MOST_POINTS);
  const found = [];
  for (let from = 0; from < all.length; from += step) {
    const part = all.slice(from, from + step).filter(([, value]) => Number.isFinite(value));
    if (part.length === 0) continue;
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    found.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return found;
}

/** What the colours of a chart mean. */
export const Legend = ({ series }) => html`<ul class="legend">${series.map((each) => html`<li><span class="swatch ${each.kind}" aria-hidden="true"></span>${each.name}</li>`)}</ul>`;
