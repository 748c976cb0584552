// The geometry of a seat map: pure functions from a layout, which knows no coordinates, to a drawing. A hall is drawn as curved rows before a stage,
// a stadium as rings of sections around a pitch, anything else as tidy blocks before a stage. Lengths are in units of the drawing; a seat takes 26.

export const PITCH = 26;
export const DRAW_AT_ONCE = 3000; // seats; above it sections come first
export const BLOCK_SEATS = 720; // what a list and an open section show at most, as the server's pages do

// blocks are the sections, cut between rows where they have more seats than one list shows.
export function blocks(layout) {
  const out = [];
  layout.sections.forEach((s, section) => {
    let first = s.first, from = 0, seats = 0;
    const close = (to) => {
      if (to === from) return;
      out.push({ section, from, to, first, seats, level: s.level, name: s.name, rows: s.rows.slice(from, to) });
      first += seats, from = to, seats = 0;
    };
    s.rows.forEach((row, i) => {
      if (seats > 0 && seats + row.seats > BLOCK_SEATS) close(i);
      seats += row.seats;
    });
    close(s.rows.length);
  });
  for (const b of out) b.part = b.rows.length < layout.sections[b.section].rows.length;
  return out;
}

// isStadium reports whether sections are named as those of a bowl: 101, 102 … 201 …
export const isStadium = (layout) => layout.sections.length > 8 && layout.sections.every((s) => /^[1-9]\d\d$/.test(s.name));

const isHall = (layout) => layout.sections.length <= 6 && layout.sections.every((s) => s.rows.every((r) => r.seats <= 60));

// overview draws blocks as shapes to choose from.
export function overview(layout, all) {
  return isStadium(layout) ? bowl(all) : tiles(all);
}

const bowlWidth = 1000, bowlHeight = 800, roundness = 2.5;
const rings = [[0.4, 0.655], [0.675, 0.82], [0.84, 1]]; // of the half axes, from the pitch outwards

// oval is a point of a superellipse: rounder than a rectangle, fuller than an ellipse.
function oval(t, size) {
  const bend = (v) => Math.sign(v) * Math.abs(v) ** (2 / roundness);
  return [bend(Math.cos(t)) * (bowlWidth / 2 - 8) * size, bend(Math.sin(t)) * (bowlHeight / 2 - 8) * size];
}

// evenly returns n + 1 parameters that cut an oval into n pieces of one length, clockwise from the top, and that length.
function evenly(n, size) {
  const steps = 1440, at = [0];
  let [px, py] = oval(-Math.PI / 2, size);
  for (let i = 1; i <= steps; i++) {
    const [x, y] = oval(-Math.PI / 2 + (i / steps) * 2 * Math.PI, size);
    at.push(at[i - 1] + Math.hypot(x - px, y - py));
    [px, py] = [x, y];
  }
  const cuts = [];
  for (let k = 0, i = 0; k <= n; k++) {
    const want = (at[steps] * k) / n;
    while (i < steps - 1 && at[i + 1] < want) i++;
    cuts.push(-Math.PI / 2 + ((i + (want - at[i]) / (at[i + 1] - at[i])) / steps) * 2 * Math.PI);
  }
  return { cuts, length: at[steps] / n };
}

function bowl(all) {
  const byRing = new Map();
  for (const b of all) byRing.set(b.name[0], [...(byRing.get(b.name[0]) || []), b]);
  const names = [...byRing.keys()].sort();
  const shapes = [];
  names.forEach((name, i) => {
    const inner = 0.4, depth = 0.6 / names.length; // for bowls that have not three rings
    const [low, high] = names.length === 3 ? rings[i] : [inner + i * depth, inner + (i + 1) * depth - 0.02];
    const members = byRing.get(name).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const { cuts, length } = evenly(members.length, (low + high) / 2);
    members.forEach((block, k) => shapes.push(wedge(block, cuts[k], cuts[k + 1], low, high, length)));
  });
  return { width: bowlWidth, height: bowlHeight, shapes, stage: { kind: "field", x: bowlWidth / 2, y: bowlHeight / 2, width: 300, height: 190 } };
}

function wedge(block, t0, t1, low, high, length) {
  const gap = (t1 - t0) * 0.035, steps = 6, points = [];
  const put = (t, size) => {
    const [x, y] = oval(t, size);
    points.push((x + bowlWidth / 2).toFixed(1) + " " + (y + bowlHeight / 2).toFixed(1));
  };
  for (let i = 0; i <= steps; i++) put(t0 + gap + ((t1 - t0 - 2 * gap) * i) / steps, high);
  for (let i = steps; i >= 0; i--) put(t0 + gap + ((t1 - t0 - 2 * gap) * i) / steps, low);
  const middle = (t0 + t1) / 2, [ax, ay] = oval(middle, low), [bx, by] = oval(middle, high);
  let angle = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
  if (angle > 90 || angle < -90) angle += 180;
  const depth = Math.hypot(bx - ax, by - ay);
  return {
    block, path: "M" + points.join("L") + "Z", angle, depth, size: Math.min(15, length * 0.62, depth / 5.2),
    x: (ax + bx) / 2 + bowlWidth / 2, y: (ay + by) / 2 + bowlHeight / 2, reach: Math.max(length, depth) / 2,
  };
}

function tiles(all) {
  const columns = Math.max(1, Math.ceil(Math.sqrt(all.length))), w = 150, h = 84, gap = 12, top = 90;
  const width = columns * (w + gap) + gap, rows = Math.ceil(all.length / columns);
  const shapes = all.map((block, i) => {
    const inRow = Math.min(columns, all.length - Math.floor(i / columns) * columns); // the last row stands in the middle
    const x = (width - inRow * (w + gap) + gap) / 2 + (i % columns) * (w + gap), y = top + Math.floor(i / columns) * (h + gap);
    return { block, path: `M${x} ${y}h${w}v${h}h${-w}z`, angle: 0, tile: true, depth: w, size: 15, x: x + w / 2, y: y + h / 2, reach: w / 2 };
  });
  return { width, height: top + rows * (h + gap) + gap, shapes, stage: { kind: "stage", x: width / 2, y: 40, width: width * 0.6, height: 44 } };
}

// seatsOf places the seats of some blocks: one that is open, or all of a small layout.
export function seatsOf(layout, some) {
  const seats = [], names = [];
  let bottom;
  if (some.length === 1 || isHall(layout)) bottom = curved(some, seats, names);
  else bottom = blocksOfRows(some, seats, names);
  const xs = [...seats.map((s) => s.x), ...names.map((n) => n.x)];
  const left = Math.min(...xs) - PITCH, right = Math.max(...xs) + PITCH, shift = -left;
  // The ends of long curved rows rise above the stage: then all else moves down.
  const down = Math.max(0, PITCH - Math.min(...seats.map((s) => s.y), ...names.map((n) => n.y)));
  for (const s of [...seats, ...names]) (s.x += shift), (s.y += down);
  const width = right - left;
  const stage = { kind: isStadium(layout) ? "field" : "stage", x: shift, y: 26 + down, width: Math.min(width * 0.7, 420), height: 38 };
  return { width, height: bottom + down + PITCH, seats, names, stage };
}

// curved puts rows on arcs around a point behind the stage, one section after the other.
function curved(some, seats, names) {
  const widest = Math.max(...some.flatMap((b) => b.rows.map((r) => r.seats)));
  const radius = Math.max(520, widest * PITCH * 0.9), top = 92;
  let y = top, bottom = y;
  some.forEach((b, n) => {
    if (some.length > 1) {
      names.push({ text: b.name, x: 0, y: y - 4, title: true });
      y += PITCH * 0.75;
    }
    let seat = b.first;
    for (const row of b.rows) {
      const r = radius + y - top, half = ((row.seats - 1) * PITCH) / 2 / r;
      for (let i = 0; i < row.seats; i++, seat++) {
        const a = -half + (i * PITCH) / r;
        seats.push({ seat, block: b, x: Math.sin(a) * r, y: y - r * (1 - Math.cos(a)) * 0.55 });
      }
      const edge = half + PITCH / r, dy = r * (1 - Math.cos(edge)) * 0.55;
      for (const side of [-1, 1]) names.push({ text: row.name, x: side * Math.sin(edge) * r, y: y - dy });
      bottom = y;
      y += PITCH;
    }
    if (n < some.length - 1) y += PITCH * 0.9;
  });
  return bottom;
}

// blocksOfRows puts blocks with straight rows side by side, as wide as high, the first ones nearest the stage.
function blocksOfRows(some, seats, names) {
  const size = (b) => Math.max(...b.rows.map((r) => r.seats)) * PITCH + 3 * PITCH;
  const area = some.reduce((sum, b) => sum + size(b) * (b.rows.length + 2) * PITCH, 0), wide = Math.max(Math.sqrt(area * 1.3), ...some.map(size));
  const lines = [[]];
  let used = 0;
  for (const b of some) {
    if (used > 0 && used + size(b) > wide) lines.push([]), (used = 0);
    lines.at(-1).push(b);
    used += size(b);
  }
  let y = 92, bottom = y;
  for (const line of lines) {
    let x = -line.reduce((sum, b) => sum + size(b), 0) / 2;
    const from = y;
    for (const b of line) {
      const middle = x + size(b) / 2;
      let seat = b.first, at = from + PITCH;
      names.push({ text: b.name, x: middle, y: from, title: true });
      for (const row of b.rows) {
        const start = middle - ((row.seats - 1) * PITCH) / 2;
        names.push({ text: row.name, x: start - PITCH, y: at });
        for (let i = 0; i < row.seats; i++, seat++) seats.push({ seat, block: b, x: start + i * PITCH, y: at });
        bottom = Math.max(bottom, at);
        at += PITCH;
      }
      x += size(b);
      y = Math.max(y, at + PITCH);
    }
  }
  return bottom;
}

// nearest returns the thing with x and y that is nearest to a point and within its reach, or undefined.
export function nearest(things, x, y, reach) {
  let best, least = Infinity;
  for (const t of things) {
    const far = Math.hypot(t.x - x, t.y - y);
    if (far < least && far <= (reach ?? t.reach)) (best = t), (least = far);
  }
  return best;
}

// place finds section, row and number of a seat.
export function place(layout, seat) {
  let low = 0, high = layout.sections.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (layout.sections[middle].first <= seat) low = middle;
    else high = middle - 1;
  }
  const section = layout.sections[low];
  let n = seat - section.first;
  for (const row of section.rows) {
    if (n < row.seats) return { section: section.name, row: row.name, number: n + 1, accessible: row.accessible, level: section.level };
    n -= row.seats;
  }
  return undefined;
}
