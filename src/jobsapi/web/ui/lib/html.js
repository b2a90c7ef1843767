// Preact and htm, bound together: the one place that names the vendored files.
import { h, render, Fragment, createContext } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { h, render, Fragment, createContext };
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useContext, useId } from "../vendor/hooks.js";

/** Markup as a tagged template. Every value in it is text or an attribute's value; none is ever read as markup. */
export const html = htm.bind(h);
