// A job's log: its end, which follows what is written until one scrolls up.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { ask } from "../lib/api.js";
import { bytes } from "../lib/format.js";
import { Download, Empty, Panel } from "../lib/parts.js";

const MOST = 200_000; // characters shown; the whole is a link away
const NEAR = 24; // px from its end that still count as the end

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const COLOURS = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** As a terminal shows it: without the codes for colours, and of a line that was written over its last state. */
export function clean(text) {
  const plain = text.replace(COLOURS, "").replace(/\r+\n/g, "\n");
  return plain.includes("\r") ? plain.replace(/[^\n]*\r(?=[^\n])/g, "") : plain;
}

const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

export function Log({ job, handle, isActive }) {
  const [text, setText] = useState(null);
  const [problem, setProblem] = useState(null);
  const [follows, setFollows] = useState(true);
  const box = useRef(null);
  const placed = useRef(0); // where it was scrolled to last by itself
  const size = useRef(null); // bytes of it
  const busy = useRef({ running: false, due: false });

  async function renew() {
    const own = busy.current;
    if (own.running) {
      own.due = true;
      return;
    }
    own.running = true;
    try {
      const answer = await ask(`jobs/${job.id}/logs`);
      const whole = await answer.text();
      size.current = ENCODER.encode(whole).length;
      setText(whole);
      setProblem(null);
    } catch (failed) {
      setProblem(failed);
    }
    own.running = false;
    if (own.due) {
      own.due = false;
      renew();
    }
  }

  // What an event tells goes behind what is shown; what is there already is left out, and where something lies between
  // (the middle of a long log, or an answer that is on its way) the whole is asked for again.
  function add(event) {
    if (size.current === null || busy.current.running || event.at > size.current) return renew();
    const fresh = ENCODER.encode(event.text).slice(size.current - event.at);
    size.current += fresh.length;
    setText((old) => (old || "") + DECODER.decode(fresh));
  }

  handle.current = { renew, add };
  useEffect(() => {
    renew();
  }, [job.id, job.status]);
  useLayoutEffect(() => {
    const at = box.current;
    if (!follows || !at) return;
    if (at.scrollTop < placed.current - NEAR && !isAtEnd(at)) {
      setFollows(false); // somebody scrolled up, and more came before that was told
    } else {
      at.scrollTop = at.scrollHeight;
      placed.current = at.scrollTop;
    }
  }, [text, follows]);

  const scrolled = () => setFollows(isAtEnd(box.current));
  const followAgain = () => {
    placed.current = 0;
    setFollows(true);
  };
  const isLong = text !== null && text.length > MOST;
  const shown = text && clean(isLong ? text.slice(-MOST) : text);
  const actions = html`${isActive && !follows && html`<button class="quiet" onClick=${followAgain}>Follow again</button>`}
    ${isActive && follows && text && html`<span class="dim small" role="status">Following</span>`}
    ${text && html`<${Download} path=${`jobs/${job.id}/logs`} name=${`${job.id}.log`} label=${`Save, ${bytes(text.length)}`} />`}`;
  return html`<${Panel} title="Log" class="panel log" actions=${actions}>
    ${problem && html`<p class="body dim">${problem.detail || problem.message}</p>`}
    ${text === "" && html`<${Empty} title=${isActive ? "Nothing written yet" : "Nothing was written"}><p>What the task prints shows up here.</p></${Empty}>`}
    ${text && html`<pre class="text" tabindex="0" role="region" aria-label="Log" ref=${box} onScroll=${scrolled}>${isLong ? "… the end of a long log:\n" + shown : shown}</pre>`}
  </${Panel}>`;
}
