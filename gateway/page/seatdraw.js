// Draws a seat map as SVG and moves it: wheel, pinch, drag, buttons and keys. It knows nothing of holds: it asks how a seat looks and tells what
// was picked. SVG and not a canvas, because no drawing has more than 3,000 seats: making and painting 500 seats takes 45 ms on a slow shared machine,
// 1,000 take 100, 3,000 take 130, 9,000 would take 580 (docs/pages.md). Styles, dark mode and forced colours come for free.

const NS = "http://www.w3.org/2000/svg";
const TARGET = 24; // px: what a finger needs (WCAG 2.5.8)
const MOST = 12; // times the whole

const el = (name, attributes, ...children) => {
  const e = document.createElementNS(NS, name);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...children);
  return e;
};

// canvas is a map in host. ask: { pitch, nearest, look(seat) → {state, mark, shape, accessible}, block(b) → {mark, free, share, label}, pickSeat, pickBlock,
// hover(seat or block, kind, x, y), words }.
export function canvas(host, ask) {
  const shapes = [0, 1, 2, 3, 4, 5].map((n) => document.getElementById("shape" + n).getAttribute("d"));
  const world = el("g"), svg = el("svg", { "aria-hidden": "true", focusable: "false" }, patterns(), world);
  host.replaceChildren(svg);
  let drawing, things = [], elements = new Map(), view = { k: 1, x: 0, y: 0 }, near = false;

  // show replaces the drawing and shows all of it.
  function show(next) {
    drawing = next;
    elements = new Map();
    host.classList.toggle("near", (near = false));
    ask.hover();
    things = next.seats || next.shapes;
    world.replaceChildren(stage(next.stage));
    for (const s of next.shapes || []) world.append(shapeOf(s));
    for (const s of next.seats || []) world.append(seatOf(s));
    for (const n of next.names || []) world.append(el("text", { x: n.x, y: n.y, class: n.title ? "title" : "row" }, n.text));
    host.classList.toggle("overview", Boolean(next.shapes));
    svg.setAttribute("viewBox", `0 0 ${next.width} ${next.height}`);
    reset();
  }

  function stage(s) {
    const box = s.kind === "field"
      ? el("g", {}, el("rect", { x: s.x - s.width / 2, y: s.y - s.height / 2, width: s.width, height: s.height, rx: 10 }))
      : el("g", {}, el("path", { d: `M${s.x - s.width / 2} ${s.y - s.height / 2}h${s.width}v${s.height * 0.5}q${-s.width / 2} ${s.height} ${-s.width} 0z` }));
    if (s.kind === "field" && s.height > 100) box.append(el("path", { class: "lines", d: `M${s.x} ${s.y - s.height / 2}v${s.height}M${s.x - 32} ${s.y}a32 32 0 1 0 64 0a32 32 0 1 0-64 0` }));
    box.append(el("text", { x: s.x, y: s.y, class: "title" }, s.kind === "field" ? ask.words.field : ask.words.stage));
    box.setAttribute("class", "stage " + s.kind);
    return box;
  }

  function shapeOf(s) {
    const fill = el("path", { d: s.path }), pattern = el("path", { d: s.path, class: "pattern" });
    const turn = `translate(${s.x.toFixed(1)} ${s.y.toFixed(1)}) rotate(${s.angle.toFixed(1)})`;
    const name = el("text", { class: "name", "font-size": s.size.toFixed(1) }), count = el("text", { class: "count", "font-size": (s.size * 0.8).toFixed(1) });
    const g = el("g", {}, fill, pattern, el("g", { transform: turn }, name, count));
    elements.set(s.block, { g, pattern, name, count, s });
    paintBlock(s.block);
    return g;
  }

  // paintBlock shows again how full a section is.
  function paintBlock(b) {
    const e = elements.get(b);
    if (!e) return;
    const look = ask.block(b);
    e.g.setAttribute("class", "block m" + look.mark + (look.free ? "" : " none"));
    e.g.style.setProperty("--share", (0.28 + 0.72 * look.share).toFixed(2));
    e.pattern.setAttribute("fill", look.free ? `url(#p${look.mark})` : "url(#pnone)");
    e.name.textContent = look.label;
    e.count.textContent = look.free ? look.count : "";
    if (e.s.tile) {
      e.name.setAttribute("font-size", Math.min(e.s.size, (e.s.depth - 10) / (look.label.length * 0.62)).toFixed(1));
      e.name.setAttribute("y", near && look.free ? "-9" : "0");
      e.count.setAttribute("y", "12");
    } else {
      const wide = e.s.size * 0.6 * look.label.length, both = wide + e.s.size * 0.5 * look.count.length + e.s.size * 0.6;
      e.name.setAttribute("x", near && look.free ? (wide - both) / 2 : 0);
      e.count.setAttribute("x", (both - e.s.size * 0.5 * look.count.length) / 2);
    }
  }

  function seatOf(s) {
    const g = el("g", { transform: `translate(${s.x.toFixed(1)} ${s.y.toFixed(1)})` });
    elements.set(s.seat, { g, was: "" });
    paint(s.seat);
    return g;
  }

  // paint shows a seat again.
  function paint(seat) {
    const e = elements.get(seat);
    if (!e) return;
    const { state, mark, shape, accessible } = ask.look(seat), now = state + mark + shape;
    if (now === e.was) return;
    e.was = now;
    e.g.setAttribute("class", `place m${mark} ${state}`);
    e.g.replaceChildren(el("path", { d: shapes[shape], class: "body" }));
    if (state === "taken") e.g.append(el("path", { d: "M-5.5-5.5L5.5 5.5M5.5-5.5L-5.5 5.5", class: "cross" }));
    else if (state === "mine") e.g.append(el("path", { d: "M-5 0L-1.5 4L5-4", class: "check" }));
    else if (accessible) e.g.append(el("circle", { r: 3.4, class: "dot" }));
  }

  // mark shows which thing is under the cursor or has the focus in the list.
  function point(thing) {
    host.querySelector(".at")?.classList.remove("at");
    elements.get(thing)?.g.classList.add("at");
  }

  // --- where the map is
  const bounds = () => svg.getBoundingClientRect();
  const scale = () => Math.min(bounds().width / drawing.width, bounds().height / drawing.height); // px a unit at k = 1

  function move(next) {
    const k = Math.min(Math.max(next.k, 1), Math.max(MOST, 40 / (PITCH_PX() || 1)));
    const w = drawing.width, h = drawing.height;
    view = { k, x: Math.min(0, Math.max(w * (1 - k), next.x)), y: Math.min(0, Math.max(h * (1 - k), next.y)) };
    world.setAttribute("transform", `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${k.toFixed(4)})`);
    host.classList.toggle("zoomed", k > 1.01);
    host.classList.toggle("tiny", scale() * k * 11 < 6);
    if (drawing.shapes && near !== scale() * k > 1.15) { // room for the number of free seats beside the name
      host.classList.toggle("near", (near = !near));
      for (const s of drawing.shapes) paintBlock(s.block);
    }
  }
  const PITCH_PX = () => ask.pitch * scale();

  // toUnits turns a point of the screen into one of the drawing, before and after the zoom.
  function toUnits(px, py) {
    const b = bounds(), s = scale();
    const ux = (px - b.left - (b.width - drawing.width * s) / 2) / s, uy = (py - b.top - (b.height - drawing.height * s) / 2) / s;
    return { ux, uy, x: (ux - view.x) / view.k, y: (uy - view.y) / view.k };
  }

  function zoomAt(factor, px, py) {
    const { ux, uy, x, y } = toUnits(px, py), k = Math.min(Math.max(view.k * factor, 1), MOST);
    move({ k, x: ux - x * k, y: uy - y * k });
  }
  const middle = () => { const b = bounds(); return [b.left + b.width / 2, b.top + b.height / 2]; };
  const zoomBy = (factor) => zoomAt(factor, ...middle());
  const panBy = (dx, dy) => move({ k: view.k, x: view.x + dx / scale(), y: view.y + dy / scale() });
  const reset = () => move({ k: 1, x: 0, y: 0 });

  // bring moves a seat or section into view, large enough to be pressed.
  function bring(thing) {
    const at = things.find((t) => t.seat === thing || t.block === thing && drawing.shapes);
    if (!at) return;
    const k = Math.max(view.k, (TARGET * 1.3) / PITCH_PX());
    const inside = view.k >= k && at.x * view.k + view.x > 0 && at.x * view.k + view.x < drawing.width && at.y * view.k + view.y > 0 && at.y * view.k + view.y < drawing.height;
    if (!inside) move({ k, x: drawing.width / 2 - at.x * k, y: drawing.height / 2 - at.y * k });
  }

  function find(px, py) {
    const { x, y } = toUnits(px, py);
    if (drawing.seats) return ask.nearest(things, x, y, ask.pitch * 0.6);
    const hit = document.elementFromPoint(px, py)?.closest?.(".block");
    return hit && things.find((t) => elements.get(t.block).g === hit);
  }

  function pick(px, py, touch) {
    const found = find(px, py);
    if (!found) return;
    if (drawing.shapes) return ask.pickBlock(found.block);
    if (touch && PITCH_PX() * view.k < TARGET) return zoomAt((TARGET * 1.3) / (PITCH_PX() * view.k), px, py); // too small to hit for sure: closer first
    ask.pickSeat(found.seat);
  }

  // --- pointers: one drags, two pinch
  const down = new Map();
  let dragged = false, spread = 0;
  svg.addEventListener("pointerdown", (e) => {
    down.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (down.size === 1) dragged = false;
    if (down.size === 2) spread = gap();
  });
  const gap = () => { const [a, b] = [...down.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  svg.addEventListener("pointermove", (e) => {
    const was = down.get(e.pointerId);
    if (!was) {
      if (e.pointerType === "mouse") tell(e);
      return;
    }
    const dx = e.clientX - was.x, dy = e.clientY - was.y;
    if (down.size === 1) {
      if (!dragged && Math.hypot(dx, dy) < 6) return;
      if (!dragged) svg.setPointerCapture(e.pointerId);
      dragged = true;
      if (view.k > 1) panBy(dx, dy);
    }
    was.x = e.clientX, was.y = e.clientY;
    if (down.size === 2) {
      dragged = true;
      const [a, b] = [...down.values()], now = gap();
      if (spread > 0) zoomAt(now / spread, (a.x + b.x) / 2, (a.y + b.y) / 2);
      spread = now;
    }
  });
  const up = (e) => {
    if (!down.delete(e.pointerId) || down.size > 0) return;
    if (e.type === "pointerup" && !dragged && e.button === 0) pick(e.clientX, e.clientY, e.pointerType !== "mouse");
  };
  svg.addEventListener("pointerup", up);
  svg.addEventListener("pointercancel", up);
  svg.addEventListener("pointerleave", () => { if (!down.size) point(), ask.hover(); });
  function tell(e) {
    const found = find(e.clientX, e.clientY), b = host.getBoundingClientRect();
    point(found && (found.seat ?? found.block));
    ask.hover(found, e.clientX - b.left, e.clientY - b.top);
  }
  // The wheel scrolls the page, unless somebody has said that he means the map.
  svg.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey && !host.matches(":focus, :focus-within")) return;
    e.preventDefault();
    zoomAt(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0016)), e.clientX, e.clientY);
  }, { passive: false });
  host.addEventListener("keydown", (e) => {
    const step = 60, keys = {
      "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: reset,
      ArrowLeft: () => panBy(step, 0), ArrowRight: () => panBy(-step, 0), ArrowUp: () => panBy(0, step), ArrowDown: () => panBy(0, -step),
    };
    if (e.target !== host || e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
    if (e.key.startsWith("Arrow") && view.k <= 1.01) return; // nothing to move: the page scrolls
    e.preventDefault();
    keys[e.key]();
  });
  new ResizeObserver(() => drawing && move(view)).observe(host);

  return { show, paint, paintBlock, point, zoomBy, reset, bring, has: (thing) => elements.has(thing) };
}

// patterns tell price levels apart without colour.
function patterns() {
  const lines = ["", "M0 8L8 0M-2 2L2-2M6 10L10 6", "M2 2h.01M6 6h.01", "M0 2h8M0 6h8", "M2 0v8M0 2h8"];
  const defs = el("defs");
  lines.forEach((d, n) => defs.append(el("pattern", { id: "p" + n, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, el("path", { d, class: n === 2 ? "ink dots" : "ink" }))));
  defs.append(el("pattern", { id: "pnone", width: 10, height: 10, patternUnits: "userSpaceOnUse" }, el("path", { d: "M0 0L10 10M10 0L0 10", class: "gone" })));
  return defs;
}
