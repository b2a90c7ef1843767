// The fields of a form, made from a JSON Schema as pydantic writes it; knows no page.
//
// A field: {kind, name, title, help, schema, root, required, nullable, hasDefault, default} and, by its kind,
//   text (format, isLong) · integer · number · boolean · choice (choices: [{label, value}]) · const (value)
//   object (fields, rest: a function that makes the field of another name, or null) · map (item(name))
//   array (item(i)) · tuple (items, rest) · union (variants) · json (anything, as JSON text)

const DEEPEST = 8; // a schema that holds itself is JSON text from there on

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// The schema that `$ref` and a lone `allOf` lead to, with what stands beside them on top.
export function resolved(schema, root) {
  let found = isObject(schema) ? schema : {};
  for (let i = 0; i < 20 && (found.$ref !== undefined || found.allOf?.length === 1); i++) {
    const { $ref, allOf, ...beside } = found;
    const inner = $ref !== undefined ? target($ref, root) : allOf[0];
    found = { ...(isObject(inner) ? inner : {}), ...beside };
    if ($ref !== undefined && allOf) found.allOf = allOf;
  }
  return found;
}

function target(ref, root) {
  let found = root;
  for (const part of String(ref).replace(/^#\/?/, "").split("/").filter(Boolean)) {
    found = found?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return found;
}

// The schema without null, and whether null was among what fits.
function withoutNull(schema, root) {
  for (const key of ["anyOf", "oneOf"]) {
    if (!Array.isArray(schema[key])) continue;
    const rest = schema[key].filter((each) => resolved(each, root).type !== "null");
    if (rest.length === schema[key].length) continue;
    const { [key]: _, ...outer } = schema;
    return [rest.length === 1 ? { ...resolved(rest[0], root), ...outer } : { ...outer, [key]: rest }, true];
  }
  if (Array.isArray(schema.type) && schema.type.includes("null")) {
    const rest = schema.type.filter((each) => each !== "null");
    return [{ ...schema, type: rest.length === 1 ? rest[0] : rest }, true];
  }
  if (Array.isArray(schema.enum) && schema.enum.includes(null)) {
    return [{ ...schema, enum: schema.enum.filter((each) => each !== null) }, true];
  }
  return [schema, false];
}

export function fieldOf(schema, root = schema, name = "", { required = true, depth = 0 } = {}) {
  const whole = resolved(schema, root);
  const [own, nullable] = withoutNull(whole, root);
  const inner = resolved(own, root);
  const field = {
    name,
    root,
    required,
    nullable,
    schema: whole,
    title: name || whole.title || "",
    help: whole.description ?? inner.description ?? "",
    hasDefault: "default" in whole,
    default: whole.default,
    example: whole.examples?.[0] ?? inner.examples?.[0],
  };
  return Object.assign(field, kindOf(inner, root, depth), { own: inner });
}

// The field of a task's parameters as a whole: an object, also where it takes any.
export function formOf(schema) {
  const field = fieldOf(schema);
  return field.kind === "map" ? { ...field, kind: "object", fields: [], rest: field.item } : field;
}

function kindOf(own, root, depth) {
  if (depth > DEEPEST) return { kind: "json" };
  if ("const" in own) return { kind: "const", value: own.const };
  if (Array.isArray(own.enum)) return { kind: "choice", choices: own.enum.map((value) => ({ label: told(value), value })) };
  const several = variantsOf(own);
  if (several) return { kind: "union", variants: variants(several, root, depth) };
  switch (own.type ?? implied(own)) {
    case "string":
      return { kind: "text", format: own.format ?? "", isLong: own.format ? own.format === "multiline" : own.maxLength > 200 };
    case "integer":
    case "number":
    case "boolean":
      return { kind: own.type };
    case "array":
      return arrayOf(own, root, depth);
    case "object":
      return objectOf(own, root, depth);
    default:
      return { kind: "json" };
  }
}

const told = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const implied = (own) => (own.properties ? "object" : own.items || own.prefixItems ? "array" : undefined);

function variantsOf(own) {
  const several = own.anyOf ?? own.oneOf;
  if (Array.isArray(several) && several.length) {
    const { anyOf, oneOf, default: _, title, description, discriminator, ...beside } = own;
    return several.map((each) => (Object.keys(beside).length ? { ...beside, ...each } : each));
  }
  if (Array.isArray(own.type)) return own.type.map((type) => ({ ...own, type, title: undefined }));
  return null;
}

function variants(several, root, depth) {
  return several.map((each) => {
    const field = fieldOf(each, root, "", { depth: depth + 1 });
    return { label: labelOf(field), field };
  });
}

const KINDS = { text: "text", integer: "whole number", number: "number", boolean: "yes or no", array: "list",
  tuple: "list", object: "object", map: "object", json: "JSON", choice: "choice", union: "other" };

function labelOf(field) {
  if (field.kind === "const") return told(field.value);
  if (field.kind === "choice" && field.choices.length < 4) return field.choices.map((each) => each.label).join(" / ");
  const title = field.kind === "object" || field.kind === "map" ? resolved(field.schema, field.root).title : "";
  if (title) return title;
  if (field.kind === "array") return `list of ${labelOf(field.item(0))}s`.replace(/(JSON|list|other)s$/, "$1");
  return field.kind === "text" && field.format ? field.format : KINDS[field.kind];
}

function arrayOf(own, root, depth) {
  const rest = own.items === false ? null : (i) => fieldOf(own.items ?? {}, root, String(i), { depth: depth + 1 });
  if (!Array.isArray(own.prefixItems)) return { kind: "array", item: rest ?? ((i) => fieldOf({}, root, String(i))) };
  const items = own.prefixItems.map((each, i) => fieldOf(each, root, String(i), { depth: depth + 1 }));
  return { kind: "tuple", items };
}

function objectOf(own, root, depth) {
  const open = own.additionalProperties;
  const rest = (name) => {
    const pattern = Object.entries(own.patternProperties ?? {}).find(([key]) => matches(key, name));
    return fieldOf(pattern?.[1] ?? (isObject(open) ? open : {}), root, name, { depth: depth + 1 });
  };
  const names = Object.keys(own.properties ?? {});
  if (!names.length) return open === false && !own.patternProperties ? { kind: "object", fields: [], rest: null } : { kind: "map", item: rest };
  const needed = new Set(own.required ?? []);
  const fields = names.map((name) => fieldOf(own.properties[name], root, name, { required: needed.has(name), depth: depth + 1 }));
  return { kind: "object", fields, rest: open === true || isObject(open) ? rest : null };
}

export function matches(pattern, text) {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags).test(text);
    } catch {
      continue; // an escape that is none to the stricter reading
    }
  }
  return true; // a pattern of Python's own: the server knows
}

// What a field's value may be, in words: `a whole number from 1 to 10`.
export function limitsOf({ own, kind }) {
  const low = own.minimum ?? own.exclusiveMinimum, high = own.maximum ?? own.exclusiveMaximum;
  const from = own.minimum === undefined && low !== undefined ? `above ${number(low)}` : low !== undefined ? `from ${number(low)}` : "";
  const to = own.maximum === undefined && high !== undefined ? `below ${number(high)}` : high !== undefined ? `${from && own.minimum !== undefined ? "to" : "at most"} ${number(high)}` : "";
  const parts = [];
  if (kind === "integer" || kind === "number") {
    const range = [from, to].filter(Boolean).join(" ");
    parts.push((kind === "integer" ? "whole number" : "number") + (range ? ` ${range}` : ""));
    if (own.multipleOf !== undefined && own.multipleOf !== 1) parts.push(`a multiple of ${own.multipleOf}`);
  }
  if (kind === "text") {
    if (own.minLength > 1 || own.maxLength !== undefined) parts.push(sizes(own.minLength, own.maxLength, "characters"));
    if (own.format && own.format !== "password" && own.format !== "multiline") parts.push(FORMATS[own.format] ?? own.format);
  }
  if (kind === "array" && (own.minItems !== undefined || own.maxItems !== undefined)) {
    parts.push(sizes(own.minItems, own.maxItems, "values"));
  }
  if (kind === "array" && own.uniqueItems) parts.push("all different");
  return parts.join(", ");
}

const FORMATS = { date: "a date", "date-time": "a time such as 2026-01-31T12:00:00Z", time: "a time of day such as 12:30:00",
  duration: "a duration such as PT1H30M", uuid: "a UUID", email: "an e-mail address", uri: "an address, https://…" };

function sizes(low, high, what) {
  if (low === high) return `${number(low)} ${what}`;
  if (high === undefined) return `at least ${number(low)} ${what}`;
  return low ? `${number(low)} to ${number(high)} ${what}` : `at most ${number(high)} ${what}`;
}

export const number = (value) => (Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toLocaleString("en-US") : String(value));
