// How the whole is: what needs attention, queues, workers, and the last day.
import { html } from "../lib/html.js";
import { useTitle } from "../lib/hooks.js";

export default function Overview() {
  useTitle("Overview");
  return html`<div class="title"><h1>Overview</h1></div>`;
}
