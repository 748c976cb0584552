// What every drawing of a seat map promises. faultsOf(m, layout) uses the functions of seatmap.js, or broken ones, and says which promise a layout breaks.
(m, layout) => {
  const faults = [], say = (...words) => faults.push(words.join(" "));
  const SEAT = 20; // the width of a seat's mark: two that are nearer lie on each other

  // Each seat has one place, in order.
  const known = [];
  for (const s of layout.sections) {
    for (const r of s.rows) for (let n = 1; n <= r.seats; n++) known.push([s.name, r.name, n, s.level, r.accessible].join());
  }
  known.forEach((want, seat) => {
    const p = m.place(layout, seat), got = p && [p.section, p.row, p.number, p.level, p.accessible].join();
    if (got !== want) say("place of seat", seat, "is", got, "want", want);
  });
  if (m.place(layout, known.length) !== undefined) say("there is a place behind the last seat");

  // Blocks hold every seat once, in order, whole rows, and no more than one list shows.
  const blocks = m.blocks(layout);
  let next = 0;
  for (const b of blocks) {
    const s = layout.sections[b.section];
    if (b.first !== next) say("block", b.name, b.from, "begins at", b.first, "want", next);
    if (b.seats !== b.rows.reduce((n, r) => n + r.seats, 0) || b.rows.length !== b.to - b.from) say("block", b.name, b.from, "does not hold what it says");
    if (b.seats > m.BLOCK_SEATS && b.rows.length > 1) say("block", b.name, b.from, "has", b.seats, "seats");
    if (b.part !== b.rows.length < s.rows.length || b.name !== s.name || b.level !== s.level) say("block", b.name, b.from, "is not of its section");
    next += b.seats;
  }
  if (next !== known.length) say("blocks hold", next, "of", known.length, "seats");

  // The overview has each block once, inside, and no two of them share a point; its middle, where the name stands, is its own.
  const view = m.overview(layout, blocks);
  const polygons = view.shapes.map((s) => corners(s.path));
  if (new Set(view.shapes.map((s) => s.block)).size !== blocks.length || view.shapes.length !== blocks.length) say("the overview shows", view.shapes.length, "of", blocks.length, "blocks");
  view.shapes.forEach((s, i) => {
    for (const [x, y] of polygons[i]) if (!(x >= 0 && x <= view.width && y >= 0 && y <= view.height)) say("a corner of", s.block.name, "is outside:", x, y);
    if (!inside(polygons[i], s.x, s.y)) say("the name of", s.block.name, "is not on it");
    polygons.forEach((other, k) => {
      if (k !== i && [[s.x, s.y], ...polygons[i]].some(([x, y]) => inside(other, x, y))) say(s.block.name, "lies on", view.shapes[k].block.name);
    });
    if (!(s.size > 3) || !(s.reach > 0)) say("the letters of", s.block.name, "have", s.size);
  });
  const field = view.stage, edge = [[-1, -1], [-1, 1], [1, -1], [1, 1]].map(([x, y]) => [field.x + (x * field.width) / 2, field.y + (y * field.height) / 2]);
  if (edge.some(([x, y]) => polygons.some((p) => inside(p, x, y)))) say("the stage lies on a section");

  // Seats: all of a block that is opened, and all of a layout that is drawn at once.
  for (const b of blocks) drawing(m.seatsOf(layout, [b]), b.first, b.seats, "block " + b.name + " " + b.from);
  if (known.length <= m.DRAW_AT_ONCE) drawing(m.seatsOf(layout, blocks), 0, known.length, "all");

  function drawing(d, first, seats, what) {
    if (d.seats.length !== seats || d.seats.some((s, i) => s.seat !== first + i)) say(what, "draws", d.seats.length, "of", seats, "seats, or not in order");
    const cells = new Map(), cell = (x, y) => Math.floor(x / SEAT) + ":" + Math.floor(y / SEAT);
    for (const s of d.seats) {
      if (!(s.x > SEAT / 2 && s.x < d.width - SEAT / 2 && s.y > SEAT / 2 && s.y < d.height - SEAT / 2)) say(what, "seat", s.seat, "is outside:", s.x, s.y);
      if (s.y - SEAT / 2 < d.stage.y + d.stage.height / 2 && Math.abs(s.x - d.stage.x) < d.stage.width / 2 + SEAT / 2) say(what, "seat", s.seat, "is on the stage");
      for (const dx of [-SEAT, 0, SEAT]) {
        for (const dy of [-SEAT, 0, SEAT]) {
          for (const o of cells.get(cell(s.x + dx, s.y + dy)) || []) if (Math.hypot(o.x - s.x, o.y - s.y) < SEAT) say(what, "seats", o.seat, "and", s.seat, "lie on each other");
        }
      }
      cells.set(cell(s.x, s.y), [...(cells.get(cell(s.x, s.y)) || []), s]);
    }
    for (const n of d.names) {
      if (!(n.x >= 0 && n.x <= d.width && n.y >= 0 && n.y <= d.height)) say(what, "name", n.text, "is outside:", n.x, n.y);
      if (d.seats.some((s) => Math.hypot(s.x - n.x, s.y - n.y) < SEAT / 2)) say(what, "name", n.text, "is on a seat");
    }
    for (const s of [d.seats[0], d.seats.at(-1)]) { // who points at a seat gets it, who points beside all gets none
      if (m.nearest(d.seats, s.x + 3, s.y - 3, m.PITCH * 0.6) !== s) say(what, "seat", s.seat, "is not found");
      if (m.nearest(d.seats, s.x, d.height + 100, m.PITCH * 0.6)) say(what, "a seat is found where there is none");
    }
  }

  // corners of a path of absolute lines, or of a rectangle (M x y h w v h h w z).
  function corners(path) {
    const r = path.match(/^M([\d.-]+) ([\d.-]+)h([\d.-]+)v([\d.-]+)h/);
    if (!r) return path.slice(1, -1).split("L").map((p) => p.split(" ").map(Number));
    const [x, y, w, h] = r.slice(1).map(Number);
    return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
  }
  // inside reports whether a point lies within a polygon: a ray from it crosses the edge an odd number of times.
  function inside(polygon, x, y) {
    let odd = false;
    polygon.forEach(([ax, ay], i) => {
      const [bx, by] = polygon.at(i - 1);
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    });
    return odd;
  }
  return faults;
}
