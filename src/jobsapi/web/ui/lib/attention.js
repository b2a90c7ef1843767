// What needs attention, in plain sentences: [{ kind, text, detail, href, look, resume }], the worst first.
import { brief, coarse, ms, plural } from "./format.js";
import { link } from "./router.js";

const RECENT_S = 3600;
const STUCK_S = 120;
const FAILURES = 2;
const MOST_WAIT_S = 5; // a worker that just starts needs a moment before it has told its tasks

/** `data`: { queues, workers, running, failed, schedules } as the API answers them. */
export function sentences(data, now = Date.now()) {
  const found = [...unserved(data, now), ...failing(data, now), ...paused(data), ...stuck(data, now), ...schedules(data)];
  return found.sort((a, b) => (a.kind === "bad" ? 0 : 1) - (b.kind === "bad" ? 0 : 1));
}

const age = (time, now) => (now - ms(time)) / 1000;

function unserved({ queues }, now) {
  return queues.flatMap((queue) =>
    queue.waiting
      .filter((row) => row.workers === 0 && !queue.paused && age(row.oldest, now) > MOST_WAIT_S)
      .map((row) => ({
        kind: "bad",
        text: `No live worker takes ${row.task} from the queue ${queue.name}: ${plural(row.jobs, "job")} ${row.jobs === 1 ? "waits" : "wait"}, the oldest for ${coarse(age(row.oldest, now))}.`,
        href: link("jobs", { status: "submitted", queue: queue.name, task: row.task }),
        look: "Look at them",
      })),
  );
}

function failing({ failed }, now) {
  const recent = failed.filter((job) => age(job.finished, now) < RECENT_S);
  const byTask = Map.groupBy ? Map.groupBy(recent, (job) => job.task) : grouped(recent);
  return [...byTask]
    .filter(([, jobs]) => jobs.length >= FAILURES)
    .map(([task, jobs]) => ({
      kind: "bad",
      text: `${task} failed ${plural(jobs.length, "time")} in the last hour${jobs.length >= 50 ? " at least" : ""}.`,
      detail: jobs[0].error ? brief(`${jobs[0].error.type}: ${jobs[0].error.message}`, 120) : jobs[0].reason,
      href: link("jobs", { status: "failed", task }),
      look: "Look at them",
    }));
}

function grouped(jobs) {
  const found = new Map();
  for (const job of jobs) found.set(job.task, [...(found.get(job.task) || []), job]);
  return found;
}

function paused({ queues }) {
  return queues
    .filter((queue) => queue.paused && queue.submitted > 0)
    .map((queue) => ({ kind: "warn", text: `The queue ${queue.name} is paused and holds ${plural(queue.submitted, "job")} back.`, resume: queue.name }));
}

/** Somebody could take its jobs, and nothing moves. */
function stuck({ queues }, now) {
  return queues
    .filter((queue) => !queue.paused && queue.oldest && queue.waiting.some((row) => row.workers > 0))
    .filter((queue) => queue.in_progress === 0 && !queue.pace && age(queue.oldest, now) > STUCK_S)
    .map((queue) => ({
      kind: "warn",
      text: `Nothing of the queue ${queue.name} runs or has ended lately, and its oldest job waits for ${coarse(age(queue.oldest, now))}.`,
      detail: "Its workers may be busy with other queues, or a limit of its tasks holds it.",
      href: link("jobs", { status: "submitted", queue: queue.name }),
      look: "Look at it",
    }));
}

function schedules({ schedules: all }) {
  return all
    .filter((each) => each.error)
    .map((each) => ({ kind: "warn", text: `The schedule ${each.name} made no job at its last time.`, detail: brief(each.error, 160), href: "#/schedules", look: "Schedules" }));
}
