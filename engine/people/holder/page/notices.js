// What the holder has to know above everything else.

import * as clock from "./clock.js";
import { el } from "./dom.js";
import * as phone from "./phone.js";
import { lasting, moment, say } from "./texts.js";

/** Problems that have a sentence of their own. */
const KNOWN = [
  "number-unknown", "number-used", "number-expired", "number-replaced", "number-mistyped", "conflict", "offline", "phone-ended",
];

/** What a trouble says. @param {{name: string, isPassing?: boolean}} trouble */
export function saidOf({ name, isPassing }) {
  if (KNOWN.includes(name)) return say(`holder-problem-${name}`);
  if (name === "broken") return say("holder-broken");
  if (name === "unauthenticated") return say("holder-problem-phone-ended");
  return say(isPassing && name !== "failed" ? "holder-problem-busy" : "holder-problem-failed");
}

/** @param {() => void} again draws the page again @returns {HTMLElement[]} */
export function notices(again) {
  const { held, trouble, ended, isBroken } = phone.state;
  const all = [];
  const add = (kind, text, ...more) => all.push(el(`div.notice.${kind}`, {}, el("p", {}, text), ...more));
  const isUnkept = isBroken || trouble?.name === "broken";
  if (isUnkept) add("bad", say("holder-broken"));
  if (ended) add("bad", say("holder-problem-phone-ended"));
  const off = clock.ahead();
  if (off !== 0) {
    const right = () => {
      phone.clockIsRight();
      again();
    };
    add(
      "warn",
      say(off > 0 ? "holder-clock-ahead" : "holder-clock-behind", { span: lasting(Math.abs(off)) }),
      el("button.plain", { type: "button", id: "clock-right", onclick: right }, say("holder-clock-right")),
    );
  }
  const isDue = held && clock.now() >= held.renewUntilMs && clock.now() < held.expiresMs;
  if (isDue && !ended) add("warn", say("holder-renew-soon", { time: moment(held.expiresMs) }));
  if (trouble && held && !ended && !isUnkept) add("calm", saidOf(trouble));
  return all;
}
