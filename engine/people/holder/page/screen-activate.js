// The first screen: a number from the authority makes this phone its holder's.

import { el, fill } from "./dom.js";
import { saidOf } from "./notices.js";
import { grouped, LENGTH, readNumber } from "./number.js";
import * as phone from "./phone.js";
import { number, say } from "./texts.js";
import { wasMarked } from "./store.js";

/** @param {{linked: string | null, leave: () => void}} context */
export function activateScreen({ linked, leave }) {
  const said = el("p.said", { id: "number-said", "aria-live": "polite" });
  const input = /** @type {HTMLInputElement} */ (
    el("input.number", {
      id: "number",
      name: "number",
      autocomplete: "one-time-code",
      autocapitalize: "characters",
      spellcheck: "false",
      dir: "ltr",
      "aria-describedby": "number-said",
    })
  );
  const button = el("button.main", { type: "submit", id: "activate" }, say("holder-activate-do"));
  const report = el("div", { role: "status" });

  const look = () => {
    const { letters, wrong } = readNumber(input.value);
    input.setCustomValidity("");
    if (wrong.length) said.textContent = say("holder-activate-wrong", { letters: [...new Set(wrong)].join(" ") });
    else if (letters.length > LENGTH) said.textContent = say("holder-problem-number-mistyped");
    else said.textContent = letters ? `${number(letters.length)} / ${number(LENGTH)}` : "";
    input.setAttribute("aria-invalid", String(wrong.length > 0 || letters.length > LENGTH));
    return { letters, isWhole: !wrong.length && letters.length === LENGTH };
  };
  input.addEventListener("input", () => {
    const { letters } = look();
    const isAtEnd = input.selectionStart === input.value.length;
    if (isAtEnd && !readNumber(input.value).wrong.length) input.value = grouped(letters);
  });
  const submit = async (event) => {
    event.preventDefault();
    const { letters, isWhole } = look();
    if (!isWhole) {
      if (!said.textContent || letters.length < LENGTH) said.textContent = say("holder-problem-number-mistyped");
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return;
    }
    if (!(await phone.begin(letters))) return;
    phone.pulse();
    leave();
  };
  const before = phone.state.identity && !phone.state.ended ? phone.state.identity.display : null;
  const isCleared = !phone.state.identity && !phone.state.pending && wasMarked();
  const node = el(
    "main",
    { id: "main" },
    el("h1", {}, say("holder-activate-title")),
    isCleared && el("div.notice.warn", { id: "cleared" }, el("p", {}, say("holder-cleared"))),
    before && el("div.notice.warn", { id: "replaces" }, el("p", {}, say("holder-activate-replace", { name: before }))),
    el(
      "form.card",
      { onsubmit: submit, novalidate: true },
      el("p", {}, say("holder-activate-how")),
      el("label", { for: "number" }, say("holder-activate-number")),
      input,
      said,
      button,
    ),
    report,
  );
  if (linked) {
    input.value = grouped(readNumber(linked).letters) || linked;
    look();
  }
  const update = () => {
    const { isBroken, pending } = phone.state;
    const trouble = isBroken ? { name: "broken" } : phone.state.trouble;
    // A number that something else refuses again and again does not keep the holder from another one.
    const isWaiting = Boolean(pending) && (!trouble || Boolean(trouble.isPassing));
    input.disabled = isWaiting;
    button.toggleAttribute("disabled", isWaiting);
    if (!pending && trouble?.number && !input.value) input.value = grouped(trouble.number);
    const parts = [];
    if (trouble) parts.push(el(`div.notice.${trouble.isPassing ? "calm" : "bad"}`, { id: "trouble" }, el("p", {}, saidOf(trouble))));
    else if (pending) parts.push(el("p.working", {}, say("holder-activate-working")));
    fill(report, ...parts);
  };
  update();
  return { node, update };
}
