// What another job is sent with that shall be the same as one that is there; knows no page.

const TOLD = ["timeout", "memory_mb", "backoff", "max_deliveries", "expires_in", "key", "on_conflict", "cache", "keep"];

// The options that a job's document shows only where they hold: [[name, value]].
export const toldOf = (job) => TOLD.filter((name) => job[name] !== undefined).map((name) => [name, job[name]]);

// The options of that job, as a submit takes them. Not its time, which is over or was meant for that one alone, and not
// its batch.
export function optionsOf(job) {
  const options = { queue: job.queue, ...Object.fromEntries(toldOf(job)) };
  if (job.priority) options.priority = job.priority;
  if (job.tags?.length) options.tags = job.tags;
  if (job.max_attempts > 1) options.max_attempts = job.max_attempts;
  for (const name of ["after", "after_any"]) if (job[name]?.length) options[name] = job[name];
  if (job.webhook) options.webhook = job.webhook.url;
  return options;
}
