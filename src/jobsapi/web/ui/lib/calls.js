// The same submit as a curl, a Python and a command-line call, ready to copy; knows no page.

import { dumps } from "./json.js";
import { resolved } from "./schema.js";

// A word as a POSIX shell reads it back.
export const quoted = (word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

// The body of `POST /jobs`: `request` is {task, params, options, sweep}.
export function bodyOf({ task, params, options, sweep }) {
  return { task, params, ...(sweep ? { sweep } : {}), ...options };
}

export function curl(request, { url, asksToken }) {
  const lines = [`curl ${quoted(`${url}/jobs`)}`];
  if (asksToken) lines.push(`-H "Authorization: Bearer $JOBSAPI_TOKEN"`);
  lines.push(`-d ${quoted(dumps(bodyOf(request)))}`);
  return lines.join(" \\\n  ");
}

export function python(request, { url }) {
  const { task, params, options, sweep } = request;
  const words = [dumps(task), ...(sweep ? [literal(sweep)] : []), literal(params)];
  const named = Object.entries(options).map(([name, value]) => `${name}=${literal(value)}`);
  const call = sweep ? "add_sweep" : "add_job";
  const made = sweep ? "batch" : "job";
  const end = sweep
    ? `client.wait_for_batch(batch.id)\nfor row in client.batch_results(batch.id):\n    print(row)`
    : `print(client.wait_for_job(job.id).status, client.get_results(job.id))`;
  return `from jobsapi import Client\n\nclient = Client(${dumps(url)})\n${made} = client.${call}(${folded([...words, ...named])})\n${end}\n`;
}

function folded(words) {
  const line = words.join(", ");
  return line.length < 80 && !line.includes("\n") ? line : `\n    ${words.join(",\n    ")},\n`;
}

// A JSON value as Python writes it.
export function literal(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${dumps(name)}: ${literal(each)}`).join(", ")}}`;
  }
  return dumps(value); // a JSON text is a Python text, too
}

// null where a parameter's name cannot stand on a command line.
export function command(request, { url, schema }) {
  const { task, params, options, sweep } = request;
  const names = [...Object.keys(params), ...Object.keys(sweep ?? {})];
  if (names.some((name) => name === "" || name.includes("=") || name.includes("\0"))) return null;
  const of = (name) => (Object.hasOwn(schema.properties ?? {}, name) ? schema.properties[name] : schema.additionalProperties ?? true);
  const pairs = Object.entries(params).map(([name, value]) => `${name}=${word(value, of(name), schema)}`);
  const sweeps = Object.entries(sweep ?? {}).flatMap(([name, values]) => ["--sweep", `${name}=${listed(values)}`]);
  const flags = Object.entries(options).flatMap(([name, value]) => flag(name, value));
  const address = /^http:\/\/127\.0\.0\.1:5000$/.test(url) ? [] : [`--url=${url}`]; // where the command looks by itself
  const isOdd = pairs.some((each) => each.startsWith("-"));
  const words = isOdd ? [task, ...sweeps, ...flags, ...address, "--", ...pairs] : [task, ...pairs, ...sweeps, ...flags, ...address];
  return ["jobsapi submit", ...words.map(quoted)].join(" ");
}

const listed = (values) => (values.every((each) => typeof each === "number") ? values.map(dumps).join(",") : dumps(values));

function flag(name, value) {
  const word = "--" + (Array.isArray(value) && name !== "backoff" ? name.replace(/s$/, "") : name).replaceAll("_", "-");
  if (Array.isArray(value) && name !== "backoff") return value.map((each) => `${word}=${each}`);
  return [`${word}=${typeof value === "string" ? value : dumps(value)}`];
}

// A value as `NAME=` takes it: a text as it is where nothing but a text fits, else what JSON reads back.
function word(value, schema, root) {
  if (typeof value !== "string") return dumps(value);
  const kinds = kindsOf(schema, root);
  if (kinds.size === 1 && kinds.has("string")) return value;
  const isRead = /^(true|false)$/i.test(value) || isJson(value);
  return isRead ? dumps(value) : value;
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// The JSON types that a schema lets through, as the command line reckons them.
function kindsOf(schema, root, depth = 0) {
  const all = new Set(["string", "null", "integer", "number", "boolean", "array", "object"]);
  if (typeof schema !== "object" || schema === null || depth > 20) return all;
  if (schema.$ref !== undefined) return kindsOf(resolved({ $ref: schema.$ref }, root), root, depth + 1);
  if (schema.type !== undefined) return new Set([schema.type].flat());
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return new Set(several.flatMap((each) => [...kindsOf(each, root, depth + 1)]));
  if (schema.allOf) return schema.allOf.map((each) => kindsOf(each, root, depth + 1)).reduce((one, other) => new Set([...one].filter((each) => other.has(each))));
  const values = "const" in schema ? [schema.const] : schema.enum ?? [];
  return values.length && values.every((each) => typeof each === "string") ? new Set(["string"]) : all;
}
