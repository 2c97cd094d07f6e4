// 手机页 and 上报线索 without a signal: pages somebody has opened open again as they were, with what they are made of.
// The network comes first; the copy is shown only when no answer comes. Signing in as somebody else, signing out
// (app.js) and a week without a look take the copies away.

const PAGES = "farmland-phone";
const PATIENCE = 8000; // ms: then the copy, if there is one
const WEEK = 7 * 24 * 3600 * 1000;
const STAMP = "x-kept-at";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const isPage = request.mode === "navigate" && /^\/[^/]+\/\d+\/(?:phone|patrol)\//.test(url.pathname);
  if (isPage || url.pathname.startsWith("/static/")) event.respondWith(answer(request, isPage));
});

async function answer(request, isPage) {
  const kept = await copyOf(request);
  const asked = fetched(request, isPage);
  asked.catch(() => {}); // what comes too late is kept, what fails too late is no news
  try {
    return await (kept ? Promise.race([asked, tooLong()]) : asked);
  } catch (error) {
    if (kept) return kept;
    if (!isPage) throw error;
    return new Response("<!DOCTYPE html><meta charset=utf-8><title>没有信号</title><p>没有信号，这一页还没有打开过，手机里没有存。有信号时打开一次，以后没有信号也能看。", {
      status: 503, headers: { "Content-Type": "text/html; charset=utf-8" },
    });
  }
}

async function fetched(request, isPage) {
  const got = await fetch(request);
  if (isPage && got.redirected) await caches.delete(PAGES); // signed out
  else if (got.ok && got.type === "basic") {
    const headers = new Headers(got.headers);
    headers.set(STAMP, String(Date.now()));
    const copy = new Response(await got.clone().blob(), { status: got.status, headers });
    await (await caches.open(PAGES)).put(request, copy);
  }
  return got;
}

async function copyOf(request) {
  const found = await caches.match(request, { cacheName: PAGES });
  const isOld = found && Date.now() - Number(found.headers.get(STAMP)) > WEEK;
  return isOld ? undefined : found;
}

const tooLong = () => new Promise((_, reject) => { setTimeout(() => reject(new Error("too long")), PATIENCE); });
