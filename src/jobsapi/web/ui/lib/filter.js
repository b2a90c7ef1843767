// The filter of the list of jobs: what the API filters by itself, and words and times that the page looks for in what
// the API gives, up to a bound.
import { get, query } from "./api.js";
import { ms } from "./format.js";

export const SERVER = ["status", "task", "queue", "tag", "batch"];
export const EVENT_FILTERS = ["task", "queue", "tag", "batch"]; // not the status: a job that leaves it is to be seen
export const PAGE = 50;
const LOOK_STEP = 200;
const LOOK_MOST = 2_000;

export const SPANS = { "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800 };

/** Of an object those of these names that are not empty. */
export const picked = (names, from) => Object.fromEntries(names.filter((name) => from[name]).map((name) => [name, from[name]]));

/** Whether the page itself has to look at each job. */
export const looks = (filter) => Boolean(filter.words);

/** The times between which the jobs were made, as the API takes them. */
function times(filter) {
  const from = filter.since ? Date.now() - 1000 * (SPANS[filter.since] || 0) : ms(filter.from || NaN);
  const moments = { since: from, until: ms(filter.to || NaN) };
  return Object.fromEntries(Object.entries(moments).filter(([, moment]) => moment === moment).map(([name, moment]) => [name, new Date(moment).toISOString()]));
}

/** Whether every word stands in the job's id, parameters or error. */
export function has(job, words) {
  const error = job.error ? `${job.error.type} ${job.error.message}` : "";
  const text = `${job.id} ${JSON.stringify(job.params)} ${error}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** { jobs, next (a cursor or ""), total (or null), looked (how many were looked at, 0: the API did it all) }. */
export async function load(filter, signal) {
  const asked = { ...picked(SERVER, filter), ...times(filter) };
  if (!looks(filter)) {
    const page = await get("jobs" + query({ ...asked, limit: PAGE, cursor: filter.cursor }), { signal });
    return { jobs: page.jobs, next: cursorOf(page.next), total: page.total, looked: 0 };
  }
  const words = (filter.words || "").toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  let [cursor, looked] = [filter.cursor || "", 0];
  while (looked < LOOK_MOST) {
    const page = await get("jobs" + query({ ...asked, limit: LOOK_STEP, cursor }), { signal });
    cursor = cursorOf(page.next);
    for (const job of page.jobs) {
      looked++;
      if (has(job, words)) found.push(job);
    }
    if (!cursor || found.length >= PAGE) break;
  }
  return { jobs: found, next: cursor, total: null, looked };
}

const cursorOf = (next) => (next ? new URL(next, location.href).searchParams.get("cursor") || "" : "");
