// Starts the page without a network. The server writes VERSION and FILES in front of this file.
/* global VERSION, FILES */

const CACHE = `hufu-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
      // The language that is in use comes along.
      for (const old of await caches.keys()) {
        for (const request of old === CACHE ? [] : await (await caches.open(old)).keys()) {
          if (new URL(request.url).pathname.startsWith("/texts/")) await cache.add(request.url).catch(() => {});
        }
      }
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === "/") event.respondWith(cached("/", request));
  else if (FILES.includes(pathname) || pathname.startsWith("/texts/")) event.respondWith(cached(pathname, request));
});

async function cached(pathname, request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(pathname);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(pathname, response.clone());
  return response;
}
