// The last day as charts: how many jobs ended and how, and how long they waited.
import { html, useEffect } from "../lib/html.js";
import { get } from "../lib/api.js";
import { Legend, LineChart, StackedBars } from "../lib/chart.js";
import { at, count, duration, ms } from "../lib/format.js";
import { useAsk } from "../lib/hooks.js";
import { Empty, Panel } from "../lib/parts.js";

const SERIES = [
  { name: "complete", kind: "good" },
  { name: "failed", kind: "bad" },
  { name: "cancelled", kind: "off" },
];

const STEP_S = 1800;
const DAY_S = 86_400;

/** What the API counted in the last day, by half hours, also those of which it knows nothing: { step, points }. */
async function lastDay(signal) {
  const stats = await get("stats", { signal });
  const first = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S - DAY_S + STEP_S;
  const points = Array.from({ length: DAY_S / STEP_S }, (_, i) => ({ at: (first + i * STEP_S) * 1000, ended: { complete: 0, failed: 0, cancelled: 0 }, waits: [] }));
  for (const told of stats.points) {
    const point = points[Math.floor((ms(told.at) / 1000 - first) / STEP_S)];
    if (!point) continue;
    for (const each of SERIES) point.ended[each.name] += told.ended[each.name];
    if (told.wait_mean !== null) point.waits.push(told.wait_mean);
  }
  for (const point of points) point.wait_mean = point.waits.length ? point.waits.reduce((a, b) => a + b) / point.waits.length : null;
  return { step: STEP_S, points };
}

export function Day({ every }) {
  const asked = useAsk(lastDay, [], { least: every });
  useEffect(() => {
    const timer = setInterval(() => document.hidden || asked.again(), every);
    return () => clearInterval(timer);
  }, [every, asked.again]);
  const stats = asked.data;
  if (!stats) return null;
  const points = stats.points;
  const sum = (name) => points.reduce((total, point) => total + point.ended[name], 0);
  const total = SERIES.reduce((all, each) => all + sum(each.name), 0);
  const waits = points.map((point) => point.wait_mean).filter(Number.isFinite);
  if (total === 0) return html`<${Panel} title="The last day"><${Empty} title="No end of a job was counted in the last day" /></${Panel}>`;
  const series = SERIES.map((each) => ({ ...each, name: `${count(sum(each.name))} ${each.name}`, values: points.map((point) => point.ended[each.name]) }));
  const step = duration(stats.step);
  const when = (i) => html`<span class="dim">${at(points[i].at).slice(0, -3)}, ${step}</span>`;
  return html`<div class="grid day">
    <${Panel} title="Ended in the last day"><div class="body"><${StackedBars} label=${`Jobs that ended in the last day, every ${step}: ${series.map((each) => each.name).join(", ")}`} series=${series} labels=${(inner) => hours(points, inner)}
      tip=${(i) => html`<strong>${SERIES.map((each) => points[i].ended[each.name]).reduce((a, b) => a + b)}</strong> ended${points[i].ended.failed ? `, ${points[i].ended.failed} failed` : ""}${points[i].ended.cancelled ? `, ${points[i].ended.cancelled} cancelled` : ""} ${when(i)}`} />
      <${Legend} series=${series} /></div></${Panel}>
    <${Panel} title="How long they waited"><div class="body"><${LineChart} zero label=${`Mean time in the queue in the last day, every ${step}; at most ${duration(Math.max(0, ...waits))}`} height=${150} values=${points.map((point) => point.wait_mean)} axis=${duration} labels=${(inner) => hours(points, inner)}
      tip=${(i) => html`<strong>${duration(points[i].wait_mean)}</strong> ${when(i)}`} />
      <${Legend} series=${[{ name: "mean time in the queue", kind: "wait" }]} /></div></${Panel}>
  </div>`;
}

/** The full hours below the points, as many as fit. */
function hours(points, inner) {
  const many = Math.max(2, Math.floor(inner / 70));
  const every = [1, 2, 3, 4, 6, 12, 24].find((each) => 24 / each <= many) || 24;
  const found = [];
  points.forEach((point, i) => {
    const time = new Date(ms(point.at));
    const before = i && new Date(ms(points[i - 1].at));
    if (i && time.getHours() !== before.getHours() && time.getHours() % every === 0) found.push([i, `${String(time.getHours()).padStart(2, "0")}:00`]);
  });
  return found;
}
