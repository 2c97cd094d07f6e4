// What was taken and said on the phone is kept on the device until the server has it: photos, reports, clues.
//
//   data-queue           the outbox (data-user; data-url of the REST door for photos of parcels)
//   data-net             the line about a missing signal; data-waiting: how many wait
// A photo is read (time, place), shrunk, kept in IndexedDB under a key of its own, and sent with that key until the
// server answers. Sent twice is one photo. Reports and clues go the same way; the photos of a clue wait for the clue
// (``after``) and go to the address its receipt names. phone-worker.js opens the pages again where there is no signal.
// phone.js and patrol.js take the forms over through ``window.outbox``; without a script they are ordinary forms.

const page = document;
const SIDE = 2048;
const QUALITY = 0.85;
const RETRY = [5, 15, 60, 300]; // seconds
const KEPT = 5; // delivered ones shown
const SLOWEST = 2; // bytes in a millisecond: a photo of 400 KB may take 200 seconds
const list = page.querySelector("[data-queue]");
const user = list?.dataset.user ?? "";
const csrf = page.querySelector('meta[name="csrf-token"]')?.content ?? "";

/* The store ------------------------------------------------------------------------------------------------- */
const opened = new Promise((resolve, reject) => {
  if (!window.indexedDB) return reject(new Error("no IndexedDB"));
  const asked = indexedDB.open("farmland", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("photos", { keyPath: "key" });
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
  return undefined;
});

async function store(mode, work) {
  const base = await opened;
  return new Promise((resolve, reject) => {
    const turn = base.transaction("photos", mode);
    const asked = work(turn.objectStore("photos"));
    turn.oncomplete = () => resolve(asked?.result);
    turn.onerror = () => reject(turn.error);
    turn.onabort = () => reject(turn.error);
  });
}
const put = (...rows) => store("readwrite", (photos) => { rows.forEach((row) => photos.put(row)); });
const drop = (key) => store("readwrite", (photos) => photos.delete(key));
const mine = async () => (await store("readonly", (photos) => photos.getAll()))
  .filter((row) => row.user === user).sort((one, other) => one.at - other.at);

/* What the photo says, read before shrinking takes it away ---------------------------------------------------- */
function exifOf(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return {};
  let at = 2;
  while (at + 4 < view.byteLength && view.getUint8(at) === 0xff) {
    const length = view.getUint16(at + 2);
    if (view.getUint16(at) === 0xffe1 && view.getUint32(at + 4) === 0x45786966) return tagsOf(view, at + 10);
    at += 2 + length;
  }
  return {};
}

function tagsOf(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const short = (at) => view.getUint16(at, little);
  const long = (at) => view.getUint32(at, little);
  const read = (offset) => {
    const tags = {};
    for (let at = start + offset + 2, left = short(start + offset); left > 0; left -= 1, at += 12) {
      const size = [0, 1, 1, 2, 4, 8][short(at + 2)] ?? 8;
      const count = long(at + 4);
      tags[short(at)] = { type: short(at + 2), count, at: size * count > 4 ? start + long(at + 8) : at + 8 };
    }
    return tags;
  };
  const text = (tag) => tag && Array.from({ length: tag.count }, (_, place) =>
    String.fromCharCode(view.getUint8(tag.at + place))).join("").replace(/\0/g, "").trim();
  const ratio = (tag, place = 0) => tag && long(tag.at + 8 * place) / long(tag.at + 8 * place + 4);
  const degrees = (tag, side, below) => {
    if (!tag) return null;
    const found = ratio(tag) + ratio(tag, 1) / 60 + ratio(tag, 2) / 3600;
    return text(side) === below ? -found : found;
  };
  const first = read(long(start + 4));
  const inside = first[0x8769] ? read(long(first[0x8769].at)) : {};
  const gps = first[0x8825] ? read(long(first[0x8825].at)) : {};
  const said = {};
  const taken = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(text(inside[0x9003]) ?? "");
  const zone = /^[+-]\d\d:\d\d$/.test(text(inside[0x9011]) ?? "") ? text(inside[0x9011]) : "";
  if (taken) said.taken_at = `${taken[1]}-${taken[2]}-${taken[3]}T${taken[4]}${zone}`;
  const latitude = degrees(gps[2], gps[1], "S");
  const longitude = degrees(gps[4], gps[3], "W");
  if (Number.isFinite(latitude) && Number.isFinite(longitude) && (latitude || longitude)) {
    said.latitude = latitude.toFixed(7);
    said.longitude = longitude.toFixed(7);
  }
  if (Number.isFinite(ratio(gps[17]))) said.azimuth = ratio(gps[17]).toFixed(2);
  if (Number.isFinite(ratio(gps[31]))) said.accuracy_m = ratio(gps[31]).toFixed(1);
  return said;
}

async function readExif(file) {
  try {
    return exifOf(await file.slice(0, 256 * 1024).arrayBuffer());
  } catch {
    return {};
  }
}

/* Where the phone is, when the camera has just been used and the photo does not say ---------------------------- */
function whereNow() {
  return new Promise((resolve) => {
    if (!navigator.geolocation || !window.isSecureContext) return resolve({});
    return navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({
        latitude: coords.latitude.toFixed(7),
        longitude: coords.longitude.toFixed(7),
        accuracy_m: Math.min(coords.accuracy, 999999).toFixed(1),
      }),
      () => resolve({}),
      { enableHighAccuracy: true, timeout: 6000, maximumAge: 60000 },
    );
  });
}

async function shrunk(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = page.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return blob && (scale < 1 || blob.size < file.size) ? blob : file;
  } catch {
    return file; // HEIC on most phones: the server can read it
  }
}

/* Taking in ----------------------------------------------------------------------------------------------------- */
const newKey = () => (crypto.randomUUID ? crypto.randomUUID()
  : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));

// Take rows in as waiting; the browser is asked not to throw them away when the phone runs full.
async function keep(...rows) {
  navigator.storage?.persist?.().catch(() => {});
  const at = Date.now();
  const waiting = { user, state: "waiting", tries: 0, reason: "", blob: null };
  await put(...rows.map((row, place) => ({ key: newKey(), ...waiting, ...row, at: at + place })));
}

/* Sending ------------------------------------------------------------------------------------------------------- */
let isSending = false;
let timer = 0;

async function send() {
  if (isSending || !navigator.onLine) return draw();
  isSending = true;
  clearTimeout(timer);
  try {
    for (let row = await next(); row && (await sent(row)); row = await next()) await draw();
  } catch {
    // the store is gone: the page shows what it shows
  } finally {
    isSending = false;
  }
  await draw();
  const left = await next().catch(() => null);
  if (left) timer = setTimeout(send, 1000 * RETRY[Math.min(left.tries, RETRY.length - 1)]);
  return undefined;
}

const next = async () => (await mine()).find((one) => one.state === "waiting" && !one.after);

function bodyOf(row) {
  if (row.kind) return JSON.stringify(row.fields);
  const body = new FormData();
  Object.entries(row.fields).forEach(([name, value]) => body.append(name, value));
  body.append("file", row.blob, row.blob.type === "image/jpeg" ? row.name.replace(/\.[^.]*$/, ".jpg") : row.name);
  return body;
}

// A line that has died without a word is given up after a while: a minute, and what a very slow one needs for the photo.
async function asked(row) {
  const stop = new AbortController();
  const patience = setTimeout(() => stop.abort(), 60000 + (row.blob?.size ?? 0) / SLOWEST);
  try {
    const answer = await fetch(row.url ?? list.dataset.url, {
      method: "POST", body: bodyOf(row), credentials: "same-origin", signal: stop.signal,
      headers: {
        "X-CSRFToken": csrf, "Idempotency-Key": row.key,
        ...(row.kind ? { "Content-Type": "application/json" } : {}),
      },
    });
    return [answer, await answer.json().catch(() => null)];
  } finally {
    clearTimeout(patience);
  }
}

// Whether to go on with the next one. What the server refuses stays as refused with its reason; all else waits.
async function sent(row) {
  let answer, said;
  try {
    [answer, said] = await asked(row);
    if (answer.ok && !said) throw new Error("cut off");
  } catch {
    await put({ ...row, tries: row.tries + 1, reason: "网络不通，自动再送" });
    return false;
  }
  if (answer.ok) {
    const receipt = said.id ?? "";
    const done = { blob: null, state: "sent", reason: "", receipt, done: Date.now() };
    await settle(row, done, { after: "", url: `${row.url}${receipt}/photos/` });
    return true;
  }
  const detail = said?.errors?.[0]?.detail ?? "";
  const isSession = answer.status === 401 || (answer.status === 403 && said?.errors?.[0]?.code !== "no_right");
  if (isSession || answer.status === 429 || answer.status >= 500) {
    const reason = isSession ? "请重新登录本页，照片还在手机里" : "服务器忙，自动再送";
    await put({ ...row, tries: row.tries + 1, reason });
    return false;
  }
  const refusal = { state: "refused", reason: detail || `没有收下（${answer.status}）` };
  await settle(row, refusal, { state: "refused", reason: "线索没有收下" });
  return true;
}

// What became of a row, and in the same breath of the photos that waited for it.
async function settle(row, change, others) {
  const waited = (await mine()).filter((one) => one.after === row.key);
  await put({ ...row, ...change }, ...waited.map((one) => ({ ...one, ...others })));
}

/* The outbox ------------------------------------------------------------------------------------------------------ */
const LOOKS = { waiting: ["queue", "待传"], sent: ["sent", "已送达"], refused: ["back", "被退回"] };
const clock = (moment) => new Date(moment).toTimeString().slice(0, 5);
const megabytes = (size) => `${(size / 1048576).toFixed(1)} MB`;

function wordsOf(row) {
  if (row.state === "sent") return `${clock(row.done)} 送达，${row.receipt ? `回执 ${row.receipt.slice(-6)}` : "没有变化"}`;
  return [row.blob ? megabytes(row.blob.size) : "", row.reason].filter(Boolean).join("，");
}

function lineOf(row) {
  const line = page.querySelector("[data-queue-row]").content.firstElementChild.cloneNode(true);
  const [icon, word] = LOOKS[row.state];
  line.dataset.local = "";
  line.querySelector("use").setAttribute("href", `#i-${icon}`);
  line.querySelector("b").textContent = row.kind ? row.label : `${row.label} 照片`;
  line.querySelector("span").textContent = word;
  line.querySelector("p").textContent = wordsOf(row);
  if (row.state === "refused") line.querySelector("p").append(" ", refusedButton(row));
  return line;
}

function refusedButton(row) {
  const button = page.createElement("button");
  button.type = "button";
  button.className = "button button--small";
  button.textContent = "知道了，删去";
  button.addEventListener("click", async () => {
    await drop(row.key);
    draw();
  });
  return button;
}

async function draw() {
  if (!list) return;
  const rows = await mine().catch(() => []);
  const done = rows.filter((row) => row.state === "sent");
  done.slice(0, -KEPT).forEach((row) => drop(row.key));
  const shown = [...rows.filter((row) => row.state !== "sent"), ...done.slice(-KEPT).reverse()];
  list.querySelectorAll("[data-local]").forEach((line) => line.remove());
  list.prepend(...shown.map(lineOf));
  const none = list.querySelector("[data-none]");
  if (none) none.hidden = shown.length > 0;
  const waiting = rows.filter((row) => row.state === "waiting").length;
  page.querySelectorAll("[data-waiting]").forEach((place) => {
    place.textContent = waiting ? String(waiting) : "";
  });
  tellNet(waiting);
}

function tellNet(waiting) {
  const line = page.querySelector("[data-net]");
  if (!line) return;
  const away = !navigator.onLine;
  line.hidden = !(away || waiting);
  const kept = waiting ? `${waiting} 件存在手机里` : "拍的、报的先存在手机里";
  line.querySelector("[data-net-text]").textContent = away ? `没有信号，${kept}` : `正在送，${kept}`;
}

/* Opening without a signal ---------------------------------------------------------------------------------------- */
const HERE = /^\/[^/]+\/\d+\/(?:phone|patrol)\//.exec(location.pathname)?.[0];

async function keepPages() {
  if (!HERE || !navigator.serviceWorker || !window.caches) return;
  const kept = await caches.open("farmland-phone");
  const before = await kept.match("/phone-user");
  if (before && (await before.text()) !== user) await caches.delete("farmland-phone"); // somebody else's pages
  await (await caches.open("farmland-phone")).put("/phone-user", new Response(user));
  await navigator.serviceWorker.register("/phone-worker.js", { scope: HERE });
}
keepPages().catch(() => {});

window.addEventListener("online", send);
window.addEventListener("offline", draw);
page.addEventListener("visibilitychange", () => page.visibilityState === "visible" && send());
opened.then(send, () => {});

window.outbox = { opened, keep, mine, drop, draw, send, newKey, readExif, whereNow, shrunk };
