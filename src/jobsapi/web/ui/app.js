// The page's frame: its navigation, and the view that the address names. A view is a module that is loaded when it is
// first shown; its default export is a component that gets `route` ({ path, query }).
import { html, render, useEffect, useRef, useState } from "./lib/html.js";
import { Dialogs } from "./lib/dialog.js";
import { Toasts } from "./lib/toast.js";
import { Trouble } from "./lib/parts.js";
import { useRoute } from "./lib/router.js";
import { useConnection, useKey, useTitle } from "./lib/hooks.js";
import { onTokenAsked } from "./lib/api.js";

const VIEWS = [
  { name: "overview", label: "Overview", load: () => import("./views/overview.js") },
  { name: "jobs", label: "Jobs", load: () => import("./views/jobs.js"), one: () => import("./views/job.js") },
  { name: "submit", label: "Submit", load: () => import("./views/submit.js") },
  { name: "data", label: "Data", load: () => import("./views/data.js") },
  { name: "batches", label: "Batches", load: () => import("./views/batches.js") },
  { name: "schedules", label: "Schedules", load: () => import("./views/schedules.js") },
];
const LOGIN = () => import("./views/login.js"); // asks for a token; it calls `onToken` once the API takes it

const loaded = new Map();

function useView(load) {
  const [view, set] = useState({ load: null });
  useEffect(() => {
    if (!load || loaded.has(load)) return;
    load().then(
      (module) => {
        loaded.set(load, module.default);
        set({ load });
      },
      () => set({ load, failed: true }),
    );
  }, [load]);
  return { View: loaded.get(load), failed: view.load === load && view.failed };
}

function chosen(route) {
  const name = route.path[0] || "overview";
  const entry = VIEWS.find((each) => each.name === name);
  if (!entry) return { name };
  return { name, load: route.path[1] && entry.one ? entry.one : entry.load };
}

const CONNECTION = {
  starting: ["", "Connecting"],
  live: ["live", "Live"],
  polling: ["polling", "Every 2 s"],
  reconnecting: ["lost", "Reconnecting"],
};

function Connection() {
  const [kind, text] = CONNECTION[useConnection()] || [];
  if (!text) return null;
  return html`<span class="connection ${kind}" role="status"><span class="dot" aria-hidden="true"></span>${text}</span>`;
}

const THEMES = ["", "light", "dark"];
const THEME_KEY = "jobsapi.theme";

function Theme() {
  const [theme, set] = useState(localStorage.getItem(THEME_KEY) || "");
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem(THEME_KEY, theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  return html`<button class="quiet theme" title="Colours: ${theme || "as the system"}" aria-label="Colours: ${theme || "as the system"}. Change to ${next || "as the system"}" onClick=${() => set(next)}>
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" /><path d=${theme === "light" ? "" : theme === "dark" ? "M8 2a6 6 0 0 1 0 12 6 6 0 0 1 0-12Z" : "M8 2a6 6 0 0 1 0 12Z"} fill="currentColor" /></svg>
  </button>`;
}

function Nav({ current }) {
  const box = useRef(null);
  useEffect(() => {
    const link = box.current && box.current.querySelector("[aria-current]");
    if (link) box.current.scrollLeft = link.offsetLeft - 24;
  }, [current]);
  return html`<nav aria-label="Views" ref=${box}>
    ${VIEWS.map((each) => html`<a href="#/${each.name === "overview" ? "" : each.name}" aria-current=${current === each.name ? "page" : undefined}>${each.label}</a>`)}
  </nav>`;
}

function Missing({ name }) {
  useTitle("Not found");
  return html`<h1>There is no page called “${name}”</h1><p><a href="#/">To the overview</a></p>`;
}

/** After a step to another view the keyboard and readers begin at its title. */
function useFocusOnStep(main, key) {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current && main.current) {
      main.current.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [key]);
}

function App() {
  const route = useRoute();
  const main = useRef(null);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => onTokenAsked(() => setAsked(true)), []);
  const { name, load } = chosen(route);
  const { View, failed } = useView(isAsked && LOGIN ? LOGIN : load);
  useFocusOnStep(main, route.path.join("/"));
  useKey("/", () => {
    const field = document.querySelector("[data-filter]");
    if (field) field.focus();
  });
  const skip = (event) => {
    event.preventDefault();
    main.current.focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="#/"><svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#4353d8" /><path d="M9 10h14M9 16h9M9 22h5" stroke="#fff" stroke-width="3" stroke-linecap="round" /></svg>jobsapi</a>
      <${Nav} current=${name} />
      <div class="side"><${Connection} /><a href="docs" class="docs">API docs</a><${Theme} /></div>
    </header>
    <main id="main" ref=${main} tabindex="-1">
      ${
        !load
          ? html`<${Missing} name=${name} />`
          : failed
            ? html`<${Trouble} problem=${{ title: "This part of the page did not load", detail: "The API is away, or was renewed meanwhile." }} again=${() => location.reload()} />`
            : View
              ? html`<${View} key=${route.path.slice(0, 2).join("/")} route=${route} onToken=${() => setAsked(false)} />`
              : null
      }
    </main>
    <${Toasts} /><${Dialogs} />
  `;
}

render(html`<${App} />`, document.getElementById("app"));
