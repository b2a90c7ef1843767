// The jobs that a job came after, and those that came after it, each with its status as it changes.
import { html, useRef, useState } from "../lib/html.js";
import { get, query } from "../lib/api.js";
import { count, plural } from "../lib/format.js";
import { useAsk } from "../lib/hooks.js";
import { useLive } from "../lib/live.js";
import { Panel, Status } from "../lib/parts.js";
import { link } from "../lib/router.js";

const STEPS = [20, 100, 500, 1000];

export function Family({ job }) {
  const isAlone = !job.after && !job.after_any && !job.children;
  return isAlone ? null : html`<${Relatives} job=${job} key=${job.id} />`;
}

function Relatives({ job }) {
  const [step, setStep] = useState(0);
  const named = [...(job.after || []), ...(job.after_any || [])];
  const parents = useParents(named.slice(0, STEPS[0]));
  const asked = useAsk((signal) => children(job, STEPS[step], signal), [job.id, job.children, job.status, step]);
  const { jobs = [], total = 0 } = asked.data || {};
  useFollowed(job, [...parents.known.values(), ...jobs], (type, event) => {
    if (type === "look" || jobs.some((each) => each.id === event.id)) asked.again();
    if (type === "look" || named.includes(event.id)) parents.again(event && event.id);
  });
  const before = (ids) => ids && html`<${Jobs} ids=${ids} known=${parents.known} />`;
  const facts = [
    ["After", before(job.after)],
    ["After the end of", before(job.after_any)],
    ["Children", job.children && html`<${Jobs} ids=${jobs.map((each) => each.id)} known=${new Map(jobs.map((each) => [each.id, each]))} />`],
  ].filter(([, value]) => value);
  const more = Math.max(0, total - jobs.length);
  return html`<${Panel} title="Before and after">
    <dl class="facts body">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    ${more > 0 && html`<p class="body more dim">${plural(more, "older child", "older children")}${step < STEPS.length - 1 && html` <button type="button" class="quiet" onClick=${() => setStep(step + 1)}>Show more</button>`}</p>`}
  </${Panel}>`;
}

const children = (job, limit, signal) =>
  job.children ? get(`jobs/${job.id}/children${query({ limit })}`, { signal }) : Promise.resolve({ jobs: [], total: 0 });

/** { known: id → job, or null where it was removed; again(id): ask for it, without an id for all that may change }. */
function useParents(ids) {
  const known = useRef(new Map());
  const asked = useAsk(async (signal) => {
    const due = ids.filter((id) => !isOver(known.current.get(id)));
    const found = await Promise.all(due.map((id) => get(`jobs/${id}`, { signal }).catch((problem) => absent(problem))));
    due.forEach((id, i) => known.current.set(id, found[i]));
    return new Map(known.current);
  }, [ids.join()]);
  const again = (id) => {
    if (id) known.current.delete(id);
    asked.again();
  };
  return { known: asked.data || new Map(), again };
}

function absent(problem) {
  if (problem.status !== 404) throw problem;
  return null;
}

const isOver = (job) => job === null || Boolean(job && job.finished);

/** Hear of what happens to jobs as long as one of these may change. */
function useFollowed(job, relatives, on) {
  const isOpen = relatives.some((each) => !isOver(each));
  const isOneBatch = job.batch && relatives.every((each) => !each || each.batch === job.batch);
  const path = `events${query({ batch: isOneBatch ? job.batch : "" })}`;
  useLive(isOpen ? path : null, (type, event) => ["look", "status"].includes(type) && on(type, event));
}

function Jobs({ ids, known }) {
  const shown = ids.filter((id) => known.has(id));
  return html`<ul class="plain">
    ${shown.map((id) => html`<li key=${id}><${Relative} id=${id} job=${known.get(id)} /></li>`)}
    ${ids.length > shown.length && shown.length > 0 && html`<li class="dim">… and ${count(ids.length - shown.length)} more</li>`}
  </ul>`;
}

const Relative = ({ id, job }) =>
  html`<a href=${link(["jobs", id])} title=${id}>${job ? job.task : html`<span class="mono">${id}</span>`}</a> ${job ? html`<${Status} job=${job} />` : html`<span class="dim">not there any more</span>`}`;
