// The map beside the list of parcels: reads what the filters leave, draws it (land.js), and keeps list, map and drawer
// in step. Without a script the list works by itself.
//   [data-map data-shapes data-glance data-tiles]   the map; what it draws, what the drawer shows, where 天地图 has its pictures
//   [data-parcel] rows, [data-locate] buttons        lead to a parcel on the map
//   ?parcel=ID in the address                         a parcel that is open, so that the address can be sent

const box = document.querySelector("[data-map]");
const status = box.querySelector("[data-map-status]");
const drawer = document.querySelector("[data-drawer]");
const bench = box.parentElement;
const bare = (id) => id.replaceAll("-", "");
const dashed = (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
const NONE = "00000000-0000-0000-0000-000000000000";
const TIERS = {
  planned: "计划", ploughed: "已翻耕", planted: "已种植", evidenced: "已举证", accepted: "已认定", dead: "不可整改",
  idle: "无治理任务",
};
const PATIENCE = 30_000; // milliseconds

const map = L.map("map-view", {
  attributionControl: Boolean(box.dataset.tiles),
  zoomControl: false,
  zoomAnimation: false,
  fadeAnimation: false,
  zoomSnap: box.dataset.tiles ? 1 : 0.5,
  wheelPxPerZoomLevel: 90,
  minZoom: 5,
  maxZoom: 20,
  center: [35, 105],
  zoom: 5,
});
L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
if (box.dataset.tiles) picture(box.dataset.tiles);
window.farmlandMap = map; // for the measurement (bench/map.py)

let parcels = null;
let numbers = new Map(); // id → its number on the map
read();

async function read() {
  let facts = null;
  try {
    const answer = await fetch(box.dataset.shapes, { signal: AbortSignal.timeout?.(PATIENCE) });
    if (!answer.ok) throw new Error(String(answer.status));
    facts = await answer.json();
  } catch {
    say("没有读到图形，请检查网络后刷新页面。清单不受影响。");
    return;
  }
  begin(facts);
}

function say(text) {
  status.textContent = text;
}

function begin(facts) {
  if (facts.too_many) {
    say(`筛选后有 ${facts.too_many} 个图形，最多画 ${facts.most} 个，请先按村或任务筛选。`);
    return;
  }
  if (!facts.ids.length) {
    say("筛选后的图斑都没有图形。");
    return;
  }
  numbers = new Map(facts.ids.map((id, number) => [id, number]));
  legend(facts);
  layers(facts);
  map.invalidateSize({ pan: false }); // the legend has taken its room
  parcels = L.farmlandParcels(facts);
  fit();
  parcels.addTo(map);
  tell();
  rows();
  const asked = new URLSearchParams(location.search).get("parcel");
  if (asked && numbers.has(bare(asked))) open(numbers.get(bare(asked)), { isFound: true });
  box.dataset.ready = String(facts.ids.length);
  performance.mark("farmland-map-drawn");
}

function tell(number = -1) {
  const { facts } = parcels;
  if (number >= 0) say(`${facts.codes[number]}，${facts.looks[facts.look[number]].name}`);
  else say(`${facts.ids.length} 个图形，点图斑或清单中的一行看它的经过`);
}

function fit() {
  map.fitBounds(parcels.bounds(), { padding: [16, 16], animate: false });
}

/* Legend and layers ------------------------------------------------------------------------------------------ */
function sample(paint) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height, canvas.className] = [22, 12, "map__swatch"];
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  paint(pen);
  return canvas;
}

function legend(facts) {
  const used = new Set(facts.look.map((look) => facts.looks[look].tier));
  const items = Object.keys(TIERS).filter((tier) => used.has(tier)).map((tier) => {
    const item = document.createElement("li");
    const patch = sample((pen) => {
      pen.fillStyle = L.farmlandGround(tier);
      pen.fillRect(0, 0, 22, 12);
      pen.strokeStyle = "#6d6f62";
      pen.strokeRect(0.5, 0.5, 21, 11);
    });
    item.append(patch, TIERS[tier]);
    return item;
  });
  box.querySelector("[data-map-legend]").replaceChildren(...items);
}

function layers(facts) {
  const field = box.querySelector("[data-map-layers]");
  facts.layers.forEach((layer, at) => {
    const label = document.createElement("label");
    const tick = document.createElement("input");
    [tick.type, tick.className, tick.checked] = ["checkbox", "check", true];
    tick.addEventListener("change", () => parcels.toggle(at, tick.checked));
    const patch = sample((pen) => {
      pen.setLineDash(L.farmlandDash(layer.kind));
      pen.lineWidth = 2;
      pen.strokeRect(1, 2, 20, 8);
    });
    label.append(tick, patch, layer.name);
    field.append(label);
  });
  field.hidden = !facts.layers.length;
}

function picture(address) {
  const at = (name) => address.replace("LAYER_w", `${name}_w`).replace("=LAYER&", `=${name}&`);
  const facts = { subdomains: "01234567", maxNativeZoom: 18, maxZoom: 20, attribution: "底图：天地图" };
  L.tileLayer(at("img"), facts).addTo(map);
  L.tileLayer(at("cia"), facts).addTo(map);
}

/* Map → drawer, list → map ----------------------------------------------------------------------------------- */
// The drawer takes its room from the map only while a parcel is open.
function room(isOpen) {
  if (bench.classList.contains("is-open") === isOpen) return;
  bench.classList.toggle("is-open", isOpen);
  map.invalidateSize({ pan: false });
}

function open(number, { isFound = false, byKey = false } = {}) {
  room(true);
  parcels.select(number);
  tell(number);
  const id = dashed(parcels.facts.ids[number]);
  const there = parcels.bounds([number]);
  if (isFound) map.fitBounds(there, { maxZoom: 17.5, padding: [60, 60], animate: false });
  else map.panInside(there.getCenter(), { padding: [60, 60], animate: false });
  document.querySelectorAll("[data-parcel]").forEach((row) => {
    if (row.dataset.parcel === id) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  });
  keep(id);
  show(id).then(() => {
    const { top } = drawer.getBoundingClientRect();
    if (top < 0 || top > innerHeight - 120) drawer.scrollIntoView(); // where it stands below or above what was chosen
    if (byKey) drawer.focus({ preventScroll: true });
  });
}

function close() {
  parcels.select(-1);
  tell();
  document.querySelectorAll("[data-parcel][aria-selected]").forEach((row) => row.removeAttribute("aria-selected"));
  drawer.replaceChildren();
  room(false);
  keep(null);
  map.getContainer().focus();
}

function keep(id) {
  const address = new URL(location.href);
  if (id) address.searchParams.set("parcel", id);
  else address.searchParams.delete("parcel");
  history.replaceState(null, "", address);
}

let asked = 0;
async function show(id) {
  const turn = (asked += 1);
  let text = "";
  try {
    const answer = await fetch(box.dataset.glance.replace(NONE, id), { signal: AbortSignal.timeout?.(PATIENCE) });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    text = await answer.text();
  } catch {
    text = '<p class="drawer__hint">没有读到这个图斑，请检查网络后再点一次。</p>';
  }
  if (turn !== asked) return; // another one was chosen meanwhile
  drawer.innerHTML = text; // our own page's fragment, escaped by its template
  drawer.querySelector("[data-map-close]")?.addEventListener("click", close);
}

function rows() {
  document.querySelectorAll("[data-parcel]").forEach((row) => {
    const number = numbers.get(bare(row.dataset.parcel));
    if (number === undefined) return;
    row.dataset.onMap = "";
    const button = row.querySelector("[data-locate]");
    if (button) button.hidden = false;
    row.addEventListener("click", (event) => {
      if (event.target.closest("a, input, select, summary") || String(getSelection())) return;
      open(number, { isFound: true, byKey: event.detail === 0 });
    });
  });
}

map.on("click", (event) => {
  const number = parcels ? parcels.find(event.latlng) : -1;
  if (number >= 0) open(number);
});
let waiting = null;
map.on("mousemove", (event) => {
  if (!parcels) return;
  if (!waiting) requestAnimationFrame(() => {
    const number = parcels.find(waiting);
    waiting = null;
    map.getContainer().classList.toggle("is-over", number >= 0);
    tell(number >= 0 ? number : parcels.selected);
  });
  waiting = event.latlng;
});
map.getContainer().addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !parcels) return;
  const number = parcels.find(map.getCenter());
  if (number >= 0) open(number, { byKey: true });
  else say("正中没有图斑，用方向键移动后再按回车。");
});
box.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-map-do]")?.dataset.mapDo;
  if (wanted === "in") map.zoomIn(1);
  if (wanted === "out") map.zoomOut(1);
  if (wanted === "fit" && parcels) fit();
});
