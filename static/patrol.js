// Reporting a clue: the phone's position on request or with a photo, photos shrunk as they are chosen, the report kept
// in the outbox (outbox.js) until the server has it. Without IndexedDB or without a script the form is an ordinary one.
//
//   data-patrol          the form (data-url of the REST door, data-town, data-year, data-most: photos)
//   data-pick            its file fields; data-picked: what is chosen; data-unpick: drops it
//   data-locate, data-locate-said; data-patrol-said: what became of the report

const { outbox } = window;
const form = document.querySelector("form[data-patrol]");
const TYPED = ["division", "category", "place", "note"]; // kept while the camera is open: a small phone may lose the page
const PLACE = ["longitude", "latitude", "accuracy_m"];
const DRAFT = `patrol ${location.pathname}`;
let photos = []; // { blob, name, said }

/* Where --------------------------------------------------------------------------------------------------------- */
const locate = form?.querySelector("[data-locate]");
const located = form?.querySelector("[data-locate-said]");

function lay(here) {
  PLACE.forEach((name) => { form.elements[name].value = here[name] ?? ""; });
  if (here.latitude) located.textContent = `已定位，误差约 ${Math.round(here.accuracy_m)} 米。`;
}

async function find() {
  located.textContent = "正在定位……";
  const here = await outbox.whereNow();
  lay(here);
  if (!here.latitude) located.textContent = "没有定到位，写清地点就行。";
}

if (locate && "geolocation" in navigator) {
  locate.hidden = false;
  locate.addEventListener("click", find);
}

/* Photos -------------------------------------------------------------------------------------------------------- */
const picked = form?.querySelector("[data-picked]");
const told = form?.querySelector("[data-patrol-said]");
const unpick = form?.querySelector("[data-unpick]");
const tell = (text) => { told.textContent = text; };

function count() {
  const size = photos.reduce((sum, one) => sum + one.blob.size, 0) / 1048576;
  picked.textContent = photos.length ? `已选 ${photos.length} 张，共 ${size.toFixed(1)} MB` : "";
  unpick.hidden = photos.length === 0;
}

async function pick(input) {
  const most = Number(form.dataset.most);
  for (const file of [...input.files]) {
    if (photos.length >= most) {
      tell(`一条线索最多 ${most} 张照片。`);
      break;
    }
    const said = await outbox.readExif(file);
    if (input.hasAttribute("capture")) {
      said.taken_at ??= new Date(file.lastModified || Date.now()).toISOString();
      if (!form.elements.latitude.value) find();
    }
    photos.push({ blob: await outbox.shrunk(file), name: file.name || "photo.jpg", said });
    count();
  }
  input.value = "";
}

/* Sending ------------------------------------------------------------------------------------------------------- */
function report() {
  const { town, year } = form.dataset;
  const fields = { town, year: Number(year) };
  [...TYPED, ...PLACE].forEach((name) => {
    const text = form.elements[name].value.trim();
    if (text) fields[name] = text;
  });
  return fields;
}

async function keep(fields) {
  const key = outbox.newKey();
  const clue = { key, kind: "clue", url: form.dataset.url, fields, label: fields.place };
  const own = photos.map(({ blob, name, said }) => ({ after: key, fields: said, label: fields.place, name, blob }));
  await outbox.keep(clue, ...own);
  return key;
}

function empty() {
  ["category", "place", "note", ...PLACE].forEach((name) => { form.elements[name].value = ""; });
  form.querySelectorAll(".field__error").forEach((line) => line.remove());
  photos = [];
  count();
  sessionStorage.removeItem(DRAFT);
}

// Refused while it can still be seen: it stands in the form again, to be put right there.
async function giveBack(row, mine) {
  [...TYPED, ...PLACE].forEach((name) => { form.elements[name].value = row.fields[name] ?? ""; });
  photos = mine;
  count();
  const own = (await outbox.mine()).filter((one) => one.key === row.key || (one.state === "refused" && one.after === row.key));
  for (const one of own) await outbox.drop(one.key);
  tell(row.reason);
}

async function submit(event) {
  event.preventDefault();
  if (!form.reportValidity()) return;
  const fields = report();
  const mine = photos;
  let key;
  try {
    key = await keep(fields);
  } catch {
    form.submit(); // the phone keeps nothing: the ordinary way, without the photos it could not keep
    return;
  }
  empty();
  tell(navigator.onLine ? "已记下，正在送，可以接着报下一条。" : "没有信号，已存在手机里，有信号自动送。");
  await outbox.send();
  const row = (await outbox.mine()).find((one) => one.key === key);
  if (row?.state === "sent") tell(`已收到：${fields.place}。`);
  if (row?.state === "refused") await giveBack(row, mine);
  await outbox.draw();
}

/* The draft ----------------------------------------------------------------------------------------------------- */
function draft() {
  const typed = TYPED.map((name) => [name, form.elements[name].value]);
  sessionStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(typed)));
}

function takeUp() {
  const typed = JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}");
  TYPED.filter((name) => typed[name] && !form.elements[name].value).forEach((name) => {
    form.elements[name].value = typed[name];
  });
}

if (form) {
  takeUp();
  form.addEventListener("input", draft);
  outbox.opened.then(() => {
    form.addEventListener("submit", submit);
    form.addEventListener("change", (event) => { if ("pick" in event.target.dataset) pick(event.target); });
    unpick.addEventListener("click", () => { photos = []; count(); });
    form.querySelectorAll("[data-script]").forEach((part) => { part.hidden = false; });
    form.querySelectorAll("[data-plain]").forEach((part) => { part.hidden = true; });
  }, () => {});
}
