// The phone's life: activated once, renewed ahead of each end, and all of it taken up again where the network broke off.

import * as api from "./api.js";
import { fromHex, toBase64Url, toHex } from "./bytes.js";
import * as clock from "./clock.js";
import { codeText, STEP_S, STEPS, taken } from "./codes.js";
import { finderOf } from "./slips.js";
import * as store from "./store.js";
import { script } from "./trusted.js";
import { CHAIN, firstInput, present, rootOf, saltOf } from "./tree.js";

/** Steps before a credential's issue that it begins: for clocks that are slow. */
const EARLIER_STEPS = 8;
/** The registry takes terms that are at most 120 s old; so much is left for the tree and the way. */
const TERMS_FRESH_MS = 60_000;
/** From how old on a status, or a relative's code, is asked for when the page shows it, ms. */
const OLD_MS = 5 * 60_000;
const WAIT_MS_MIN = 4_000;
const WAIT_MS_MAX = 10 * 60_000;
/** Records are kept for so long (R42), seconds. */
const SHOWN_KEPT_S = 60 * 86_400;
/** The registry's own refusals of a number: no phone goes on with this key, so another key may ask. */
const NUMBER_REFUSALS = ["number-unknown", "number-used", "number-expired", "number-replaced", "number-mistyped", "conflict"];
/** A step that no gate accepts any more, and that the service of the holder's view still does. */
const PAST_STEPS = [6, 60];

/**
 * What screens look at.
 * @type {{isRead: boolean, isBroken: boolean, identity?: any, held?: any, status?: any, ended?: string, pending?: any, trouble?: any,
 *   family: Record<string, any>, isBusy: boolean}}
 */
export const state = { isRead: false, isBroken: false, family: {}, isBusy: false };

/** @type {Set<() => void>} */
const watchers = new Set();
const tabs = channel();
/** Held by the tab that works, and by whatever removes or writes what another person's work would be. */
const LOCK = "hufu-phone";
/** The clock is taken up once: after that this page knows it better. */
let isClockKnown = false;
const waits = { failures: 0, untilMs: 0 };
/** Until when the registry wants no request for a relative's code, ms. */
let familyUntilMs = 0;
/** The status is asked for, old or not: the holder wants it, or its answer's time is needed. */
let isStatusWanted = false;
/** What finds checks that are not kept any more was dropped by this page. */
let isTidied = false;

/** To the other tabs. A browser that keeps nothing for a page may refuse it that, too. @returns {BroadcastChannel | any} */
function channel() {
  try {
    return new BroadcastChannel("hufu");
  } catch {
    return { postMessage() {} };
  }
}

/** @param {() => void} watcher called when the state has changed */
export const watch = (watcher) => watchers.add(watcher);
const tell = () => watchers.forEach((watcher) => watcher());

/** Reads everything that the phone keeps. */
export async function read() {
  try {
    const names = ["identity", "held", "status", "ended", "pending", "family", "offset"];
    const [identity, held, status, ended, pending, family, offset] = await Promise.all(names.map(store.get));
    Object.assign(state, { identity, held, status, ended, pending, family: family ?? {}, isRead: true, isBroken: false });
    if (typeof offset === "number" && !isClockKnown) {
      clock.restore(offset);
      // The clock may have been set right since.
      if (clock.ahead() !== 0) isStatusWanted = true;
    }
    isClockKnown = true;
    if (identity) store.mark(true);
  } catch (why) {
    console.warn("the phone's storage cannot be read", why);
    Object.assign(state, { isRead: true, isBroken: true });
  }
  tell();
}

/**
 * Writes, and lets other tabs read.
 * @param {Record<string, unknown>} values
 * @param {boolean} [isOther] of another holder: what finds the checks of the one before goes
 */
async function keep(values, isOther = false) {
  await store.put(values, isOther);
  for (const [key, value] of Object.entries(values)) state[key] = value ?? undefined;
  state.family ??= {};
  tabs.postMessage("changed");
  tell();
}

tabs.onmessage = ({ data }) => (data === "changed" ? read() : take(data));

/**
 * What came of the last work, in each tab: one that has not asked waits as long, and says the same.
 * @param {{trouble?: any, failures: number, untilMs: number}} outcome
 */
function take({ trouble, failures, untilMs }) {
  Object.assign(waits, { failures, untilMs });
  state.trouble = trouble;
  tell();
}

/** Takes an outcome here and in the other tabs. @param {Parameters<typeof take>[0]} outcome */
function settle(outcome) {
  take(outcome);
  tabs.postMessage(outcome);
}

/** Removes everything from this phone. */
export async function forget() {
  // Behind a request that is under way, which would write its answer back.
  await navigator.locks.request(LOCK, async () => {
    await store.forget();
    store.mark(false);
    settle({ failures: 0, untilMs: 0 });
    await read();
  });
  tabs.postMessage("changed");
}

/** Keeps how far the phone's clock is off, for the next start without a network. */
export async function keepClock() {
  if (state.identity) await keep({ offset: clock.offsetMs() }).catch((why) => console.warn("the clock was not kept", why));
}

/** The holder has set the phone's clock. */
export function clockIsRight() {
  clock.restore(0);
  return keepClock();
}

/**
 * Takes a number; {@link pulse} hands it in.
 * @param {string} number
 * @returns {Promise<boolean>} false when it could not be kept: nothing is handed in then
 */
export async function begin(number) {
  // Space may have been freed.
  if (state.isBroken) await read();
  // A link that is opened twice hands the same number in with the same key.
  if (state.pending?.number === number || (state.identity?.number === number && !state.ended)) return true;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  // The key is made and kept before the number is spent: the same key may ask again when the answer is lost.
  const keys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const publicKey = toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)));
  settle({ failures: 0, untilMs: 0 });
  try {
    await keep({ pending: { number, keys, publicKey } });
    return true;
  } catch (why) {
    await failed(why);
    return false;
  }
}

/** Lets the next {@link pulse} work at once. */
export function hurry() {
  waits.untilMs = 0;
}

/** Does what is due: activation, renewal, status. Called every second; one tab works at a time. */
export async function pulse() {
  if (state.isBusy || !state.isRead || state.isBroken || Date.now() < waits.untilMs || !isDue()) return;
  state.isBusy = true;
  try {
    await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
      if (!lock) {
        waits.untilMs = Date.now() + 1_000;
        return;
      }
      /** The number that is handed in. */
      let number;
      try {
        // Another tab may have done it meanwhile.
        await read();
        // Each goes first every other time: a number that is refused does not keep the code from being renewed.
        if (state.pending && waits.failures % 2 === 1 && (isRenewalDue() || isOutdated())) await renew();
        number = state.pending?.number;
        if (number) await activate();
        number = undefined;
        if (isRenewalDue()) await renew();
        if (isStatusDue()) await askStatus();
        // After the status: a renewal that fails keeps none from the holder, and one that the status asks for follows at once.
        if (isOutdated()) await renew();
        settle({ failures: 0, untilMs: 0 });
      } catch (why) {
        await failed(why, number);
      }
    });
  } finally {
    state.isBusy = false;
    tell();
  }
}

const isAlive = () => Boolean(state.identity && !state.ended);
const isRenewalDue = () => isAlive() && (!state.held || clock.now() >= state.held.renewFromMs);
/** What was kept later than now is of a clock that was set back since. */
const isOld = (atMs = 0) => Math.abs(Date.now() - atMs) >= OLD_MS;
const isStatusDue = () => isAlive() && document.visibilityState === "visible" && (isStatusWanted || isOld(state.status?.atMs));
const isDue = () => Boolean(state.pending) || isRenewalDue() || isStatusDue() || isOutdated();

/**
 * Whether the registry names another generation or key by now than the credential has: gates may refuse that already. The key
 * of the credential before is not a newer one: some registries name it until all of them have the next.
 */
function isOutdated() {
  const { held, status } = state;
  const [mine, theirs] = [held?.nextTerms, status?.terms];
  if (!isAlive() || !mine || !theirs) return false;
  return theirs.generation !== mine.generation || ![mine.key, held.keyBefore].includes(theirs.key);
}

/** @param {unknown} why @param {string} [number] that was handed in, where that is what failed */
async function failed(why, number) {
  const failures = waits.failures + 1;
  const grown = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** (failures - 1)) * (0.5 + Math.random());
  const isRefusal = why instanceof api.Refused;
  // What the registry asks for, and a little more, so that phones do not come back together.
  const asked = isRefusal ? why.retryMs * (1 + 0.25 * Math.random()) : 0;
  const untilMs = Date.now() + Math.max(asked, grown);
  const name = nameOf(why);
  const isPassing = isRefusal ? why.isPassing : name !== "broken";
  if (name === "failed" || name === "broken") console.warn("not done", why);
  // Refused by a proxy, or for another request: the number may be spent, and its key asks again.
  const isOfNoUse = isRefusal && number !== undefined && NUMBER_REFUSALS.includes(name);
  settle({ trouble: { name, untilMs, isPassing, number: isOfNoUse ? number : undefined }, failures, untilMs });
  if (isOfNoUse) {
    // Its key goes with the number.
    if (state.pending?.number === number) await keep({ pending: null });
  } else if (isRefusal && number === undefined && ["phone-ended", "unauthenticated"].includes(name)) {
    await keep({ ended: name });
  }
}

/** @param {unknown} why */
function nameOf(why) {
  if (why instanceof api.Refused) return why.name;
  if (why instanceof api.Unreached) return "offline";
  return why instanceof store.Unkept ? "broken" : "failed";
}

async function activate() {
  const { number, keys, publicKey } = state.pending;
  const answer = await api.signed("/phone/v1/activate", { number, public_key: publicKey }, { keys });
  const { issuer, holder, phone, level, display, terms } = answer;
  const identity = { number, keys, phone: `${issuer}.${holder}.${phone}`, issuer, holder, level, display, terms };
  const isOther = state.identity?.issuer !== issuer || state.identity?.holder !== holder;
  // Another number may have been taken while the answer was on its way.
  const pending = state.pending?.number === number ? null : (state.pending ?? null);
  const none = { pending, ended: null, held: null, status: null, family: null };
  await keep({ identity, ...none, offset: clock.offsetMs() }, isOther);
  store.mark(true);
  navigator.storage?.persist?.().catch(() => {});
}

async function renew() {
  const { identity, held, status } = state;
  let terms = status?.terms ?? held?.nextTerms ?? identity.terms;
  for (let tries = 0; ; tries++) {
    const isFresh = terms.issued_ms !== undefined && Math.abs(clock.server() - terms.issued_ms) < TERMS_FRESH_MS;
    const issuedMs = isFresh ? terms.issued_ms : Math.floor((clock.server() - 5_000) / 1_000) * 1_000;
    const wanted = { key: terms.key, generation: terms.generation, issued_ms: issuedMs };
    const made = await grow(wanted, identity.holder);
    const content = { terms: wanted, step_root: toHex(rootOf(made.nodes)), origin_step: made.origin };
    try {
      const answer = await api.signed("/phone/v1/renew", content, identity);
      const next = { ...taken(answer, made), keyBefore: held?.nextTerms?.key };
      // What the registry says last counts: the status before asks for no second renewal.
      const known = status && { status: { ...status, terms: answer.next_terms } };
      await keep({ held: next, ...known, offset: clock.offsetMs() });
      return;
    } catch (why) {
      const isTold = why instanceof api.Refused && why.name === "terms" && why.body.terms;
      if (!isTold || tries >= 3) throw why;
      terms = why.body.terms;
    }
  }
}

/** A new seed, and its tree for these terms. */
async function grow({ key, generation, issued_ms: issuedMs }, holder) {
  const issued = issuedMs / 1000;
  const origin = Math.floor(issued / STEP_S) - EARLIER_STEPS;
  const salt = saltOf({ kid: fromHex(key), holder, generation, origin, issued });
  const algorithm = { name: "HMAC", hash: "SHA-256", length: 256 };
  const seed = await crypto.subtle.generateKey(algorithm, false, ["sign"]);
  const worker = new Worker(script("/grow.js"), { type: "module" });
  const nodes = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.nodes ? resolve(data.nodes) : reject(new Error(data.fault)));
    worker.onerror = () => reject(new Error("the worker did not start"));
    worker.postMessage({ seed, salt });
  }).finally(() => worker.terminate());
  return { salt, seed, nodes, origin, issued, generation, kid: fromHex(key), holder };
}

async function askStatus() {
  isStatusWanted = false;
  try {
    const answer = await api.signed("/phone/v1/status", {}, state.identity);
    await keep({ status: { ...answer, atMs: Date.now() }, offset: clock.offsetMs() });
    await forgetOld(answer.now_ms);
  } catch (why) {
    isStatusWanted = true;
    throw why;
  }
}

/** Drops what finds checks that are not kept any more, by the registry's time: the phone's may be months ahead. @param {number} nowMs */
async function forgetOld(nowMs) {
  if (isTidied) return;
  isTidied = true;
  await store.forgetBefore(Math.floor((nowMs / 1000 - SHOWN_KEPT_S) / STEP_S)).catch((why) => console.warn("not forgotten", why));
}

/** Asks for the status now. */
export async function refresh() {
  isStatusWanted = true;
  hurry();
  await pulse();
}

/**
 * The code of a relative, asked for and kept for where there is no network. One that was got a while ago is asked for again,
 * long before its end: the relative's generation may have been raised, or the key revoked.
 * @param {number} relative
 */
export async function askFamily(relative) {
  const { identity } = state;
  const kept = state.family[relative];
  const isGood = kept && kept.expiresMs > clock.now();
  if (isGood && (!isOld(kept.atMs) || Date.now() < familyUntilMs)) return;
  const { code, display, expires_ms: expiresMs } = await api.signed("/phone/v1/family", { relative }, identity).catch((why) => {
    if (why instanceof api.Refused) familyUntilMs = Date.now() + why.retryMs;
    throw why;
  });
  await navigator.locks.request(LOCK, async () => {
    await read();
    // Removed, or another holder's, while the answer was on its way.
    if (state.identity?.phone !== identity.phone) throw new Error("this phone has another identity now");
    await keep({ family: { ...state.family, [relative]: { code, display, expiresMs, atMs: Date.now() } } });
  });
}

/**
 * What the phone shows in a step (Unix time divided by 30); null outside of its credential.
 * @param {number} step
 */
async function presented(step) {
  const { held } = state;
  const index = step - (held?.origin ?? Infinity);
  if (!(index >= 0 && index < STEPS)) return null;
  const input = firstInput(held.salt, Math.floor(index / CHAIN));
  const first = new Uint8Array(await crypto.subtle.sign("HMAC", held.seed, input)).subarray(0, 16);
  const presentation = present(held.salt, held.nodes, first, index);
  return { text: codeText(held.credential, presentation), value: presentation.preimage };
}

/** The step of now. */
export const stepNow = () => Math.floor(clock.now() / 1000 / STEP_S);

/**
 * The code of a step that is shown to a gate: what finds its checks is remembered.
 * @param {number} step
 * @returns {Promise<string | null>} null when the credential has ended
 */
export async function show(step) {
  if (!state.held || clock.now() >= state.held.expiresMs) return null;
  const { phone } = state.identity;
  const made = await presented(step);
  if (!made) return null;
  const finder = finderOf(made.value);
  await store.remember(toHex(finder.subarray(0, 16)), { step, finder }, phone).catch((why) => console.warn("not remembered", why));
  return made.text;
}

/**
 * A code for a service that only has to see that the phone is live: of the first step of a leaf, which was shown nowhere and
 * leads to no other; or of now, when there is none (decision 26).
 * @param {Set<number>} shown
 * @returns {Promise<string | null>} null when the credential has ended: the service takes none of it
 */
export async function pastCode(shown) {
  if (!state.held || clock.now() >= state.held.expiresMs) return null;
  const step = stepNow();
  for (let behind = PAST_STEPS[0]; behind <= PAST_STEPS[1]; behind++) {
    const past = step - behind;
    const isAlone = (past - state.held.origin) % CHAIN === 0;
    const made = isAlone && !shown.has(past) ? await presented(past) : null;
    if (made) return made.text;
  }
  return (await presented(step))?.text ?? null;
}
