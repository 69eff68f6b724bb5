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
});
const database = {
  transaction: () => {
    const transaction = { objectStore: (name) => storeOf(kept[name]) };
    setTimeout(() => transaction.oncomplete());
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

const clock = await import("../page/clock.js");
const phone = await import("../page/phone.js");
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
