// Sends a file to `POST /data` and tells how far it is: XMLHttpRequest, because fetch tells nothing of an upload.

import { Problem, address, query, token } from "./api.js";

const TYPES = { csv: "text/csv", json: "application/json", geojson: "application/json", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson" };
const SAMPLE = 256 * 1024;

// {type, isPacked}: by the file's name, else by what the browser says of it.
export function kindOfFile(name, type = "") {
  const isPacked = /\.gz$/i.test(name), inner = name.replace(/\.gz$/i, "").split(".").pop().toLowerCase();
  return { type: TYPES[inner] ?? (type && !isPacked ? type : "application/octet-stream"), isPacked };
}

// How many bytes a record takes, by the file's beginning; null where lines are no records.
export async function bytesPerRow(file) {
  const { type, isPacked } = kindOfFile(file.name, file.type);
  if (isPacked || !["text/csv", "application/x-ndjson"].includes(type)) return null;
  const some = new Uint8Array(await file.slice(0, SAMPLE).arrayBuffer());
  const lines = some.reduce((count, each) => count + (each === 10), 0);
  return lines ? some.length / lines : null;
}

// `onProgress({sent, total, seconds})` as bytes go out. → {done: a promise of {dataset, loaded, total}, cancel()}
export function upload(file, { dataset, id, records }, onProgress) {
  const request = new XMLHttpRequest(), begun = performance.now();
  const { type, isPacked } = kindOfFile(file.name, file.type);
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress({ sent: event.loaded, total: event.total, seconds: (performance.now() - begun) / 1000 });
    request.onload = () => (request.status === 201 ? resolve({ ...JSON.parse(request.responseText), seconds: (performance.now() - begun) / 1000 }) : reject(refused(request)));
    request.onerror = () => reject(new Problem(0, { title: "The upload broke off", detail: "Nothing was loaded. Is the API still running, or is the file too large for a proxy before it?" }));
    request.onabort = () => reject(new Problem(0, { type: "aborted", title: "Stopped", detail: "Nothing was loaded." }));
  });
  request.open("POST", address("data" + query({ dataset, id, records })));
  request.setRequestHeader("Content-Type", type);
  if (isPacked) request.setRequestHeader("Content-Encoding", "gzip");
  if (token.get()) request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
  request.send(file);
  return { done, cancel: () => request.abort() };
}

function refused(request) {
  try {
    return new Problem(request.status, JSON.parse(request.responseText));
  } catch {
    return new Problem(request.status, { title: request.statusText || "The upload failed", detail: request.responseText.slice(0, 500) });
  }
}
