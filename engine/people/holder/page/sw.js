// Starts the page without a network. The server writes in front of this file: VERSION, FILES to keep, and DIGESTS of every file
// (the first 16 bytes of SHA-256; several where a file differs by language). A script of the page can write into the cache,
// so nothing comes out of it that is not the file.
/* global VERSION, FILES, DIGESTS */

const CACHE = `hufu-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      // One that is not whole, or of another version, ends this: the worker before stays, with all of its files.
      await Promise.all(FILES.map((file) => bring(cache, file)));
      // The language that is in use comes along.
      for (const old of await caches.keys()) {
        for (const request of old === CACHE ? [] : await (await caches.open(old)).keys()) {
          const { pathname } = new URL(request.url);
          if (pathname.startsWith("/texts/") && pathname in DIGESTS) await bring(cache, pathname).catch(() => {});
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
  if (request.mode === "navigate" && pathname === "/") event.respondWith(file("/", request));
  else if (pathname in DIGESTS && pathname !== "/") event.respondWith(file(pathname, request));
});

/** Puts a file into the cache, when the server has it as it should be. */
async function bring(cache, pathname) {
  const whole = await genuine(pathname, await fetch(new Request(pathname, { cache: "reload" })));
  if (!whole?.ok) throw new Error(`${pathname} is not the one of this version`);
  await cache.put(pathname, whole);
}

/** A file from the cache, or else from the server. */
async function file(pathname, request) {
  const cache = await caches.open(CACHE);
  const kept = await genuine(pathname, await cache.match(pathname));
  if (kept) return kept;
  const response = await fetch(request);
  const whole = response.ok && (await genuine(pathname, response.clone()));
  if (whole) await cache.put(pathname, whole.clone());
  return response;
}

/** The response, when its bytes are those of the file. */
async function genuine(pathname, response) {
  if (!response) return null;
  const { status, headers } = response;
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return DIGESTS[pathname].includes(hex) ? new Response(bytes, { status, headers }) : null;
}
