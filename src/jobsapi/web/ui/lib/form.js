// What a form keeps beside its drafts: which faults are shown, where the focus goes, what the server said.

import { useRef, useState } from "./html.js";

const PAUSE = 500; // ms after a keystroke until a fault is told: nobody is corrected in the middle of a word

let forms = 0;

// `faults`: the map of faults that the page found itself, by pointer.
export function useForm() {
  const [id] = useState(() => `form${++forms}`);
  const [touched, setTouched] = useState(() => new Set());
  const [isTried, setTried] = useState(false);
  const [told, setTold] = useState(() => new Map());
  const timers = useRef(new Map());
  const touch = (pointer) => setTouched((before) => (before.has(pointer) ? before : new Set(before).add(pointer)));
  const forget = (pointer) => setTold((before) => without(before, pointer));
  const form = {
    id,
    told,
    touch,
    isTried,
    typed(pointer) {
      clearTimeout(timers.current.get(pointer));
      timers.current.set(pointer, setTimeout(touch, PAUSE, pointer));
      if (told.size) forget(pointer);
    },
    forget,
    // every fault is shown from now on; `problem`: the document of what the server refused
    tried(problem = null) {
      setTried(true);
      setTold(new Map((problem?.errors ?? []).map((each) => [each.pointer, each.detail])));
    },
    reset() {
      setTried(false);
      setTouched(new Set());
      setTold(new Map());
    },
    focus(pointer) {
      const name = (id + pointer).replace(/\s/g, "_");
      soon(() => controlOf(document.getElementById(`${name}!group`) ?? document.getElementById(name)));
    },
    fault: () => undefined,
    // the same form, showing these faults of the page's own
    showing(faults, lists = {}) {
      const isShown = (pointer) => isTried || touched.has(pointer);
      const fault = (pointer, isDeep = false) =>
        told.get(pointer) ?? (isDeep ? below(told, pointer) : undefined) ?? (isShown(pointer) ? faults.get(pointer) ?? (isDeep ? below(faults, pointer) : undefined) : undefined);
      return { ...form, fault, lists };
    },
  };
  return form;
}

const without = (faults, pointer) => new Map([...faults].filter(([key]) => key !== pointer && !key.startsWith(`${pointer}/`)));

// The fault of something inside a value that is shown as one text.
function below(faults, pointer) {
  for (const [key, detail] of faults) if (key.startsWith(`${pointer}/`)) return `${key.slice(pointer.length)} ${detail}`;
  return undefined;
}

// A text field rather than a button; the element itself where it is one.
function controlOf(found) {
  return found?.matches("input, select, textarea, button") ? found : (found?.querySelector("input, select, textarea") ?? found?.querySelector("button"));
}

// Focus what `find` gives once it is there: the page is drawn a little after it was told to.
function soon(find, left = 10) {
  requestAnimationFrame(() => {
    const found = find();
    if (found) found.focus();
    else if (left) soon(find, left - 1);
  });
}

// The first control that is shown as wrong.
export function focusFirstFault(root) {
  soon(() => controlOf(root?.querySelector(".wrong")));
}
