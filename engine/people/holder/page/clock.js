// The time that codes are made for. A gate accepts a step either side of its own clock, so a phone's clock that is off by
// a minute makes its code useless: the authority's time is used where it is known, and the holder is told.

/** From how far off a clock is told of, ms. */
export const OFF_MS = 20_000;
/** A leap of the clock that is no delay of a timer, ms. */
const LEAP_MS = 5_000;
/** A page that was asleep longer than this may have missed a correction of the clock. */
const TICK_MS = 1_000;

/** The authority's time less the phone's, ms. For codes it is used from {@link OFF_MS} on: less is delay. */
let offset = 0;
let isKnown = false;
let wasHidden = false;
let last = { date: Date.now(), steady: performance.now() };
/** @type {Set<() => void>} */
const watchers = new Set();

/** Now, as the authority's clock has it, Unix milliseconds. */
export const now = () => Date.now() + (Math.abs(offset) >= OFF_MS ? offset : 0);

/** The authority's time as exactly as it is known, Unix milliseconds: for requests. */
export const server = () => Date.now() + offset;

/** How far the phone's clock is ahead of the authority's, ms; 0 where it is right or nothing is known. */
export const ahead = () => (isKnown && Math.abs(offset) >= OFF_MS ? -offset : 0);

/** @returns {number} to be kept for a start without network */
export const offsetMs = () => offset;

/** Takes up what was kept, or what the holder says. @param {number} kept */
export function restore(kept) {
  offset = kept;
  isKnown = true;
  tell();
}

/**
 * Takes the authority's time from an answer.
 * @param {number} told Unix milliseconds
 * @param {number} sent `Date.now()` when the request left
 * @param {number} took how long the answer took, ms
 */
export function learn(told, sent, took) {
  const before = ahead();
  // The answer was made somewhere between both ends. A slow one only says what cannot be.
  const [least, most] = [told - sent - took, told - sent];
  offset = took < OFF_MS / 2 ? Math.round((least + most) / 2) : Math.min(Math.max(offset, least), most);
  isKnown = true;
  if (before !== ahead()) tell();
}

/** The page was hidden: until the next {@link tick} a leap ahead is sleep. No tick may see it, when the phone sleeps at once. */
export function pageHidden() {
  wasHidden = true;
}

/** Looks for leaps; called every second. Returns whether the time should be asked for. */
export function tick() {
  const here = { date: Date.now(), steady: performance.now() };
  const leap = here.date - last.date - (here.steady - last.steady);
  last = here;
  const slept = wasHidden;
  wasHidden = document.visibilityState === "hidden";
  if (Math.abs(leap) < LEAP_MS) return false;
  // A clock set back is never sleep; one that leaps ahead is, unless the page was seen all the while. A computer that slept
  // with the page on its screen looks like a clock that was set: the holder is told, and the registry is asked.
  if (leap < 0 || !slept) {
    offset -= leap;
    isKnown = true;
    tell();
  }
  return true;
}

/** @param {() => void} watcher called when the clock turns out to be off, or right again */
export const watch = (watcher) => watchers.add(watcher);

const tell = () => watchers.forEach((watcher) => watcher());

/** Calls `work` every second, soon after the full one. @param {() => void} work */
export function everySecond(work) {
  const again = () => {
    work();
    setTimeout(again, TICK_MS - (now() % TICK_MS) + 5);
  };
  again();
}
