// The page's sentences in the chosen language, and times as that language writes them.

import { speaker } from "/say.js";
import * as store from "./store.js";

/** As the list of languages shows them. */
export const LANGUAGES = {
  zh: "中文", en: "English", fr: "Français", de: "Deutsch", es: "Español", ms: "Bahasa Melayu", ar: "العربية", it: "Italiano",
  pt: "Português", ru: "Русский", tr: "Türkçe", id: "Bahasa Indonesia", ko: "한국어", ja: "日本語", th: "ไทย", vi: "Tiếng Việt",
};
const KEY = "hufu-language";

/** @type {(id: string, args?: Record<string, string | number>) => string} */
export let say = (id) => id;
/** @type {Record<string, string>} sentences of reasons, by their numbers */
let reasons = {};
let unknown = "";
/** The locale whose dates and numbers are written. */
export let locale = "en-GB";

/** The language that was chosen, else the phone's first one that is known. */
export function chosen() {
  const wanted = [store.setting(KEY), ...navigator.languages].filter((tag) => tag !== null);
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in LANGUAGES);
  return known ?? document.documentElement.lang ?? "en";
}

/**
 * Speaks a language from now on.
 * @param {string} language
 * @throws {Error} when it is not on the phone and there is no network; everything stays as it was
 */
export async function use(language) {
  const response = await fetch(`/texts/${language}.json`);
  if (!response.ok) throw new Error(`no texts: ${response.status}`);
  const script = await response.json();
  say = speaker(script.holder);
  ({ reasons, unknown } = script);
  locale = script.holder.locale;
  document.documentElement.lang = script.holder.lang;
  document.documentElement.dir = script.holder.dir;
  document.title = say("holder-app-title");
}

/** @param {string} language */
export const choose = (language) => store.set(KEY, language);

/** Why a gate decided as it did. @param {number} number */
export const reason = (number) => reasons[number] ?? unknown;

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => (/** @type {number} */ ms) => new Intl.DateTimeFormat(locale, options).format(ms);

/** Hours, minutes, seconds. */
export const clockTime = (ms) => format({ hour: "2-digit", minute: "2-digit", second: "2-digit" })(ms);
/** Day, hour and minute. */
export const moment = (ms) => format({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })(ms);
/** From one moment to another. */
export const span = (from, until) =>
  new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).formatRange(from, until);
export const number = (value) => new Intl.NumberFormat(locale).format(value);

/** A length of time in words. @param {number} ms */
export function lasting(ms) {
  const [value, unit] = ms < 90_000 ? [ms / 1000, "second"] : ms < 5_400_000 ? [ms / 60_000, "minute"] : [ms / 3_600_000, "hour"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(value);
}
