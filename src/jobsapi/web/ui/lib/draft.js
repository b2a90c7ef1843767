// What a person has typed into a form's fields (a draft) ↔ the JSON value it means; knows no page.
//
// Drafts by kind: text, integer, number, json: the text, null where nothing is given · boolean: true, false, null ·
// choice: the choice's number, null · object: {fields: {name: draft}, extra: [{key, draft}]}, null · map: [{key, draft}]
// · array, tuple: [draft] · union: {variant, draft}. Null is always "not given".

import { isSame, parse, dumps, step } from "./json.js";
import { validate } from "./validate.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

// What a setter of a draft was given, a draft or a function of the one before: two changes at once are both kept.
export const next = (given, before) => (typeof given === "function" ? given(before) : given);

// The draft with nothing but the defaults.
export function blank(field) {
  if (field.hasDefault) return field.default === null ? null : draftOf(field, field.default);
  if (field.kind === "const") return null;
  return field.required && !field.nullable ? empty(field) : null;
}

// The draft of a field that was opened, or of one more item of a list.
export function empty(field) {
  switch (field.kind) {
    case "object":
      return { fields: Object.fromEntries(field.fields.map((each) => [each.name, blank(each)])), extra: [] };
    case "map":
      return [];
    case "array":
      return Array.from({ length: Math.min(field.own.minItems ?? 0, 20) }, (_, i) => blank(field.item(i)));
    case "tuple":
      return field.items.map(blank);
    case "union":
      return { variant: 0, draft: empty(field.variants[0].field) };
    default:
      return null;
  }
}

// The draft that means this value. What the field cannot show stays as JSON text, or as `extra` of an object.
export function draftOf(field, value) {
  if (value === undefined) return blank(field);
  if (value === null && field.nullable) return null;
  switch (field.kind) {
    case "const":
      return null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "choice": {
      const at = field.choices.findIndex((each) => isSame(each.value, value));
      return at < 0 ? null : at;
    }
    case "text":
      return typeof value === "string" ? value : dumps(value);
    case "integer":
    case "number":
      return typeof value === "string" ? value : dumps(value);
    case "object":
      return typeof value === "object" && !Array.isArray(value) ? objectDraft(field, value) : empty(field);
    case "map":
      return typeof value === "object" ? Object.entries(value).map(([key, each]) => ({ key, draft: draftOf(field.item(key), each) })) : [];
    case "array":
      return Array.isArray(value) ? value.map((each, i) => draftOf(field.item(i), each)) : [];
    case "tuple":
      return field.items.map((each, i) => draftOf(each, value?.[i]));
    case "union": {
      const fits = field.variants.findIndex((each) => !validate(each.field.schema, value, field.root).length);
      const at = fits >= 0 ? fits : nearest(field, value);
      return { variant: at, draft: draftOf(field.variants[at].field, value) };
    }
    default:
      return dumps(value, 2);
  }
}

function nearest(field, value) {
  const faults = field.variants.map((each) => validate(each.field.schema, value, field.root).filter((fault) => fault.pointer === "").length * 100 + 1);
  return faults.indexOf(Math.min(...faults));
}

function objectDraft(field, value) {
  const known = new Set(field.fields.map((each) => each.name));
  const fields = Object.fromEntries(field.fields.map((each) => [each.name, draftOf(each, Object.hasOwn(value, each.name) ? value[each.name] : undefined)]));
  const others = Object.entries(value).filter(([name]) => !known.has(name));
  return { fields, extra: others.map(([key, each]) => ({ key, draft: field.rest ? draftOf(field.rest(key), each) : dumps(each) })) };
}

// {value, faults: [{pointer, detail}]}; value undefined: not given. What equals the default is not given either.
export function read(field, draft, pointer = "") {
  const made = field.kind === "const" ? { value: field.value, faults: [] } : given(field, draft, pointer);
  if (!field.required && field.hasDefault && field.kind !== "const" && isDefault(field, made.value)) made.value = undefined;
  if (made.value === undefined && !made.faults.length && field.required) made.faults.push({ pointer, detail: "is required" });
  return made;
}

function isDefault(field, value) {
  return isSame(value, field.default) || (value !== undefined && isSame(value, given(field, draftOf(field, field.default), "").value));
}

function given(field, draft, pointer) {
  if (draft === null || draft === undefined) {
    const isNull = field.nullable && (field.required || (field.hasDefault && field.default !== null));
    return { value: isNull ? null : undefined, faults: [] };
  }
  switch (field.kind) {
    case "integer":
    case "number":
      return numberOf(field.kind, draft.trim(), pointer);
    case "choice":
      return { value: field.choices[draft]?.value, faults: [] };
    case "json":
      return jsonOf(draft, pointer);
    case "object":
      return objectOf(field, draft, pointer);
    case "map":
      return mapOf(field.item, draft, pointer);
    case "array":
      return listOf(draft, (i) => field.item(i), pointer);
    case "tuple":
      return listOf(draft, (i) => field.items[i], pointer);
    case "union":
      return read({ ...field.variants[draft.variant].field, required: true }, draft.draft, pointer);
    default:
      return { value: draft, faults: [] };
  }
}

function numberOf(kind, text, pointer) {
  if (text === "") return { value: undefined, faults: [] };
  const plain = text.replace(/(?<=\d)_(?=\d)/g, "");
  if (!NUMBER.test(plain)) {
    return { value: undefined, faults: [{ pointer, detail: kind === "integer" ? "is not a whole number" : "is not a number such as 1.5" }] };
  }
  if (/^[+-]?\d+$/.test(plain) && !Number.isSafeInteger(Number(plain))) return { value: BigInt(plain), faults: [] };
  return { value: Number(plain) + 0 || 0, faults: [] }; // -0 is 0
}

function jsonOf(text, pointer) {
  if (text.trim() === "") return { value: undefined, faults: [] };
  try {
    return { value: parse(text), faults: [] };
  } catch (problem) {
    return { value: undefined, faults: [{ pointer, detail: `is not JSON: ${problem.message}; a text stands in quotes` }] };
  }
}

function objectOf(field, draft, pointer) {
  const value = {}, faults = [];
  for (const each of field.fields) {
    const made = read(each, draft.fields[each.name], pointer + step(each.name));
    if (made.value !== undefined) define(value, each.name, made.value);
    faults.push(...made.faults);
  }
  const rest = mapOf(field.rest ?? ((name) => ({ kind: "json", name, required: true })), draft.extra ?? [], pointer);
  for (const [name, each] of Object.entries(rest.value)) define(value, name, each);
  return { value, faults: [...faults, ...rest.faults] };
}

// An own property, `__proto__` too.
const define = (target, name, value) => Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });

function mapOf(item, entries, pointer) {
  const value = {}, faults = [];
  for (const { key, draft } of entries) {
    const path = pointer + step(key);
    if (Object.hasOwn(value, key)) faults.push({ pointer: path, detail: "stands there twice" });
    const made = read({ ...item(key), required: true }, draft, path);
    define(value, key, made.value ?? null);
    faults.push(...made.faults);
  }
  return { value, faults };
}

function listOf(drafts, item, pointer) {
  const value = [], faults = [];
  drafts.forEach((draft, i) => {
    const made = read({ ...item(i), required: true }, draft, pointer + step(i));
    value.push(made.value ?? null);
    faults.push(...made.faults);
  });
  return { value, faults };
}

// The value of a whole form and its first fault at each pointer: what cannot be read, then what does not fit.
export function checked(field, draft, base = "") {
  const { value, faults } = read(field, draft, base);
  return { value: value ?? {}, faults: byPointer([...faults, ...validate(field.schema, value ?? {}, field.root, base)]) };
}

export function byPointer(faults) {
  const found = new Map();
  for (const { pointer, detail } of faults) if (!found.has(pointer)) found.set(pointer, detail);
  return found;
}
