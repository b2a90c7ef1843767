// What a column of records holds: its type, how full it is, and a small histogram; knows no page.

// The value of a field, `outer.inner` for one inside another object.
export function valueAt(record, name) {
  if (Object.hasOwn(record, name)) return record[name];
  let found = record;
  for (const part of name.split(".")) {
    if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
    found = Object.hasOwn(found, part) ? found[part] : undefined;
  }
  return found;
}

// {count, bars: [{label, share}], text}: numbers in `most` equal ranges, anything else by its commonest values.
export function histogram(values, most = 12) {
  const present = values.filter((each) => each !== undefined && each !== null);
  if (!present.length) return { count: 0, bars: [], text: "no values" };
  if (present.every((each) => typeof each === "number" || typeof each === "bigint")) return ofNumbers(present.map(Number), most);
  return ofWords(present.map((each) => (typeof each === "string" ? each : JSON.stringify(each, (_, its) => (typeof its === "bigint" ? String(its) : its)))), most);
}

function ofNumbers(values, most) {
  let low = Infinity, high = -Infinity;
  for (const each of values) {
    low = Math.min(low, each);
    high = Math.max(high, each);
  }
  const bins = low === high ? 1 : most, counts = new Array(bins).fill(0), width = (high - low) / bins || 1;
  for (const each of values) counts[Math.min(bins - 1, Math.floor((each - low) / width))]++;
  const top = Math.max(...counts);
  const bars = counts.map((count, i) => ({ label: `${told(low + i * width)} to ${told(low + (i + 1) * width)}: ${count}`, share: count / top }));
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  return { count: values.length, bars, low, high, text: low === high ? `always ${told(low)}` : `${told(low)} to ${told(high)}, mean ${told(mean)}` };
}

function ofWords(values, most) {
  const counts = new Map();
  for (const each of values) counts.set(each, (counts.get(each) ?? 0) + 1);
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  const top = sorted[0][1], shown = sorted.slice(0, most);
  const bars = shown.map(([word, count]) => ({ label: `${brief(word)}: ${count}`, share: count / top }));
  const different = sorted.length === 1 ? `always ${brief(sorted[0][0])}` : sorted.length === values.length ? `${sorted.length} values, all different` : `${sorted.length} different values, mostly ${brief(sorted[0][0])}`;
  return { count: values.length, bars, text: different };
}

// The same of what the API counted: of numbers alone, or of words alone; null for what is both or could not be counted.
export function counted({ total, numbers, values }) {
  if (numbers && !values) {
    const { low, high, counts } = numbers, width = (high - low) / counts.length, top = Math.max(...counts);
    const bars = counts.map((count, i) => ({ label: `${told(low + i * width)} to ${told(low + (i + 1) * width)}: ${count}`, share: count / top }));
    const text = low === high ? `always ${told(low)}` : `between ${told(low)} and ${told(high)}`; // what is found may not reach them
    return { count: total, bars, low, high, text };
  }
  if (!values || numbers) return null;
  const { different, top } = values, [first, most] = top[0];
  const bars = top.map(([word, count]) => ({ label: `${brief(word)}: ${count}`, share: count / most }));
  const text = different === 1 ? `always ${brief(first)}` : most === 1 ? `${different} values, all different` : `${different} different values, mostly ${brief(first)}`;
  return { count: total, bars, text };
}

const brief = (word) => (word.length > 40 ? `${word.slice(0, 39)}…` : word);
const told = (value) => String(Number(value.toPrecision(4)));

// Which of the tasks can start from chosen records, and with which parameters:
// [{task, params, how}]. `rows`: [{position, id}], position null where it is not known.
export function startsFrom(tasks, rows, dataset) {
  const positions = rows.map((each) => each.position), ids = rows.map((each) => each.id);
  const isKnown = positions.every((each) => each !== null), hasIds = ids.every((each) => each !== null && each !== undefined);
  const found = [];
  for (const task of tasks) {
    const properties = task.schema.properties ?? {}, more = "dataset" in properties ? { dataset } : {};
    const list = ["ids", "id", "records", "rows"].find((name) => isList(properties[name]));
    if (list && hasIds && ["ids", "id"].includes(list)) found.push({ task: task.name, params: { [list]: ids, ...more }, how: ids.length === 1 ? "1 id" : `${ids.length} ids` });
    else if ("start" in properties && "end" in properties && isKnown) {
      const start = Math.min(...positions), end = Math.max(...positions) + 1;
      const gap = end - start - positions.length;
      found.push({ task: task.name, params: { start, end, ...more }, how: `records ${start} to ${end - 1}${gap ? `, ${gap} between them too` : ""}` });
    }
  }
  return found;
}

const isList = (schema) => schema?.type === "array" || schema?.anyOf?.some((each) => each.type === "array");
