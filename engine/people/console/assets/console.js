// Puts the newest state in the place of the one before: one message a second has the live part of this page, whole.
const live = document.getElementById('live');
const lost = document.getElementById('lost');

// Makes `old` the same as `fresh` and keeps elements that are in both, so that focus and opened details stay.
const renew = (old, fresh) => {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  renewAll(old, fresh);
};

const renewAll = (old, fresh) => {
  const now = [...fresh.childNodes];
  const before = [...old.childNodes];
  now.forEach((node, at) => (at < before.length ? renew(before[at], node) : old.append(node)));
  before.slice(now.length).forEach((node) => node.remove());
};

let source = null;
let heard = 0;

// A hidden tab has no stream: a browser opens six connections to us in all. Each message is whole, so that none is missed.
const follow = () => {
  if (document.hidden) {
    source?.close();
    source = null;
    return;
  }
  if (source !== null) return;
  const opened = new EventSource(live.dataset.events);
  [source, heard] = [opened, performance.now()];
  opened.onmessage = ({ data }) => {
    heard = performance.now();
    lost.hidden = true;
    renewAll(live, new DOMParser().parseFromString(data, 'text/html').body);
  };
  opened.onerror = () => {
    // Refused: the session ended, or there are too many readers. The page itself says which.
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
};
document.addEventListener('visibilitychange', follow);
follow();
setInterval(() => {
  if (source !== null && performance.now() - heard > 4000) lost.hidden = false;
}, 1000);
