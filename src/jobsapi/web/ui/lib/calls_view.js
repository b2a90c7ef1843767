// The same submit as curl, Python and on the command line, in tabs, with a button that copies it.

import { html, useState } from "./html.js";
import { command, curl, python } from "./calls.js";

const KINDS = [
  ["curl", "curl"],
  ["python", "Python"],
  ["command", "Command line"],
];

export function Calls({ request, schema, url, asksToken }) {
  const [kind, setKind] = useState("curl");
  const where = { url, asksToken, schema };
  const text = { curl, python, command }[kind](request, where);
  return html`<section class="calls" aria-labelledby="calls-title">
    <h2 id="calls-title">The same from elsewhere</h2>
    <div class="segments" role="group" aria-label="The kind of call">
      ${KINDS.map(([key, label]) => html`<button type="button" aria-pressed=${kind === key} onClick=${() => setKind(key)}>${label}</button>`)}
    </div>
    ${text === null ? html`<p class="help">A parameter's name cannot stand on a command line: it is empty or holds “=”.</p>`
      : html`<${Copied} text=${text} what=${KINDS.find(([key]) => key === kind)[1]} />`}
    ${asksToken && html`<p class="help">${kind === "curl" ? "It takes" : "It reads"} your token from the variable <code>JOBSAPI_TOKEN</code>.</p>`}
  </section>`;
}

export function Copied({ text, what }) {
  const [said, setSaid] = useState("");
  const onClick = async (event) => {
    const pre = event.currentTarget.parentElement.querySelector("pre");
    setSaid((await copied(text, pre)) ? "Copied" : "Select it and press Ctrl-C");
    setTimeout(setSaid, 2000, "");
  };
  return html`<div class="copied">
    <pre tabindex="0" role="region" aria-label=${what}><code>${text}</code></pre>
    <button type="button" class="small copy" onClick=${onClick}>${said || "Copy"}</button>
    <span class="hidden" role="status">${said}</span>
  </div>`;
}

async function copied(text, pre) {
  try {
    await navigator.clipboard.writeText(text); // only there on https and on this machine's own addresses
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(pre);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  }
}
