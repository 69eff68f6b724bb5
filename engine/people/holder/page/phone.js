// The phone's life: activated once, renewed ahead of each end, and all of it taken up again where the network broke off.

import * as api from "./api.js";
import { fromBase64Url, fromHex, same, toBase64Url, toHex } from "./bytes.js";
import * as clock from "./clock.js";
import { codeText, readCredential, STEP_S, STEPS } from "./codes.js";
import { finderOf } from "./slips.js";
import * as store from "./store.js";
import { script } from "./trusted.js";
import { CHAIN, firstInput, present, rootOf, saltOf } from "./tree.js";

/** Steps before a credential's issue that it begins: for clocks that are slow. */
const EARLIER_STEPS = 8;
/** The registry takes terms that are at most 120 s old; so much is left for the tree and the way. */
const TERMS_FRESH_MS = 60_000;
/** From how old on a status is asked for when the page is open, ms. */
const STATUS_OLD_MS = 5 * 60_000;
const WAIT_MS_MIN = 4_000;
const WAIT_MS_MAX = 10 * 60_000;
/** Records are kept for so long (R42), seconds. */
const SHOWN_KEPT_S = 60 * 86_400;
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
const tabs = new BroadcastChannel("hufu");
/** Held by the tab that works, and by whatever removes or writes what another person's work would be. */
const LOCK = "hufu-phone";
/** The clock is taken up once: after that this page knows it better. */
let isClockKnown = false;
const waits = { failures: 0, untilMs: 0 };
/** The holder asked for the status. */
let isStatusWanted = false;

/** @param {() => void} watcher called when the state has changed */
export const watch = (watcher) => watchers.add(watcher);
const tell = () => watchers.forEach((watcher) => watcher());

/** Reads everything that the phone keeps. */
export async function read() {
  try {
    const names = ["identity", "held", "status", "ended", "pending", "family", "offset"];
    const [identity, held, status, ended, pending, family, offset] = await Promise.all(names.map(store.get));
    Object.assign(state, { identity, held, status, ended, pending, family: family ?? {}, isRead: true, isBroken: false });
    if (typeof offset === "number" && !isClockKnown) clock.restore(offset);
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

tabs.onmessage = () => read();

/** Removes everything from this phone. */
export async function forget() {
  // Behind a request that is under way, which would write its answer back.
  await navigator.locks.request(LOCK, async () => {
    await store.forget();
    store.mark(false);
    state.trouble = undefined;
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

/** Takes a number; {@link pulse} hands it in. @param {string} number */
export async function begin(number) {
  // A link that is opened twice hands the same number in with the same key.
  if (state.pending?.number === number || (state.identity?.number === number && !state.ended)) return;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  // The key is made and kept before the number is spent: the same key may ask again when the answer is lost.
  const keys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const publicKey = toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)));
  state.trouble = undefined;
  Object.assign(waits, { failures: 0, untilMs: 0 });
  await keep({ pending: { number, keys, publicKey } });
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
      try {
        // Another tab may have done it meanwhile.
        await read();
        if (state.pending) await activate();
        if (isRenewalDue()) await renew();
        if (isStatusDue()) await askStatus();
        Object.assign(waits, { failures: 0, untilMs: 0 });
        state.trouble = undefined;
      } catch (why) {
        await failed(why);
      }
    });
  } finally {
    state.isBusy = false;
    tell();
  }
}

const isAlive = () => Boolean(state.identity && !state.ended);
const isRenewalDue = () => isAlive() && (!state.held || clock.now() >= state.held.renewFromMs);
const isStatusOld = () => Date.now() - (state.status?.atMs ?? 0) >= STATUS_OLD_MS;
const isStatusDue = () => isAlive() && document.visibilityState === "visible" && (isStatusWanted || isStatusOld());
const isDue = () => Boolean(state.pending) || isRenewalDue() || isStatusDue();

/** @param {unknown} why */
async function failed(why) {
  waits.failures++;
  const grown = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** (waits.failures - 1)) * (0.5 + Math.random());
  const isRefusal = why instanceof api.Refused;
  // What the registry asks for, and a little more, so that phones do not come back together.
  const asked = isRefusal ? why.retryMs * (1 + 0.25 * Math.random()) : 0;
  waits.untilMs = Date.now() + Math.max(asked, grown);
  const name = isRefusal ? why.name : why instanceof api.Unreached ? "offline" : "failed";
  if (name === "failed") console.warn("not done", why);
  state.trouble = { name, untilMs: waits.untilMs, isPassing: !isRefusal || why.isPassing };
  if (state.pending && isRefusal && !why.isPassing) {
    // The number is of no use: its key goes with it.
    state.trouble.number = state.pending.number;
    await keep({ pending: null });
  } else if (isRefusal && ["phone-ended", "unauthenticated"].includes(name)) {
    await keep({ ended: name });
  }
}

async function activate() {
  const { number, keys, publicKey } = state.pending;
  const answer = await api.signed("/phone/v1/activate", { number, public_key: publicKey }, { keys });
  const { issuer, holder, phone, level, display, terms } = answer;
  const identity = { number, keys, phone: `${issuer}.${holder}.${phone}`, issuer, holder, level, display, terms };
  const isOther = state.identity?.issuer !== issuer || state.identity?.holder !== holder;
  const none = { pending: null, ended: null, held: null, status: null, family: null };
  await keep({ identity, ...none, offset: clock.offsetMs() }, isOther);
  store.mark(true);
  navigator.storage?.persist?.().catch(() => {});
}

async function renew() {
  const { identity, held } = state;
  let terms = held?.nextTerms ?? identity.terms;
  for (let tries = 0; ; tries++) {
    const isFresh = terms.issued_ms !== undefined && Math.abs(clock.server() - terms.issued_ms) < TERMS_FRESH_MS;
    const issuedMs = isFresh ? terms.issued_ms : Math.floor((clock.server() - 5_000) / 1_000) * 1_000;
    const wanted = { key: terms.key, generation: terms.generation, issued_ms: issuedMs };
    const made = await grow(wanted, identity.holder);
    const content = { terms: wanted, step_root: toHex(rootOf(made.nodes)), origin_step: made.origin };
    try {
      const answer = await api.signed("/phone/v1/renew", content, identity);
      await keep({ held: check(answer, made), offset: clock.offsetMs() });
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

/** Whether a credential is the one that was asked for. */
function check(answer, made) {
  const credential = fromBase64Url(answer.credential);
  const claims = readCredential(credential);
  const isOwn =
    claims.kind === 1 &&
    claims.holder === made.holder &&
    claims.generation === made.generation &&
    claims.issued === made.issued &&
    claims.origin === made.origin &&
    claims.root &&
    same(claims.root, rootOf(made.nodes)) &&
    same(claims.kid, made.kid);
  if (!isOwn) throw new Error("the credential is not the one that was asked for");
  return {
    credential,
    salt: made.salt,
    seed: made.seed,
    nodes: made.nodes,
    origin: made.origin,
    display: claims.display,
    expiresMs: claims.expires * 1000,
    renewFromMs: answer.renew_from_ms,
    renewUntilMs: answer.renew_until_ms,
    nextTerms: answer.next_terms,
  };
}

async function askStatus() {
  isStatusWanted = false;
  const answer = await api.signed("/phone/v1/status", {}, state.identity);
  await keep({ status: { ...answer, atMs: Date.now() }, offset: clock.offsetMs() });
}

/** Asks for the status now. */
export async function refresh() {
  isStatusWanted = true;
  hurry();
  await pulse();
}

/** The code of a relative, asked for and kept for where there is no network. @param {number} relative */
export async function askFamily(relative) {
  const { identity } = state;
  const { code, display, expires_ms: expiresMs } = await api.signed("/phone/v1/family", { relative }, identity);
  return navigator.locks.request(LOCK, async () => {
    await read();
    // Removed, or another holder's, while the answer was on its way.
    if (state.identity?.phone !== identity.phone) throw new Error("this phone has another identity now");
    await keep({ family: { ...state.family, [relative]: { code, display, expiresMs } } });
    return state.family[relative];
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

/** Drops what finds checks that are not kept any more. */
export const forgetOld = () => store.forgetBefore(Math.floor((clock.now() / 1000 - SHOWN_KEPT_S) / STEP_S));

/**
 * A code for a service that only has to see that the phone is live: of the first step of a leaf, which was shown nowhere and
 * leads to no other; or of now, when there is none (decision 26).
 * @param {Set<number>} shown
 * @returns {Promise<string | null>}
 */
export async function pastCode(shown) {
  const step = stepNow();
  for (let behind = PAST_STEPS[0]; behind <= PAST_STEPS[1]; behind++) {
    const past = step - behind;
    const isAlone = (past - (state.held?.origin ?? 0)) % CHAIN === 0;
    const made = isAlone && !shown.has(past) ? await presented(past) : null;
    if (made) return made.text;
  }
  return (await presented(step))?.text ?? null;
}
