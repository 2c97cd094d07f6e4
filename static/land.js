// The layer that draws parcels: one canvas over the map, one path for each ground, so that 20,000 boundaries stay
// quick on an office computer. Adds L.farmlandParcels(facts) to Leaflet; the answer it reads is written by
// tasks/views/parcel_map.py: rings are whole steps from the origin, each ring x, y and then differences, and the first
// point of a ring is the difference from the first point of the ring before it.

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const EDGE = "#6d6f62";
const IDLE = { fill: "#f7f5ea", edge: "#c3bda0" };
const DASHES = { redline: [10, 4], steep: [2, 4], other: [6, 2, 1, 2] }; // of layers, as on paper (map.css)
const dash = (kind) => DASHES[kind] ?? DASHES.other;
const PAD = 0.4; // of the map's size, drawn around it so that moving shows no bare edge

/* Grounds: the same six as in bars and swatches ------------------------------------------------------------- */
function tile(size, tier, draw) {
  const dots = Math.max(1, Math.ceil(window.devicePixelRatio || 1));
  const canvas = document.createElement("canvas");
  canvas.width = size[0] * dots;
  canvas.height = size[1] * dots;
  const pen = canvas.getContext("2d");
  pen.scale(dots, dots);
  pen.fillStyle = colour(`tier-${tier}`);
  pen.fillRect(0, 0, size[0], size[1]);
  pen.strokeStyle = pen.fillStyle = tier === "evidenced" ? colour("tier-accepted") : colour(`tier-${tier}-line`);
  draw(pen);
  const pattern = pen.createPattern(canvas, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / dots));
  return pattern;
}
function line(pen, width, points) {
  pen.lineWidth = width;
  pen.beginPath();
  points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}
// A slanting line that meets itself at the edges of its tile, upwards or downwards.
const slant = (width, up) => (pen) => {
  [-7, 0, 7].forEach((shift) => line(pen, width, up ? [[shift - 1, 8], [shift + 8, -1]] : [[shift - 1, -1], [shift + 8, 8]]));
};
const PAINT = {
  accepted: () => colour("tier-accepted"),
  evidenced: () => tile([7, 7], "evidenced", slant(1.6, true)),
  planted: () => tile([7, 7], "planted", slant(1.5, false)),
  ploughed: () =>
    tile([8, 5], "ploughed", (pen) => {
      pen.lineWidth = 1.25;
      pen.beginPath();
      pen.moveTo(0, 3.5);
      pen.quadraticCurveTo(2, 1.5, 4, 3.5);
      pen.quadraticCurveTo(6, 5.5, 8, 3.5);
      pen.stroke();
    }),
  planned: () =>
    tile([6, 6], "planned", (pen) => {
      [[1.5, 1.5], [4.5, 4.5]].forEach(([x, y]) => {
        pen.beginPath();
        pen.arc(x, y, 0.9, 0, 7);
        pen.fill();
      });
    }),
  dead: () => tile([7, 7], "dead", (pen) => [true, false].forEach((up) => slant(1, up)(pen))),
  idle: () => IDLE.fill,
};
const made = {};
function ground(tier) {
  const known = PAINT[tier] ? tier : "planned";
  made[known] ??= PAINT[known]();
  return made[known];
}

/* What the answer holds, as places on the map at zoom 0 ------------------------------------------------------ */
function unpack(facts) {
  const { origin, step, rings, of, ids } = facts;
  const total = rings.reduce((sum, ring) => sum + ring.length, 0);
  const points = new Float64Array(total);
  const starts = new Uint32Array(rings.length + 1);
  const boxes = new Float64Array(4 * (ids.length + facts.layers.length)).fill(Infinity);
  const ofParcel = Array.from({ length: ids.length + facts.layers.length }, () => []);
  let [firstX, firstY, at] = [0, 0, 0];
  rings.forEach((ring, number) => {
    const box = 4 * of[number];
    ofParcel[of[number]].push(number);
    starts[number] = at;
    let [x, y] = [firstX, firstY];
    for (let i = 0; i < ring.length; i += 2) {
      x += ring[i];
      y += ring[i + 1];
      if (!i) [firstX, firstY] = [x, y];
      const [across, down] = flat(origin[0] + x * step, origin[1] + y * step);
      points[at++] = across;
      points[at++] = down;
      boxes[box] = Math.min(boxes[box], across);
      boxes[box + 1] = Math.min(boxes[box + 1], down);
      boxes[box + 2] = Math.min(boxes[box + 2], -across); // kept negative, so that one fill serves all four
      boxes[box + 3] = Math.min(boxes[box + 3], -down);
    }
  });
  starts[rings.length] = at;
  for (let i = 0; i < boxes.length; i += 4) {
    boxes[i + 2] *= -1;
    boxes[i + 3] *= -1;
  }
  return { points, starts, boxes, ofParcel };
}
// Longitude and latitude in the 256 × 256 units of the whole world (EPSG:3857 at zoom 0).
function flat(longitude, latitude) {
  const sine = Math.sin((latitude * Math.PI) / 180);
  return [(256 * (longitude + 180)) / 360, 128 * (1 - Math.log((1 + sine) / (1 - sine)) / (2 * Math.PI))];
}

/* The layer -------------------------------------------------------------------------------------------------- */
const Parcels = L.Layer.extend({
  initialize(facts) {
    this.facts = facts;
    this.land = unpack(facts);
    this.selected = -1;
    this.hidden = new Set(); // numbers of layers
  },
  onAdd(map) {
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide");
    this.canvas.setAttribute("aria-hidden", "true");
    map.getPane("overlayPane").append(this.canvas);
    map.on("moveend resize viewreset", this.draw, this);
    map.on("move", this.follow, this);
    this.draw();
  },
  onRemove(map) {
    this.canvas.remove();
    map.off("moveend resize viewreset", this.draw, this).off("move", this.follow, this);
  },
  // Drawn again on the way only when the margin is used up.
  follow() {
    const size = this._map.getSize();
    const shift = this._map.containerPointToLayerPoint([0, 0]).subtract(this.corner);
    if (shift.x < 0 || shift.y < 0 || shift.x > 2 * PAD * size.x || shift.y > 2 * PAD * size.y) this.draw();
  },
  draw() {
    const map = this._map;
    const size = map.getSize();
    const dots = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(size.x * (1 + 2 * PAD)), Math.round(size.y * (1 + 2 * PAD))];
    this.corner = map.containerPointToLayerPoint([-size.x * PAD, -size.y * PAD]).round();
    L.DomUtil.setPosition(this.canvas, this.corner);
    if (this.canvas.width !== width * dots || this.canvas.height !== height * dots) {
      this.canvas.width = width * dots;
      this.canvas.height = height * dots;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.view(map, width, height);
    this.paint(pen);
  },
  // Where the sheet lies in world units, and which parcels touch it, by ground.
  view(map, width, height) {
    const scale = 2 ** map.getZoom();
    const first = map.getPixelOrigin().add(this.corner);
    this.at = { scale, x: first.x, y: first.y };
    const [west, north, east, south] = [first.x / scale, first.y / scale, (first.x + width) / scale, (first.y + height) / scale];
    const { boxes } = this.land;
    this.seen = this.facts.looks.map(() => []);
    let wide = 0;
    let count = 0;
    this.facts.look.forEach((look, number) => {
      const at = 4 * number;
      if (boxes[at] > east || boxes[at + 2] < west || boxes[at + 1] > south || boxes[at + 3] < north) return;
      this.seen[look].push(number);
      wide += boxes[at + 2] - boxes[at];
      count += 1;
    });
    this.count = count;
    this.wide = count ? (wide / count) * scale : 0; // pixels of an average parcel
  },
  trace(pen, number) {
    const { points, starts, ofParcel } = this.land;
    const { scale, x, y } = this.at;
    for (const ring of ofParcel[number]) {
      for (let i = starts[ring]; i < starts[ring + 1]; i += 2) {
        const [across, down] = [points[i] * scale - x, points[i + 1] * scale - y];
        if (i === starts[ring]) pen.moveTo(across, down);
        else pen.lineTo(across, down);
      }
      pen.closePath();
    }
  },
  paint(pen) {
    pen.lineJoin = "round";
    this.facts.looks.forEach((look, at) => {
      if (!this.seen[at].length) return;
      pen.beginPath();
      this.seen[at].forEach((number) => this.trace(pen, number));
      pen.fillStyle = ground(look.tier);
      pen.fill("evenodd");
      if (this.wide < 4) return; // edges would be all there is to see
      pen.lineWidth = this.wide < 12 ? 0.5 : 1;
      pen.strokeStyle = look.tier === "idle" ? IDLE.edge : EDGE;
      pen.stroke();
    });
    this.facts.layers.forEach((layer, at) => this.hidden.has(at) || this.outline(pen, layer, this.facts.ids.length + at));
    if (this.selected >= 0) this.mark(pen);
    this.name(pen);
  },
  outline(pen, layer, number) {
    pen.beginPath();
    this.trace(pen, number);
    pen.save();
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 2;
    pen.setLineDash(dash(layer.kind));
    pen.stroke();
    pen.globalAlpha = 0.06;
    pen.fillStyle = colour("ink");
    pen.fill("evenodd");
    pen.restore();
  },
  mark(pen) {
    pen.beginPath();
    this.trace(pen, this.selected);
    [[8, colour("focus-halo")], [3, colour("ink")]].forEach(([width, paint]) => {
      pen.lineWidth = width;
      pen.strokeStyle = paint;
      pen.stroke();
    });
  },
  width(number) {
    const { boxes } = this.land;
    return (boxes[4 * number + 2] - boxes[4 * number]) * this.at.scale;
  },
  middle(number) {
    const { boxes } = this.land;
    const { scale, x, y } = this.at;
    const at = 4 * number;
    return [((boxes[at] + boxes[at + 2]) / 2) * scale - x, ((boxes[at + 1] + boxes[at + 3]) / 2) * scale - y];
  },
  // The last figures of the codes once there is room, names of villages while there is not.
  name(pen) {
    const write = (text, x, y) => {
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
    };
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.strokeStyle = "#fffefb";
    pen.fillStyle = colour("ink");
    pen.lineWidth = 3;
    const { fontFamily } = getComputedStyle(document.body);
    if (this.wide > 30 && this.count < 600) {
      pen.font = `600 11px ${fontFamily}`;
      this.seen.flat().forEach((number) => {
        if (this.width(number) > 24) write(this.facts.codes[number].slice(-4), ...this.middle(number));
      });
      return;
    }
    pen.font = `600 14px ${fontFamily}`;
    const { scale, x, y } = this.at;
    this.facts.places.forEach(([text, longitude, latitude]) => {
      const [across, down] = flat(longitude, latitude);
      write(text, across * scale - x, down * scale - y);
    });
  },
  // The number of the parcel at a place on the map; -1: none.
  find(latlng) {
    const [x, y] = flat(latlng.lng, latlng.lat);
    const { boxes } = this.land;
    for (let number = this.facts.ids.length - 1; number >= 0; number -= 1) {
      const at = 4 * number;
      if (x < boxes[at] || x > boxes[at + 2] || y < boxes[at + 1] || y > boxes[at + 3]) continue;
      if (this.holds(number, x, y)) return number;
    }
    return -1;
  },
  holds(number, x, y) {
    const { points, starts, ofParcel } = this.land;
    let inside = false;
    for (const ring of ofParcel[number]) {
      const [start, end] = [starts[ring], starts[ring + 1]];
      for (let i = start, j = end - 2; i < end; j = i, i += 2) {
        const crosses = points[i + 1] > y !== points[j + 1] > y;
        if (crosses && x < ((points[j] - points[i]) * (y - points[i + 1])) / (points[j + 1] - points[i + 1]) + points[i]) {
          inside = !inside;
        }
      }
    }
    return inside;
  },
  // The box of some parcels, of all without any named.
  bounds(numbers) {
    const { boxes } = this.land;
    const found = numbers ?? this.facts.ids.map((_, number) => number);
    const side = (offset, pick) => found.reduce((edge, number) => pick(edge, boxes[4 * number + offset]), pick === Math.min ? Infinity : -Infinity);
    const place = (x, y) => L.latLng((Math.atan(Math.sinh(Math.PI * (1 - y / 128))) * 180) / Math.PI, (x / 256) * 360 - 180);
    return L.latLngBounds(place(side(0, Math.min), side(3, Math.max)), place(side(2, Math.max), side(1, Math.min)));
  },
  select(number) {
    this.selected = number;
    this.draw();
  },
  toggle(layer, isShown) {
    if (isShown) this.hidden.delete(layer);
    else this.hidden.add(layer);
    this.draw();
  },
});
L.farmlandParcels = (facts) => new Parcels(facts);
L.farmlandGround = ground;
L.farmlandDash = dash;
