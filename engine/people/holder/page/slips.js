// Slips of checks, which only the phone that was checked finds (docs/RECORDS.md), and how it asks for them.

import * as api from "./api.js";
import { join, same, toHex } from "./bytes.js";
import { sha256 } from "./sha256.js";

const SLIP_BYTES = 48;
const PREFIXES_MAX = 256;
/** Slips that a bucket has at least, and bits that a prefix has at most: fewer slips, or more bits, would tell whose they are. */
const BUCKET_SLIPS_MIN = 100;
const PREFIX_BITS_MAX = 24;
/** An engine's clock and a phone's may differ so much at the two ends of a day, ms. */
const MARGIN_MS = 10 * 60_000;
const STEP_MS = 30_000;

/**
 * @typedef {object} Seen a check
 * @property {number} timeMs
 * @property {number} site
 * @property {number} reason
 * @property {number} decision
 * @property {number} kind
 */

/** The service asked for what would tell whose checks they are; nothing was sent. */
export class Unfair extends Error {}

/** The phone has no code that is good now, and the service takes no other for a ticket. */
export class Codeless extends Error {}

/** Tag and key of the slips of a step. @param {Uint8Array} value what the phone showed @returns {Uint8Array} 32 bytes */
export const finderOf = (value) => sha256(join("slip", 1, value));

/**
 * Opens a slip.
 * @param {Uint8Array} finder @param {Uint8Array} slip
 * @returns {Seen | null} null when it is another's, or altered
 */
export function openSlip(finder, slip) {
  const key = finder.subarray(16);
  if (!same(finder.subarray(0, 16), slip.subarray(0, 16))) return null;
  const nonce = slip.subarray(16, 24);
  const pad = sha256(join("slip", 0, key, nonce));
  const content = slip.slice(24, SLIP_BYTES).map((byte, i) => byte ^ pad[i]);
  if (!same(sha256(join("slin", key, content)).subarray(0, 8), nonce)) return null;
  const view = new DataView(content.buffer);
  return {
    timeMs: Number(view.getBigUint64(0, true)),
    site: view.getUint32(8, true),
    reason: view.getUint16(12, true),
    decision: content[14],
    kind: content[15],
  };
}

/** The first bits of a tag. @param {Uint8Array} tag @param {number} bits at most 24 */
export const prefixOf = (tag, bits) => (bits === 0 ? 0 : ((tag[0] * 65536 + tag[1] * 256 + tag[2]) >>> (24 - bits)));

/** Whether the prefixes of a day are short enough to hide a phone. */
export const isFair = (day) =>
  day.prefix_bits <= PREFIX_BITS_MAX && (day.prefix_bits === 0 || Math.floor(day.slips / 2 ** day.prefix_bits) >= BUCKET_SLIPS_MIN);

/** Whether a step may have a slip on this day. @param {any} day @param {number} step */
export const hasStep = (day, step) =>
  day.slips > 0 && (step + 1) * STEP_MS + MARGIN_MS >= day.first_ms && step * STEP_MS <= day.last_ms + MARGIN_MS;

/**
 * Opens what is this phone's in an answer.
 * @param {Uint8Array} answer
 * @param {number} fewest slips of a bucket
 * @param {Map<string, Uint8Array>} finders by tag
 * @returns {{buckets: number, seen: Seen[]}}
 * @throws {Error} when it is no answer, or a bucket has fewer slips
 */
export function take(answer, fewest, finders) {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const seen = [];
  let buckets = 0;
  for (let at = 0; at < answer.length; buckets++) {
    const count = at + 4 <= answer.length ? view.getUint32(at, true) : -1;
    const end = at + 4 + count * SLIP_BYTES;
    if (count < fewest || end > answer.length) throw new Error("buckets that are not whole, or have fewer than 100 slips");
    for (at += 4; at < end; at += SLIP_BYTES) {
      const slip = answer.subarray(at, at + SLIP_BYTES);
      const finder = finders.get(toHex(slip.subarray(0, 16)));
      const opened = finder ? openSlip(finder, slip) : null;
      if (opened) seen.push(opened);
    }
  }
  return { buckets, seen };
}

/**
 * Asks for the checks of these steps.
 * @param {import("./store.js").Shown[]} shown
 * @param {() => Promise<string | null>} code a live code, for a ticket
 * @returns {Promise<{checks: Seen[], places: Map<number, {name: string, organisation?: string}>}>}
 * @throws {Unfair | Codeless | Error} when not all of them were looked for
 */
export async function findChecks(shown, code) {
  const finders = new Map(shown.map(({ finder }) => [toHex(finder.subarray(0, 16)), finder]));
  const { days } = await api.plain("/views/v1/days");
  const asked = days
    .map((day) => {
      const ofDay = shown.filter(({ step }) => hasStep(day, step));
      return { day, prefixes: [...new Set(ofDay.map(({ finder }) => prefixOf(finder, day.prefix_bits)))].sort((a, b) => a - b) };
    })
    .filter(({ prefixes }) => prefixes.length);
  if (asked.some(({ day }) => !isFair(day))) throw new Unfair();
  const checks = [];
  let ticket = { ticket: "", buckets: 0 };
  for (const { day, prefixes } of asked) {
    while (prefixes.length) {
      if (ticket.buckets === 0) {
        const text = await code();
        if (!text) throw new Codeless();
        ticket = { ...(await api.plain("/views/v1/ticket", { code: text })) };
      }
      const now = prefixes.slice(0, Math.min(PREFIXES_MAX, ticket.buckets));
      const want = { ticket: ticket.ticket, day: day.day, prefix_bits: day.prefix_bits, prefixes: now };
      const answer = await api.bytes("/views/v1/slips", want);
      ticket.buckets -= now.length;
      const { buckets, seen } = take(answer, day.prefix_bits === 0 ? 0 : BUCKET_SLIPS_MIN, finders);
      if (buckets < 1 || buckets > now.length) throw new Error("not the buckets that were asked for");
      checks.push(...seen);
      prefixes.splice(0, buckets);
    }
  }
  checks.sort((a, b) => b.timeMs - a.timeMs);
  const places = checks.length ? (await api.plain("/views/v1/places")).places : [];
  return { checks, places: new Map(places.map((place) => [place.site, place])) };
}
