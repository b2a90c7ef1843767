// Whether a value fits a JSON Schema, and where not, in words for a person; knows no page.
// What is left to the server: patterns that only Python reads, `$dynamicRef` and other rarities of the standard.

import { isSame, step } from "./json.js";
import { matches, number, resolved } from "./schema.js";

const DEEPEST = 60;

// [{pointer, detail}]; empty: it fits.
export function validate(schema, value, root = schema, pointer = "", depth = 0) {
  if (schema === false) return [{ pointer, detail: "is not allowed" }];
  if (typeof schema !== "object" || schema === null || depth > DEEPEST) return [];
  const own = resolved(schema, root);
  const wrong = typeFault(own, value);
  if (wrong) return [{ pointer, detail: wrong }];
  const sentence = scalarFault(own, value);
  const faults = sentence ? [{ pointer, detail: sentence }] : [];
  const inner = (part, its, path) => validate(part, its, root, path, depth + 1);
  for (const part of own.allOf ?? []) faults.push(...inner(part, value, pointer));
  faults.push(...severalFaults(own, value, root, pointer, inner));
  if (Array.isArray(value)) faults.push(...listFaults(own, value, pointer, inner));
  else if (kindOf(value) === "object") faults.push(...objectFaults(own, value, pointer, inner));
  return faults;
}

export function kindOf(value) {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint") return "integer";
  return typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value;
}

const NAMES = { integer: "a whole number", number: "a number", boolean: "true or false", string: "a text", array: "a list",
  object: "an object", null: "null" };

function typeFault(own, value) {
  if (own.type === undefined) return "";
  const types = [own.type].flat(), kind = kindOf(value);
  if (types.includes(kind) || (kind === "integer" && types.includes("number"))) return "";
  return `is not ${types.map((each) => NAMES[each] ?? each).join(" or ")}`;
}

function scalarFault(own, value) {
  if ("const" in own && !isSame(own.const, value)) return `is ${JSON.stringify(own.const)} and nothing else`;
  if (own.enum && !own.enum.some((each) => isSame(each, value))) {
    return `is one of ${own.enum.map((each) => JSON.stringify(each)).join(", ")}`;
  }
  if (typeof value === "number" || typeof value === "bigint") return numberFault(own, value);
  return typeof value === "string" ? textFault(own, value) : "";
}

function numberFault(own, value) {
  if (typeof value === "number" && !Number.isFinite(value)) return "is too large a number";
  if (value < own.minimum) return `is ${number(own.minimum)} or more`;
  if (value > own.maximum) return `is ${number(own.maximum)} or less`;
  if (value <= own.exclusiveMinimum) return `is more than ${number(own.exclusiveMinimum)}`;
  if (value >= own.exclusiveMaximum) return `is less than ${number(own.exclusiveMaximum)}`;
  const isWhole = own.type === "integer" && (value < -(2n ** 63n) || value >= 2n ** 64n);
  if (isWhole) return "has at most 64 bits";
  if (own.multipleOf !== undefined && !isMultiple(value, own.multipleOf)) return `is a multiple of ${own.multipleOf}`;
  return "";
}

function isMultiple(value, of) {
  if (typeof value === "bigint") return Number.isInteger(of) ? value % BigInt(of) === 0n : true;
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function textFault(own, value) {
  const length = [...value].length;
  if (length < own.minLength) return own.minLength === 1 ? "is empty" : `has ${number(own.minLength)} characters or more`;
  if (length > own.maxLength) return `has at most ${number(own.maxLength)} characters, and now ${number(length)}`;
  if (own.pattern !== undefined && !matches(own.pattern, value)) return `does not match ${own.pattern}`;
  return formatFault(own.format, value);
}

const TIME = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?`, ZONE = String.raw`([Zz]|[+-]\d{2}:?\d{2})?`;
const FORMATS = {
  date: [(text) => isDate(text), "is a date such as 2026-01-31"],
  "date-time": [(text) => isDate(text.slice(0, 10)) && new RegExp(`^[Tt ]${TIME}${ZONE}$`).test(text.slice(10)), "is a time such as 2026-01-31T12:00:00Z"],
  time: [(text) => new RegExp(`^${TIME}${ZONE}$`).test(text), "is a time of day such as 12:30:00"],
  duration: [(text) => /^[+-]?P(?!$)(\d+(\.\d+)?[YMWD])*(T(\d+(\.\d+)?[HMS])+)?$/.test(text), "is a duration such as PT1H30M"],
  uuid: [(text) => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text), "is a UUID"],
  email: [(text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text), "is an e-mail address"],
  uri: [(text) => /^[a-z][a-z0-9+.-]*:\S+$/i.test(text), "is an address, https://…"],
};

function formatFault(format, value) {
  const [fits, sentence] = FORMATS[format] ?? [];
  return fits && !fits(value) ? sentence : "";
}

function isDate(text) {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const made = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return year !== undefined && made.getUTCDate() === Number(day) && made.getUTCMonth() + 1 === Number(month);
}

function severalFaults(own, value, root, pointer, inner) {
  const choices = own.anyOf ?? own.oneOf;
  if (!choices) return [];
  const tried = choices.map((each) => inner(each, value, pointer));
  if (tried.some((each) => !each.length)) return [];
  const named = own.discriminator?.propertyName;
  const meant = choices.findIndex((each, i) => {
    const its = resolved(each, root);
    return named ? isSame(resolved(its.properties?.[named], root).const, value?.[named]) : !typeFault(its, value) && tried[i].length;
  });
  if (meant >= 0) return tried[meant];
  return [{ pointer, detail: together(tried.flat().filter((each) => each.pointer === pointer)) }];
}

// `is not a number or a text`, of what each of several choices says.
function together(faults) {
  const told = [...new Set(faults.map((each) => each.detail))];
  const kinds = told.filter((each) => each.startsWith("is not ")).map((each) => each.slice("is not ".length));
  const others = told.filter((each) => !each.startsWith("is not "));
  return [...(kinds.length ? [`is not ${kinds.join(" or ")}`] : []), ...others].join(", or ") || "fits none of what may stand here";
}

function listFaults(own, value, pointer, inner) {
  const faults = [];
  if (value.length < own.minItems) faults.push({ pointer, detail: own.minItems === 1 ? "is empty" : `has ${number(own.minItems)} values or more` });
  if (value.length > own.maxItems) faults.push({ pointer, detail: `has at most ${number(own.maxItems)} values` });
  if (own.uniqueItems && value.some((each, i) => value.slice(0, i).some((other) => isSame(each, other)))) {
    faults.push({ pointer, detail: "holds a value twice" });
  }
  value.forEach((each, i) => {
    const its = own.prefixItems?.[i] ?? own.items;
    if (its !== undefined) faults.push(...inner(its, each, pointer + step(i)));
  });
  return faults;
}

function objectFaults(own, value, pointer, inner) {
  const faults = [];
  for (const name of own.required ?? []) {
    if (value[name] === undefined) faults.push({ pointer: pointer + step(name), detail: "is required" });
  }
  const count = Object.keys(value).length;
  if (count < own.minProperties) faults.push({ pointer, detail: `has ${number(own.minProperties)} entries or more` });
  if (count > own.maxProperties) faults.push({ pointer, detail: `has at most ${number(own.maxProperties)} entries` });
  for (const [name, each] of Object.entries(value)) {
    if (each === undefined) continue;
    const path = pointer + step(name);
    if (own.propertyNames) faults.push(...inner(own.propertyNames, name, path).map((fault) => ({ ...fault, detail: `its name ${fault.detail}` })));
    const known = Object.hasOwn(own.properties ?? {}, name) ? [own.properties[name]] : [];
    for (const [pattern, its] of Object.entries(own.patternProperties ?? {})) if (matches(pattern, name)) known.push(its);
    if (!known.length && own.additionalProperties === false) faults.push({ pointer: path, detail: "is not a parameter" });
    else if (!known.length && own.additionalProperties) faults.push(...inner(own.additionalProperties, each, path));
    for (const its of known) faults.push(...inner(its, each, path));
  }
  return faults;
}
