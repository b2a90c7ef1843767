// Why a job did not complete: the error, the user's own frames with the innermost first, and what to try.
import { html } from "../lib/html.js";
import { Copy, Note, Panel } from "../lib/parts.js";

const FRAME = /^ {2}File "(.+)", line (\d+), in (.+)$/;
const ELSEWHERE = /site-packages|dist-packages|^<frozen|\/lib\/python3/;

/** The frames of the last exception of a traceback: [{file, line, name, code, isOwn}], outermost first. */
export function frames(traceback) {
  const found = [];
  let open = null;
  for (const line of traceback.split("\n")) {
    const [, file, number, name] = FRAME.exec(line) || [];
    if (line.startsWith("Traceback ")) found.length = 0;
    if (file) {
      open = { file, line: Number(number), name, code: "", isOwn: !ELSEWHERE.test(file) };
      found.push(open);
    } else if (open && /^ {4}\S/.test(line) && !/^ +[~^ ]+$/.test(line) && !open.code) open.code = line.trim();
    else if (!line.startsWith("    ")) open = null;
  }
  return found;
}

const MOST_FRAMES = 6;

export function Failure({ job }) {
  if (job.status !== "failed" && job.status !== "cancelled" && !job.error) return null;
  if (!job.error) {
    if (!job.advice) return null;
    return html`<${Note} kind=${job.status === "failed" ? "bad" : ""}><strong>${job.status}${job.reason && job.reason !== job.status ? ` (${job.reason})` : ""}</strong><p>${job.advice}</p></${Note}>`;
  }
  const { type, message, traceback = "" } = job.error;
  const own = frames(traceback).filter((frame) => frame.isOwn).reverse();
  return html`<${Panel} title="Error" class="panel failure" actions=${traceback && html`<${Copy} text=${traceback} label="Copy traceback" />`}>
    <div class="body">
      <p class="message"><strong>${type}</strong>${message && html`: <span>${message}</span>`}</p>
      ${job.advice && html`<p class="advice">${job.advice}</p>`}
      ${own.length > 0 && html`<ol class="frames" aria-label="Where, innermost first">${own.slice(0, MOST_FRAMES).map((frame) => html`<li>
        <span class="where"><span class="mono">${short(frame.file)}:${frame.line}</span> in <span class="mono">${frame.name}</span></span>
        ${frame.code && html`<code>${frame.code}</code>`}
      </li>`)}</ol>`}
      ${traceback && html`<details open=${own.length === 0}><summary>Whole traceback</summary><pre class="text">${traceback}</pre></details>`}
    </div>
  </${Panel}>`;
}

/** The last two parts of a path. */
const short = (file) => file.split("/").slice(-2).join("/");
