// The number of an invitation, as people type it: 16 letters of Crockford's base 32.

export const LENGTH = 16;
const LETTERS = /[0-9A-HJKMNP-TV-Z]/;
const LOOKALIKES = { O: "0", I: "1", L: "1" };

/**
 * What is left of a typed number, and what cannot be in one.
 * @param {string} typed
 * @returns {{letters: string, wrong: string[]}}
 */
export function readNumber(typed) {
  const all = [...typed.normalize("NFKC").toUpperCase()]
    .filter((letter) => !/[\s\-\u2010-\u2015\u2212]/.test(letter))
    .map((letter) => LOOKALIKES[letter] ?? letter);
  const letters = all.filter((letter) => LETTERS.test(letter)).join("");
  return { letters, wrong: all.filter((letter) => !LETTERS.test(letter)) };
}

/** In groups of four. @param {string} letters */
export const grouped = (letters) => letters.match(/.{1,4}/g)?.join("-") ?? "";

/**
 * The number in a link, `#activate=NUMBER`, which is taken off the address at once: it stays in no history and no screenshot.
 * @returns {string | null}
 */
export function takeFromAddress() {
  const number = new URLSearchParams(location.hash.slice(1)).get("activate");
  if (number !== null) history.replaceState(null, "", location.pathname);
  return number;
}
