// What the page keeps, says aloud and starts from without a network: its own modules, in an environment with the few parts of
// a browser that they touch. Run by page.rs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

/** What IndexedDB keeps: `<store> -> <key> -> <value>`. */
const kept = { phone: new Map(), shown: new Map() };

/** Answers after the code that asked, as IndexedDB does. */
function later(result) {
  const request = { result };
  queueMicrotask(() => request.onsuccess?.());
  return request;
}
const storeOf = (map) => ({
  get: (key) => later(map.get(key)),
  getAll: () => later([...map.values()]),
  put: (value, key) => later(void map.set(key, value)),
  delete: (key) => later(void map.delete(key)),
  clear: () => later(void map.clear()),
  openCursor: () => {
    const left = [...map.keys()];
    const request = {};
    const next = () => {
      const key = left.shift();
      const cursor = { value: map.get(key), delete: () => map.delete(key), continue: () => queueMicrotask(next) };
      request.result = key === undefined ? null : cursor;
      request.onsuccess();
    };
    queueMicrotask(next);
    return request;
  },
});
/** The kinds of transactions that the browser refuses: no space, or a private window. */
let refused = [];
const database = {
  transaction: (_, mode) => {
    const transaction = { objectStore: (name) => storeOf(refused.includes(mode) ? new Map() : kept[name]) };
    setTimeout(() => (refused.includes(mode) ? transaction.onabort() : transaction.oncomplete()));
    return transaction;
  },
};

/** Locks, one behind the other. */
let queue = Promise.resolve();
let isLocked = false;
const locks = {
  request: (_, options, work = options) => {
    if (options.ifAvailable && isLocked) return work(null);
    const held = queue.then(async () => {
      isLocked = true;
      return work({});
    });
    queue = held.catch(() => {}).then(() => void (isLocked = false));
    return held;
  },
};
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define("indexedDB", { open: () => later(database) });
define("navigator", { locks });
define("document", { cookie: "", visibilityState: "visible" });
define("location", { protocol: "https:" });
define("localStorage", { getItem: () => null, setItem() {}, removeItem() {} });
define("BroadcastChannel", class {
  postMessage() {}
});

define("Worker", class {
  // Roots are signed, and values under them shown elsewhere: page.test.mjs.
  postMessage() {
    queueMicrotask(() => this.onmessage({ data: { nodes: crypto.getRandomValues(new Uint8Array(32)) } }));
  }
  terminate() {}
});

const { fromHex, toBase64Url, toHex } = await import("../page/bytes.js");
const clock = await import("../page/clock.js");
const { readCredential } = await import("../page/codes.js");
const phone = await import("../page/phone.js");
const { Codeless, findChecks } = await import("../page/slips.js");
const store = await import("../page/store.js");

const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
const identity = { keys, phone: "1.7.1", issuer: 1, holder: 7 };
const finder = new Uint8Array(16);

test("a clock that the holder has set stays so, here and at the next start", async () => {
  kept.phone.set("identity", identity).set("offset", -90_000);
  await phone.read();
  assert.equal(clock.ahead(), 90_000, "as it was kept");
  await phone.clockIsRight();
  await phone.read();
  assert.equal(clock.ahead(), 0);
  assert.equal(kept.phone.get("offset"), 0);
  clock.restore(-30_000);
  await phone.keepClock();
  assert.equal(kept.phone.get("offset"), -30_000, "what a leap has made of it");
});

test("what finds checks goes with its holder, and is of the phone that showed it", async () => {
  kept.phone.set("identity", identity);
  await phone.read();
  await store.remember("aa", { step: 1, finder }, identity.phone);
  await store.remember("bb", { step: 1, finder }, "1.9.1");
  assert.deepEqual([...kept.shown.keys()], ["aa"]);
  const activated = async (holder, number) => {
    const answer = { issuer: 1, holder, phone: number, level: 1, display: "", terms: {} };
    define("fetch", async () => new Response(JSON.stringify(answer)));
    await phone.begin(`number-${number}`);
    // It goes on with a renewal, which these terms do not allow.
    await phone.pulse();
    assert.equal(kept.phone.get("identity").phone, `1.${holder}.${number}`);
  };
  await activated(7, 2);
  assert.equal(kept.shown.size, 1, "the same holder's");
  await activated(9, 1);
  assert.equal(kept.shown.size, 0, "another holder's");
});

test("nothing is written back into a phone that was emptied", async () => {
  kept.phone.clear();
  kept.phone.set("identity", identity).set("held", { renewFromMs: Infinity, expiresMs: Infinity });
  await phone.read();
  const signal = () => {
    let done;
    return { promise: new Promise((resolve) => (done = resolve)), resolve: (value) => done(value) };
  };
  const [asked, sent] = [signal(), signal()];
  define("fetch", async (path) => {
    asked.resolve(path);
    await sent.promise;
    return new Response('{"colour":"red"}');
  });
  phone.hurry();
  const pulse = phone.pulse();
  assert.equal(await asked.promise, "/phone/v1/status");
  const family = phone.askFamily(1);
  const forgotten = phone.forget();
  sent.resolve();
  await Promise.allSettled([pulse, family, forgotten]);
  await phone.read();
  assert.deepEqual([...kept.phone.keys()], []);
  assert.equal(phone.state.identity, undefined);
});

/** A phone that is opened with this kept, in a page of its own. */
const opened = async (name, values) => {
  for (const map of Object.values(kept)) map.clear();
  for (const [key, value] of Object.entries(values)) kept.phone.set(key, value);
  const own = await import(`../page/phone.js?${name}`);
  await own.read();
  return own;
};
/** Whose code is renewed later. */
const alive = { identity, held: { renewFromMs: Infinity, expiresMs: Infinity } };
/** Answers of the registry, in turn, the last one again and again; what was asked. */
const answers = (...each) => {
  const asked = [];
  define("fetch", async (path) => {
    asked.push(path);
    const answer = each.length > 1 ? each.shift() : each[0];
    if (!answer) throw new TypeError("no network");
    const [status, body, headers] = answer;
    const init = { status, headers };
    return new Response(typeof body === "string" ? body : JSON.stringify({ now_ms: Date.now(), ...body }), init);
  });
  return asked;
};
const problem = (name) => ({ type: `urn:hufu:problem:${name}` });

test("a page that was hidden between two looks at the clock has slept", (t) => {
  let [date, steady] = [Date.now(), performance.now()];
  t.mock.method(Date, "now", () => date);
  t.mock.method(performance, "now", () => steady);
  const pass = (ms, asleepMs = 0) => ([date, steady] = [date + ms + asleepMs, steady + ms]);
  clock.tick();
  clock.restore(0);
  pass(1_000);
  assert.ok(!clock.tick());
  clock.pageHidden();
  pass(600, 7_200_000);
  assert.ok(clock.tick(), "the time is asked for");
  assert.equal(clock.ahead(), 0);
  pass(1_000, 7_200_000);
  assert.ok(clock.tick());
  assert.equal(clock.ahead(), 7_200_000, "a clock that was set while the page was seen");
  clock.restore(0);
});

test("a clock that was set right while the page was closed is found out when it is opened", async () => {
  const hour = 3_600_000;
  const lately = { ...alive, offset: -hour, status: { atMs: Date.now() - 60_000 } };
  const wanting = await opened("off", lately);
  assert.equal(clock.ahead(), hour);
  const asked = answers(null, [200, { colour: "green" }]);
  await wanting.pulse();
  assert.equal(clock.ahead(), hour, "no network yet");
  wanting.hurry();
  await wanting.pulse();
  assert.deepEqual([asked.length, clock.ahead()], [2, 0]);
  wanting.hurry();
  await wanting.pulse();
  assert.equal(asked.length, 2, "once");
  // A status that was kept an hour from now, by the clock of then.
  const ahead = await opened("ahead", { ...alive, status: { atMs: Date.now() + hour } });
  const again = answers([200, { colour: "green" }]);
  await ahead.pulse();
  assert.deepEqual(again, ["/phone/v1/status"]);
});

test("a number's key goes when the registry refuses the number, and at no other refusal", async () => {
  const own = await opened("number", {});
  const number = () => kept.phone.get("pending")?.number;
  const [proxy, gone] = [[403, "<html>"], [409, problem("number-used")]];
  // Spent, and the answer lost.
  const asked = answers(null, proxy, [401, problem("unauthenticated")], gone);
  await own.begin("SPENT");
  const { publicKey } = kept.phone.get("pending");
  for (const name of ["offline", "status-403", "unauthenticated"]) {
    own.hurry();
    await own.pulse();
    assert.deepEqual([own.state.trouble.name, own.state.trouble.number], [name, undefined]);
    assert.equal(kept.phone.get("pending").publicKey, publicKey, name);
  }
  assert.equal(kept.phone.get("ended"), undefined);
  own.hurry();
  await own.pulse();
  assert.deepEqual([asked.length, number(), own.state.trouble.number], [4, undefined, "SPENT"]);

  // The status is refused while the number of a new link is kept: that ends the phone, and not the number.
  const ended = await opened("ended", alive);
  const refusal = new Response(JSON.stringify(problem("phone-ended")), { status: 403 });
  let refuse;
  define("fetch", () => new Promise((resolve) => (refuse = () => resolve(refusal))));
  const pulse = ended.pulse();
  while (!refuse) await new Promise(setImmediate);
  await ended.begin("NEW");
  refuse();
  await pulse;
  assert.deepEqual([number(), kept.phone.get("ended")], ["NEW", "phone-ended"]);

  // A number that is taken while the answer to another is on its way is handed in next.
  const twice = await opened("twice", {});
  await twice.begin("FIRST");
  let answer;
  define("fetch", () => new Promise((resolve) => (answer = () => resolve(new Response('{"issuer":1,"holder":7,"phone":2}')))));
  const first = twice.pulse();
  while (!answer) await new Promise(setImmediate);
  await twice.begin("SECOND");
  answer();
  await first;
  assert.deepEqual([kept.phone.get("identity").number, number()], ["FIRST", "SECOND"]);

  // A number that is refused again and again leaves the renewal its turn.
  const both = await opened("both", { identity, pending: kept.phone.get("pending") });
  const again = answers(proxy);
  for (let times = 0; times < 4; times++) {
    both.hurry();
    await both.pulse();
  }
  // These terms allow no renewal: where it comes first, nothing is asked.
  assert.deepEqual(again, ["/phone/v1/activate", "/phone/v1/activate"]);
});

test("what finds checks is dropped by the registry's time", async (t) => {
  const day = 86_400;
  const step = (days) => Math.floor((Date.now() / 1000 - days * day) / 30);
  const own = await opened("old", alive);
  kept.shown.set("aa", { step: step(61), finder }).set("bb", { step: step(1), finder });
  const now = Date.now();
  t.mock.method(Date, "now", () => now + 70 * day * 1000);
  const asked = answers(null, [200, { now_ms: now }]);
  await own.pulse();
  assert.equal(kept.shown.size, 2, "no answer yet");
  own.hurry();
  await own.pulse();
  assert.deepEqual([asked.length, ...kept.shown.keys()], [2, "bb"]);
});

/** CBOR in its shortest form. */
const cbor = (item) => {
  const head = (major, value) => {
    const size = [24, 256, 65_536].filter((least) => value >= least).length;
    const more = Buffer.alloc(4);
    more.writeUInt32BE(value);
    return [(major << 5) | (size ? 23 + size : value), ...(size ? more.subarray(4 - 2 ** (size - 1)) : [])];
  };
  if (typeof item === "number") return item < 0 ? head(1, -1 - item) : head(0, item);
  if (typeof item === "string") return [...head(3, Buffer.byteLength(item)), ...Buffer.from(item)];
  if (item instanceof Uint8Array) return [...head(2, item.length), ...item];
  if (Array.isArray(item)) return [...head(4, item.length), ...item.flatMap(cbor)];
  return [...head(5, item.size), ...[...item].flat().flatMap(cbor)];
};
const bytes = (item) => Uint8Array.from(cbor(item));
/** A registry: `says` are the terms in its statuses, `has` those that it issues for. What was asked since the last look. */
const registryOf = (terms) => {
  const registry = { says: terms, has: terms, isBusy: false };
  const asked = [];
  registry.asked = () => asked.splice(0);
  const answer = (path, { terms: wanted, step_root: root, origin_step: origin }) => {
    const { has, says } = registry;
    if (path === "status") return [200, { colour: "green", terms: says }];
    if (registry.isBusy) return [503, problem("busy")];
    if (wanted.key !== has.key || wanted.generation !== has.generation) return [409, { ...problem("terms"), terms: has }];
    const issued = wanted.issued_ms / 1000;
    const detail = [1, 7, has.generation, "", fromHex(root), origin];
    const claims = bytes(new Map([[5, issued], [4, issued + 86_400], [-65537, detail]]));
    const signed = [bytes(new Map([[4, fromHex(has.key)]])), new Map(), claims, new Uint8Array(64)];
    const times = { renew_from_ms: Date.now() + 43_200_000, renew_until_ms: Date.now() + 75_600_000 };
    return [200, { credential: toBase64Url(bytes(signed)), ...times, next_terms: has }];
  };
  define("fetch", async (path, { body }) => {
    asked.push(path.split("/").pop());
    const [status, content] = answer(asked.at(-1), JSON.parse(new TextDecoder().decode(body)));
    return new Response(JSON.stringify({ now_ms: Date.now(), ...content }), { status });
  });
  return registry;
};

test("a credential is renewed when the registry names another generation or key, and once for each status", async () => {
  const [first, second, third] = ["01", "02", "03"].map((byte) => byte.repeat(8));
  const registry = registryOf({ key: first, generation: 0 });
  let own = await opened("outdated", { identity: { ...identity, terms: registry.has } });
  const has = (key, generation, why) => {
    const claims = readCredential(kept.phone.get("held").credential);
    assert.deepEqual([toHex(claims.kid), claims.generation], [key, generation], why);
  };
  const asks = async (expected, why) => {
    await own.refresh();
    assert.deepEqual(registry.asked(), expected, why);
    own.hurry();
    await own.pulse();
    assert.deepEqual(registry.asked(), [], `nothing more: ${why}`);
  };
  await asks(["renew", "status"], "the first");
  await asks(["status"], "as it was");
  registry.says = registry.has = { key: first, generation: 1 };
  await asks(["status", "renew"], "another generation");
  has(first, 1);
  registry.says = registry.has = { key: second, generation: 1 };
  await asks(["status", "renew"], "another key");
  has(second, 1);

  // Registries that are changed one after the other.
  registry.says = { key: first, generation: 1 };
  await asks(["status"], "the key of the credential before");
  registry.says = { key: third, generation: 1 };
  for (const why of ["it is not to be had", "and is named again"]) await asks(["status", "renew", "renew"], why);
  has(second, 1);
  registry.says = { key: second, generation: 0 };
  await asks(["status", "renew", "renew"], "a generation that is not to be had");
  has(second, 1);

  // What fails goes on, also when the page is opened again, and keeps no status from the holder.
  registry.says = registry.has = { key: second, generation: 2 };
  registry.isBusy = true;
  for (let times = 0; times < 2; times++) {
    await own.refresh();
    assert.deepEqual([...registry.asked(), own.state.trouble.name], ["status", "renew", "busy"]);
  }
  has(second, 1, "the one that is held stays");
  registry.isBusy = false;
  own = await opened("outdated again", Object.fromEntries(kept.phone));
  await own.pulse();
  assert.deepEqual(registry.asked(), ["renew"]);
  has(second, 2);
  await asks(["status"], "as it was");
});

test("a relative's code is asked for where there is a network, and shown as it was kept where there is none", async (t) => {
  const minute = 60_000;
  let now = Date.now();
  t.mock.method(Date, "now", () => now);
  const code = (name) => ({ code: name, display: "", expires_ms: now + 10_080 * minute });
  const own = await opened("family", { ...alive, family: { 1: { code: "old", expiresMs: now + 7_200 * minute } } });
  const shown = () => own.state.family[1].code;
  const crowded = [429, problem("too-many"), { "retry-after": "600" }];
  const asked = answers(null, [200, code("new")], crowded, [200, code("newer")]);
  await assert.rejects(own.askFamily(1));
  assert.equal(shown(), "old", "no network");
  await own.askFamily(1);
  assert.equal(shown(), "new");
  now += 4 * minute;
  await own.askFamily(1);
  assert.equal(asked.length, 2, "that was just asked for");
  now += minute;
  await assert.rejects(own.askFamily(1));
  now += 9 * minute;
  await own.askFamily(1);
  assert.deepEqual([asked.length, shown()], [3, "new"], "the registry wants no more");
  now += minute;
  await own.askFamily(1);
  assert.deepEqual([asked.length, shown()], [4, "newer"]);
});

test("checks that are not looked for are not said to be none", async () => {
  // Its tree has steps of now; its credential has ended.
  const held = { origin: Math.floor(Date.now() / 30_000) - 2_900, expiresMs: 1 };
  const own = await opened("over", { identity, ended: "phone-ended", held });
  const step = own.stepNow() - 2_880;
  const [first_ms, last_ms] = [step * 30_000, Date.now()];
  const asked = answers([200, { days: [{ day: 1, prefix_bits: 0, slips: 500, first_ms, last_ms }] }]);
  await assert.rejects(findChecks([{ step, finder }], () => own.pastCode(new Set())), Codeless);
  assert.deepEqual(asked, ["/views/v1/days"]);
});

test("a phone that can keep nothing says so, and hands no number in", async () => {
  const asked = answers([500, {}]);
  const full = await opened("full", {});
  refused = ["readwrite"];
  assert.equal(await full.begin("NUMBER"), false);
  await full.pulse();
  assert.deepEqual([full.state.trouble.name, full.state.pending, asked.length], ["broken", undefined, 0]);
  refused = [];
  assert.equal(await full.begin("NUMBER"), true, "with space again");
  assert.equal(kept.phone.get("pending").number, "NUMBER");

  // A browser that blocks everything.
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  const { BroadcastChannel: channel, localStorage: settings } = globalThis;
  Object.defineProperty(globalThis, "localStorage", { get: denied, configurable: true });
  define("BroadcastChannel", class {
    constructor() {
      denied();
    }
  });
  refused = ["readonly", "readwrite"];
  const blocked = await opened("blocked", {});
  assert.ok(blocked.state.isRead && blocked.state.isBroken);
  assert.equal(await blocked.begin("NUMBER"), false);
  assert.equal(store.setting("hufu-care"), null);
  store.set("hufu-care", "1");
  assert.equal(store.setting("hufu-care"), "1", "until the page is closed");
  refused = [];
  define("localStorage", settings);
  define("BroadcastChannel", channel);
});

test("no voice says a status that sends it to its maker", async () => {
  const said = [];
  const speechSynthesis = { getVoices: () => speechSynthesis.voices, cancel() {}, speak: ({ voice }) => said.push(voice.name) };
  define("window", { speechSynthesis });
  define("SpeechSynthesisUtterance", class {});
  const { speak } = await import("../page/speak.js");
  const far = { name: "far", lang: "fr-FR", localService: false };
  speechSynthesis.voices = [far, { name: "other", lang: "de-DE", localService: true }];
  assert.equal(await speak("Rouge", "fr-FR", "red"), "tones");
  speechSynthesis.voices = [far, { name: "near", lang: "fr_CA", localService: true }];
  assert.equal(await speak("Rouge", "fr-FR", "red"), "voice");
  assert.deepEqual(said, ["near"]);
});

test("a service worker is installed with all of its files or not at all", async () => {
  const digest = (text) => createHash("sha256").update(text).digest("hex").slice(0, 32);
  const digests = { "/": [digest("page")], "/app.js": [digest("app")], "/texts/fr.json": [digest("oui")] };
  const source = readFileSync(new URL("../page/sw.js", import.meta.url), "utf8");
  const installed = async (files) => {
    const caches = { "hufu-1": new Map(), "hufu-0": new Map([["/texts/fr.json", ""]]) };
    let isReady = false;
    const self = {
      addEventListener: (name, listener) => (self[name] = listener),
      skipWaiting: async () => (isReady = true),
      location: { origin: "https://hufu.example" },
    };
    const open = async (name) => ({
      put: async (path, response) => void caches[name].set(path, await response.text()),
      addAll: async (requests) => requests.forEach(({ path }) => caches[name].set(path, files[path])),
      add: async (url) => void caches[name].set(new URL(url).pathname, files[new URL(url).pathname]),
      keys: async () => [...caches[name].keys()].map((path) => ({ url: `https://hufu.example${path}` })),
    });
    const context = {
      self, crypto, URL, Response,
      caches: { open, keys: async () => Object.keys(caches) },
      Request: class {
        constructor(path) {
          this.path = path;
        }
      },
      fetch: async ({ path }) => new Response(files[path]),
    };
    vm.runInNewContext(`const VERSION = 1, FILES = ["/", "/app.js"], DIGESTS = ${JSON.stringify(digests)};\n${source}`, context);
    let work;
    self.install({ waitUntil: (promise) => (work = promise) });
    await work;
    return isReady && Object.fromEntries(caches["hufu-1"]);
  };
  const whole = { "/": "page", "/app.js": "app", "/texts/fr.json": "oui" };
  assert.deepEqual(await installed(whole), whole);
  await assert.rejects(installed({ ...whole, "/app.js": "a portal's page" }), /app\.js/);
  assert.deepEqual(await installed({ ...whole, "/texts/fr.json": "non" }), { "/": "page", "/app.js": "app" });
});
