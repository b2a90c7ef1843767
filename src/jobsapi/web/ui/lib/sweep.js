// What a person types for several values of one parameter → the list of values; knows no page.

import { draftOf, read } from "./draft.js";
import { parse, step } from "./json.js";
import { validate } from "./validate.js";

const MOST = 10_000; // as many jobs as one request may make

// `1, 2, 5..8` or a JSON list → {values, faults}; pointers start with `pointer`.
export function sweepOf(field, text, pointer) {
  const trimmed = text.trim();
  if (trimmed === "") return { values: [], faults: [{ pointer, detail: "holds no value; they stand between commas" }] };
  const listed = trimmed.startsWith("[") ? jsonList(trimmed) : null;
  if (typeof listed === "string") return { values: [], faults: [{ pointer, detail: listed }] };
  const found = listed ?? trimmed.split(",").flatMap((part) => spread(field, part.trim()));
  const values = [], faults = [];
  found.slice(0, MOST + 1).forEach((part, i) => {
    const at = pointer + step(i);
    const made = listed ? { value: part, faults: [] } : valueOf(field, part, at);
    values.push(made.value);
    const wrong = made.faults.length ? made.faults : validate(field.schema, made.value ?? null, field.root, at);
    faults.push(...wrong.map((each) => ({ pointer, detail: `value ${i + 1}: ${each.detail}` })));
  });
  return { values, faults };
}

function jsonList(text) {
  try {
    return parse(text);
  } catch (problem) {
    return `is not a JSON list: ${problem.message}`;
  }
}

// `1..4` and `0..10..5` of whole numbers.
function spread(field, part) {
  const [, from, to, by] = /^(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?$/.exec(part) ?? [];
  if (from === undefined || !["integer", "number"].includes(field.kind) || Number(by) === 0) return [part];
  const count = Math.floor((Number(to) - Number(from)) / Number(by ?? 1)) + 1;
  if (count < 1) return [part];
  return Array.from({ length: Math.min(count, MOST + 1) }, (_, i) => String(Number(from) + i * Number(by ?? 1)));
}

function valueOf(field, part, pointer) {
  const one = { ...field, required: true, hasDefault: false };
  if (field.kind === "choice") {
    const at = field.choices.findIndex((each) => each.label === part);
    return at < 0 ? { value: part, faults: [] } : { value: field.choices[at].value, faults: [] };
  }
  if (field.kind === "text") return { value: part, faults: [] };
  if (field.kind === "integer" || field.kind === "number") return read(one, part, pointer);
  return read({ kind: "json", required: true }, /^(yes|no)$/i.test(part) ? String(/^yes$/i.test(part)) : part, pointer);
}

// The text that `sweepOf` reads as this one value, to begin with.
export function textOf(field, draft) {
  const { value } = read({ ...field, required: true }, draft ?? null);
  if (value === undefined || value === null) return "";
  if (field.kind === "text") return String(value).includes(",") || String(value).startsWith("[") ? JSON.stringify([value]) : String(value);
  return typeof value === "object" ? JSON.stringify([value]) : String(draftOf({ kind: "json" }, value)).replace(/^"(.*)"$/, "$1");
}
