// What is sent, reckoned from what was typed: the request, its faults, and how many jobs it makes; knows no page.

import { byPointer, checked } from "./draft.js";
import { parse, step } from "./json.js";
import { sweepOf } from "./sweep.js";
import { validate } from "./validate.js";

// `form`: {task, field, draft, isJson, text, options: {field, draft} or null, sweep: {name: text}}
// → {request: {task, params, options, sweep}, faults: Map, count}. A fault of a sweep stands at `/params/NAME`.
export function requestOf({ task, field, draft, isJson, text, options, sweep }) {
  const made = isJson ? jsonParams(field, text) : checked(field, draft, "/params");
  const faults = new Map(made.faults), names = isJson ? [] : Object.keys(sweep);
  const request = { task, params: made.value, options: {}, sweep: null };
  if (options) {
    const its = checked(options.field, options.draft);
    request.options = its.value;
    for (const [pointer, detail] of its.faults) faults.set(pointer, detail);
    if (its.value.delay !== undefined && its.value.run_at !== undefined) faults.set("/run_at", "cannot stand beside delay");
  }
  let count = 1;
  if (names.length) {
    request.sweep = {};
    request.params = { ...made.value };
    for (const name of names) {
      const at = "/params" + step(name), each = field.fields.find((its) => its.name === name);
      for (const pointer of [...faults.keys()]) if (pointer === at || pointer.startsWith(`${at}/`)) faults.delete(pointer);
      const found = sweepOf(each, sweep[name], at);
      delete request.params[name];
      request.sweep[name] = found.values;
      if (found.faults.length) faults.set(at, found.faults[0].detail);
      count *= found.values.length;
    }
    if (count > 10_000) faults.set("/params" + step(names[0]), `makes ${count.toLocaleString("en-US")} jobs together with the others; 10,000 are the most`);
  }
  return { request, faults, count };
}

function jsonParams(field, text) {
  let value;
  try {
    value = parse(text.trim() || "{}");
  } catch (problem) {
    return { value: {}, faults: new Map([["/params", `is not JSON: ${problem.message}`]]) };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { value: {}, faults: new Map([["/params", "is not an object: {\"name\": value, …}"]]) };
  }
  return { value, faults: byPointer(validate(field.schema, value, field.root, "/params")) };
}

// The field of a job's options, from the API's own description of what `POST /jobs` takes.
export function optionsOf(openapi, task) {
  const own = openapi.components.schemas[`${task}.job`];
  if (!own) return null;
  const properties = {};
  for (const [name, schema] of Object.entries(own.properties)) {
    if (name === "task" || name === "params") continue;
    const types = [schema.type].flat().filter((each) => each !== "null");
    properties[name] = { ...schema, type: types.length === 1 ? types[0] : types };
    if (schema.enum) properties[name].enum = schema.enum.filter((each) => each !== null);
  }
  return { type: "object", properties, additionalProperties: false };
}
