// What the authority says of the holder.

import { el, fill, shape } from "./dom.js";
import { notices } from "./notices.js";
import * as phone from "./phone.js";
import { statusOf } from "./screen-code.js";
import { moment, number, say, span } from "./texts.js";

export function statusScreen({ again }) {
  const inside = el("div");
  const refresh = () => phone.refresh().catch((why) => console.warn(why));
  const button = el("button.main", { type: "button", id: "update", onclick: refresh }, say("holder-status-update"));
  const node = el("main", { id: "main" }, el("h1", {}, say("holder-tab-status")), inside, button);
  const update = () => {
    const { status } = phone.state;
    const { colour, words, at } = statusOf();
    const parts = [
      ...notices(again),
      el("section.pass", { "data-colour": colour }, el("div.band", {}, shape(colour), el("p.word", {}, say(`holder-colour-${colour}`)), el("p.words", {}, words))),
    ];
    if (at) parts.push(el("p.small", {}, say("holder-status-of", { time: moment(at) })));
    if (status) {
      const { test: last } = status;
      const test = last
        ? [say(`holder-test-${last.result}`), el("span.small", {}, moment(last.time_ms))]
        : [say("holder-status-none")];
      const rows = [
        [say("holder-status-test"), ...test],
        [say("holder-status-doses"), number(status.doses ?? 0)],
      ];
      if (status.until_ms) rows.push([say("holder-status-until"), moment(status.until_ms)]);
      if (status.phones > 1) rows.push([say("holder-status-phones"), number(status.phones)]);
      parts.push(el("dl.card", {}, ...rows.flatMap(([name, ...value]) => [el("dt", {}, name), el("dd", {}, ...value)])));
      if (status.phones > 1) parts.push(el("p.small", {}, say("holder-status-phones-more")));
      if (status.trips?.length) {
        parts.push(el("h2", {}, say("holder-trips-title")));
        const line = (trip) => el("li.card", {}, el("strong", {}, say("holder-trips-hub", { hub: String(trip.hub) })), el("br"), span(trip.from_ms, trip.until_ms));
        parts.push(el("ul.list", {}, ...status.trips.map(line)), el("p.small", {}, say("holder-trips-how")));
      }
      if (status.appeal) parts.push(el("p.small", {}, say("holder-status-appeal", { how: status.appeal })));
    }
    fill(inside, ...parts);
  };
  update();
  return { node, update };
}
