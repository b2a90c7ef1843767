// JSON as it is: integers beyond 2^53 stay whole (as BigInt), and are written back so.

export const parse = (text) =>
  JSON.parse(text, (_, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context.source)
      : value,
  );

// A value as JSON text on one line, `{"a": 1, "b": [2]}`; with `indent` over several lines.
export function dumps(value, indent = 0, at = "") {
  if (typeof value === "bigint") return String(value);
  if (value === undefined) return "null";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const inner = at + " ".repeat(indent);
  const parts = Array.isArray(value)
    ? value.map((each) => dumps(each, indent, inner))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${dumps(each, indent, inner)}`);
  if (!parts.length) return open + close;
  return indent ? `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${at}${close}` : open + parts.join(", ") + close;
}

export function isSame(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && isSame(one[name], other[name]));
}

// A step of a JSON pointer (RFC 6901).
export const step = (name) => "/" + String(name).replaceAll("~", "~0").replaceAll("/", "~1");
