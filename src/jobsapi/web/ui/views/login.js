// Asks for the token where the API needs one; it is kept as long as the tab is open, and sent with every request.

import { html, useState } from "../lib/html.js";
import { get, token } from "../lib/api.js";
import { useTitle } from "../lib/hooks.js";

export default function Login({ onToken }) {
  useTitle("Token");
  const [text, setText] = useState("");
  const [fault, setFault] = useState(token.get() ? "The token that this tab kept is not known any more." : "");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (!text.trim() || busy) return;
    setBusy(true);
    token.set(text.trim());
    try {
      await get("tasks");
      onToken();
    } catch (problem) {
      if (problem.status === 401) token.set("");
      setFault(problem.status === 401 ? "This token is not known." : problem.detail || problem.message);
      setBusy(false);
    }
  };
  return html`<form class="login panel" onSubmit=${submit}>
    <h1>This API asks for a token</h1>
    <div class="field ${fault ? "wrong" : ""}"><div class="field-head"><label for="token">Token</label></div>
      <input id="token" type="password" class="mono" value=${text} autocomplete="off" spellcheck=${false} autofocus aria-invalid=${Boolean(fault)}
        aria-describedby=${fault ? "token-fault token-help" : "token-help"} onInput=${(event) => { setText(event.target.value); setFault(""); }} />
      ${fault && html`<p class="fault" id="token-fault" role="alert"><span aria-hidden="true">✗ </span>${fault}</p>`}
      <p class="help" id="token-help">Where the API runs, <code>jobsapi token create</code> makes one. This tab keeps it until it is closed.</p></div>
    <div class="buttons"><button class="primary" type="submit" disabled=${busy}>${busy ? "Asking …" : "Go on"}</button></div>
  </form>`;
}
