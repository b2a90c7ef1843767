// What views share: asking the API again and again, the time that goes on, the page's title.
import { useEffect, useRef, useState, useCallback } from "./html.js";
import { onState } from "./live.js";

/** What `load(signal)` gives, and whenever `again()` is called what it gives then: never two at a time, and never more
 * often than every `least` ms, or four times as long as the last one took. → { data, problem, loading, again } */
export function useAsk(load, deps = [], { least = 1000 } = {}) {
  const [state, set] = useState({ data: null, problem: null, loading: true });
  const run = useRef(null);
  useEffect(() => {
    const abort = new AbortController();
    const own = { busy: false, due: false, timer: 0, pause: 0 };
    set((old) => ({ ...old, loading: true }));
    own.go = async () => {
      if (own.busy || own.timer) {
        own.due = true;
        return;
      }
      own.busy = true;
      own.due = false;
      const from = performance.now();
      try {
        const data = await load(abort.signal);
        if (!abort.signal.aborted) set({ data, problem: null, loading: false });
      } catch (problem) {
        if (!abort.signal.aborted) set((old) => ({ data: old.data, problem, loading: false }));
      }
      own.busy = false;
      if (abort.signal.aborted) return;
      own.timer = setTimeout(() => {
        own.timer = 0;
        if (own.due) own.go();
      }, Math.max(least, 4 * (performance.now() - from)));
    };
    run.current = own;
    own.go();
    return () => {
      abort.abort();
      clearTimeout(own.timer);
    };
  }, deps);
  const again = useCallback(() => run.current && run.current.go(), []);
  return { ...state, again };
}

/** The time in ms, renewed every `every` ms while the page is seen; `every` 0: not renewed. */
export function useNow(every = 1000) {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => document.hidden || set(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · jobsapi` : "jobsapi";
  }, [title]);
}

/** `starting`, `live`, `polling` or `reconnecting`; `idle` where nothing is followed. */
export function useConnection() {
  const [state, set] = useState("idle");
  useEffect(() => onState(set), []);
  return state;
}

/** A key pressed anywhere but in a field calls `on`. */
export function useKey(key, on) {
  const latest = useRef(on);
  latest.current = on;
  useEffect(() => {
    const pressed = (event) => {
      const isField = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
      if (event.key !== key || isField || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      latest.current(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [key]);
}
