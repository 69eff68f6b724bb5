// Language, large print, what the phone keeps, and removing it.

import { announce, el, fill } from "./dom.js";
import * as phone from "./phone.js";
import { choose, chosen, LANGUAGES, say, use } from "./texts.js";

/** @param {{again: () => void, isCare: () => boolean, setCare: (on: boolean) => void, activate: () => void}} context */
export function moreScreen({ again, isCare, setCare, activate }) {
  const trouble = el("p.small", { role: "status" });
  const language = el(
    "select",
    { id: "language" },
    ...Object.entries(LANGUAGES).map(([tag, name]) => el("option", { value: tag, lang: tag, selected: tag === chosen() }, name)),
  );
  language.addEventListener("change", async () => {
    const tag = /** @type {HTMLSelectElement} */ (language).value;
    try {
      await use(tag);
      choose(tag);
      again();
      document.getElementById("language")?.focus();
    } catch {
      trouble.textContent = say("holder-language-offline");
    }
  });
  const care = el(
    "button.switch",
    { type: "button", role: "switch", id: "care", "aria-checked": String(isCare()), onclick: () => setCare(!isCare()) },
    el("span", {}, say("holder-more-care")),
    el("span.knob", { "aria-hidden": "true" }),
  );
  const kept = el("p.small");
  navigator.storage?.persisted?.().then((is) => {
    kept.textContent = say(is ? "holder-more-kept" : "holder-more-not-kept");
  });
  const removal = el("div");
  const remove = async () => {
    fill(removal, el("p.working", {}, say("holder-working")));
    await phone.forget();
    announce(say("holder-more-removed"));
  };
  const sure = () =>
    fill(
      removal,
      el("p", {}, say("holder-more-remove-sure")),
      el("button.bad", { type: "button", id: "remove-do", onclick: remove }, say("holder-more-remove-do")),
      el("button.plain", { type: "button", onclick: asking }, say("holder-back")),
    );
  const asking = () => fill(removal, el("button.plain", { type: "button", id: "remove", onclick: sure }, say("holder-more-remove")));
  asking();
  const node = el(
    "main",
    { id: "main" },
    el("h1", {}, say("holder-tab-more")),
    el("section.card", {}, el("label", { for: "language" }, say("holder-more-language")), language, trouble),
    el("section.card", {}, care),
    el("section.card", {}, el("h2", {}, say("holder-more-keeps")), el("p", {}, say("holder-more-keeps-what")), kept, el("p.small", {}, say("holder-more-install"))),
    el("section.card", {}, el("button.plain", { type: "button", id: "again", onclick: activate }, say("holder-activate-title")), removal),
  );
  return { node, update: () => {} };
}
