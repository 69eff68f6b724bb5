// What the phone keeps, in IndexedDB. Keys lie there as CryptoKey objects that no script can read out.

/** @typedef {{keys: CryptoKeyPair, publicKey: string, phone?: string, number?: string}} Identity */

/**
 * @typedef {object} Held a credential and what shows it
 * @property {Uint8Array} credential
 * @property {Uint8Array} salt
 * @property {Uint8Array} nodes of the step tree, none of them a secret
 * @property {CryptoKey} seed not extractable
 * @property {number} renewFromMs
 * @property {{key: string, generation: number}} nextTerms
 * @property {string} [keyBefore] that of the credential before
 */

/** The browser keeps nothing here, or nothing more. */
export class Unkept extends Error {}

const NAME = "hufu";
const VERSION = 1;

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("phone");
      // A line for each step that was shown: `<tag> -> {step, finder}`.
      request.result.createObjectStore("shown");
    };
    request.onsuccess = () => {
      const forget = () => {
        opened = undefined;
      };
      request.result.onclose = forget;
      request.result.onversionchange = () => {
        request.result.close();
        forget();
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = undefined;
      reject(request.error);
    };
  });
  return opened;
}

/**
 * @template T
 * @param {("phone" | "shown")[]} names
 * @param {IDBTransactionMode} mode
 * @param {(...stores: IDBObjectStore[]) => IDBRequest<T> | void} work
 * @returns {Promise<T>}
 * @throws {Unkept}
 */
async function within(names, mode, work) {
  try {
    const database = await open();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(names, mode, { durability: "strict" });
      const request = work(...names.map((name) => transaction.objectStore(name)));
      transaction.oncomplete = () => resolve(/** @type {T} */ (request ? request.result : undefined));
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      transaction.onerror = () => reject(transaction.error);
    });
  } catch (why) {
    throw new Unkept(String(why));
  }
}

/** @param {string} key @returns {Promise<any>} undefined where there is nothing */
export const get = (key) => within(["phone"], "readonly", (store) => store.get(key));

/**
 * Writes and removes, all or none.
 * @param {Record<string, unknown>} values what is null is removed
 * @param {boolean} [isOther] whether every step that was shown goes
 */
export const put = (values, isOther = false) =>
  within(["phone", "shown"], "readwrite", (phone, shown) => {
    for (const [key, value] of Object.entries(values)) {
      if (value === null) phone.delete(key);
      else phone.put(value, key);
    }
    if (isOther) shown.clear();
  });

/** Removes everything. */
export const forget = () =>
  within(["phone", "shown"], "readwrite", (phone, shown) => {
    phone.clear();
    shown.clear();
  });

/** @typedef {{step: number, finder: Uint8Array}} Shown a step, and tag and key of its slips */

/**
 * Keeps a step that was shown, if the phone is still the one that showed it.
 * @param {string} tag in hexadecimal
 * @param {Shown} shown
 * @param {string} phone of the identity
 */
export const remember = (tag, shown, phone) =>
  within(["phone", "shown"], "readwrite", (kept, steps) => {
    const request = kept.get("identity");
    request.onsuccess = () => {
      if (request.result?.phone === phone) steps.put(shown, tag);
    };
  });

/** Every step that was shown. @returns {Promise<Shown[]>} */
export const remembered = () => within(["shown"], "readonly", (store) => store.getAll());

/** Forgets the steps before `oldest`. @param {number} oldest */
export const forgetBefore = (oldest) =>
  within(["shown"], "readwrite", (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      if (cursor.value.step < oldest) cursor.delete();
      cursor.continue();
    };
  });

/** What is set where the browser keeps no settings: until the page is closed. @type {Map<string, string | null>} */
const unkept = new Map();

/** A setting. @param {string} key @returns {string | null} */
export function setting(key) {
  if (unkept.has(key)) return unkept.get(key);
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value null removes it */
export function set(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    unkept.delete(key);
  } catch {
    unkept.set(key, value);
  }
}

const MARK = "hufu-activated";

/** Leaves a mark beside the database, so that a phone whose storage was cleared is told from a new one. @param {boolean} is */
export function mark(is) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${MARK}=1; Path=/; SameSite=Strict; Max-Age=${is ? 34_560_000 : 0}${secure}`;
  set(MARK, is ? "1" : null);
}

/** Whether this phone was activated once. */
export const wasMarked = () => setting(MARK) === "1" || document.cookie.includes(`${MARK}=1`);
