// Shows what the gate says. Whatever goes wrong, no verdict stays on the screen.
"use strict";
const MARKS = { admit: "✓", refuse: "✕", refer: "?", ready: "▢", none: "–" };
const put = (id, text) => { document.getElementById(id).textContent = text; };
function line(text, { lang, dir }) {
  const shown = document.createElement("p");
  Object.assign(shown, { lang, dir, textContent: text });
  return shown;
}
function show({ mark, says, display, note, appeal, more }) {
  const known = mark in MARKS ? mark : "none";
  document.body.className = known;
  put("mark", MARKS[known]);
  put("says", says);
  put("display", display);
  put("note", note);
  put("appeal", appeal);
  const lines = more.flatMap((said) => [said.says, said.note, said.appeal].filter(Boolean).map((text) => line(text, said)));
  document.getElementById("more").replaceChildren(...lines);
}
const { events, gone } = document.body.dataset;
const source = new EventSource(events);
source.onmessage = (event) => show(JSON.parse(event.data));
source.onerror = () => {
  show({ mark: "none", says: gone, display: "", note: "", appeal: "", more: [] });
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000);
};
