// Asks before something that cannot be undone: the browser's own modal dialog, so that keys and readers know it.
import { html, useEffect, useRef, useState } from "./html.js";

let open = null;

/** Ask; true where the person agreed. `danger` marks what cannot be undone. */
export function confirm({ title, text = "", yes = "Yes", no = "Keep", danger = false }) {
  return new Promise((resolve) => open && open({ title, text, yes, no, danger, resolve }));
}

export function Dialogs() {
  const [asked, set] = useState(null);
  const box = useRef(null);
  useEffect(() => {
    open = set;
    return () => {
      open = null;
    };
  }, []);
  useEffect(() => {
    if (asked && box.current && !box.current.open) box.current.showModal();
  }, [asked]);
  if (!asked) return null;
  const answer = (value) => {
    box.current.close();
    set(null);
    asked.resolve(value);
  };
  return html`<dialog ref=${box} aria-labelledby="dialog-title" onCancel=${(event) => {
    event.preventDefault();
    answer(false);
  }}>
    <h2 id="dialog-title">${asked.title}</h2>
    ${[].concat(asked.text).filter(Boolean).map((line) => html`<p>${line}</p>`)}
    <div class="buttons"><button onClick=${() => answer(false)}>${asked.no}</button><button class=${asked.danger ? "danger" : "primary"} onClick=${() => answer(true)}>${asked.yes}</button></div>
  </dialog>`;
}
