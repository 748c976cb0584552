// The seats page: puts map, list, basket and live state together. Without it the page works by links and forms; with it a seat that is chosen is held at
// once, and whatever happens to a seat that matters is said aloud.
const $ = (id) => document.getElementById(id);
const root = $("seats"), data = root.dataset, event = data.event;
// A page that answers a form stands at the form's address, which cannot be asked for: reload and back go to the seats.
const home = "/events/" + event + "/seats";
if (location.pathname !== home) history.replaceState(null, "", home);

// A page that comes back from the browser's memory is of long ago, and its key may be used.
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

const [{ blocks: blocksOf, overview, seatsOf, nearest, place, PITCH, DRAW_AT_ONCE }, { canvas }, { follow }, { basket }, { list }] =
  await Promise.all([data.geometry, data.draw, data.live, data.basket, data.list].map((url) => import(url)));

async function load(path) { // until it is there: without the layout there is nothing to show
  for (let wait = 500; ; wait = Math.min(wait * 2, 10000)) {
    try {
      const answer = await fetch(path, { headers: { Accept: "application/json" } });
      if (answer.ok) return answer.json();
    } catch { /* the line is down */ }
    await new Promise((done) => setTimeout(done, wait * (0.8 + Math.random() * 0.4)));
  }
}
const [layout, first] = await Promise.all([load(`/api/v1/events/${event}/layout`), load(`/api/v1/events/${event}/seats`)]);

// --- words
const texts = JSON.parse($("words").textContent), lang = document.documentElement.lang;
const plural = new Intl.PluralRules(lang), integer = new Intl.NumberFormat(lang);
const t = (key, values = {}) => {
  let text = texts[key] ?? key;
  if (typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? (typeof values[name] === "number" ? integer.format(values[name]) : values[name]) : all));
};
const money = (minor) => { // with the symbol that the server has written elsewhere on the page
  const f = new Intl.NumberFormat(lang, { style: "currency", currency: layout.currency }), { maximumFractionDigits: digits } = f.resolvedOptions();
  return f.formatToParts(minor / 10 ** digits).map((p) => (p.type === "currency" ? data.symbol : p.value)).join("");
};
const parts = (seat) => { const p = place(layout, seat); return { section: p.section, row: p.row, seat: String(p.number) }; };
const words = { t, money, number: (n) => integer.format(n), seat: (seat) => t("seat.name", parts(seat)), brief: (seat) => t("seats.name", parts(seat)), releaseOf: (seat) => t("seats.release", parts(seat)) };

// --- state of the seats: a digit each, and what is mine lies over it
const blocks = blocksOf(layout), marks = 6, codes = new Uint8Array(layout.capacity);
const markOf = (level) => ({ mark: level % marks, shape: (level + Math.floor(level / marks)) % marks });
let current = null, hovered, focused, offered = new Set();

const held = basket(event, {
  changed: (seat) => repaint(seat),
  held: (seat) => { tell(); clearSay(); say(t("seats.js.added", { seat: words.seat(seat), left: held.left() })); },
  released: (seat) => { tell(); codes[seat] = 0; repaint(seat); say(t("seats.js.released", { seat: words.seat(seat) })); },
  extended: () => { tell(); clearSay(); say(t("seats.js.extended", { left: held.left() })); },
  waiting: () => say(t("seats.js.later")),
  gone: async (seats, expired) => {
    const booked = expired ? new Set() : await lookBooked(), lost = seats.filter((s) => !booked.has(words.brief(s)));
    if (lost.length) alertBox(expired ? t("seats.js.expired") : t("seats.js.lost", { seats: lost.map(words.seat).join("; ") }));
  },
  best: (seats) => { tell(); clearSay(); say(seats.map((s) => words.seat(s)).join("; ")); openAt(seats[0]); map.bring(seats[Math.floor(seats.length / 2)]); },
  refused,
}, words);

// --- the tabs of this browser: what one of them takes, gives back, books or pays, the others show
const tabs = self.BroadcastChannel && new BroadcastChannel("usher." + event);
const tell = () => tabs?.postMessage("basket");
if (tabs) tabs.onmessage = async () => {
  await Promise.all([held.restore(), lookBooked()]);
  say(""); // what was said of a seat that somebody took: it is his own
};
// lookBooked shows what the server says of a booking that is still to be paid, and returns the names of its seats.
async function lookBooked() {
  try {
    const answer = await fetch(home, { headers: { Accept: "text/html" }, cache: "no-store" });
    const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("booked"); // inert: nothing in it runs
    if (now && now.textContent !== $("booked").textContent) {
      $("booked").replaceChildren(...[...now.childNodes].map((e) => document.importNode(e, true)));
      clearSay();
    }
  } catch { /* the line is down: what is shown stays */ }
  return new Set([...$("booked").querySelectorAll("li")].map((li) => li.textContent));
}

const blockAt = (seat) => blocks.findLast((b) => b.first <= seat);
const look = (seat) => {
  const at = place(layout, seat), code = codes[seat];
  const state = held.leaving.has(seat) ? "leaving" : held.mine.has(seat) ? "mine" : held.pending.has(seat) ? "pending" : code === 0 ? "free" : "taken";
  return { state, accessible: at.accessible, ...markOf(at.level) };
};
const freeOf = (b) => { let n = 0; for (let i = b.first; i < b.first + b.seats; i++) if (codes[i] === 0) n++; return n; };
const lookBlock = (b) => {
  const n = freeOf(b), level = layout.levels[b.level];
  return {
    free: n, count: integer.format(n), share: n / b.seats, freeText: t("seats.free", { n }), level: level.name + " · " + money(level.price), ...markOf(b.level),
    label: b.part ? `${b.name} ${b.rows[0].name}–${b.rows.at(-1).name}` : b.name,
  };
};

// --- what is said: politely, or at once
const say = (text) => { $("news").textContent = text; };
const clearSay = () => {
  const lost = $("say").contains(document.activeElement);
  $("say").replaceChildren();
  offered = new Set();
  if (lost) $("basket-title").focus();
};
function alertBox(text, extra = []) {
  const note = document.createElement("div"), p = document.createElement("p"), strong = document.createElement("strong");
  note.className = "note bad";
  strong.textContent = text;
  p.append(strong);
  note.append(p, ...extra);
  $("say").replaceChildren(note);
}
function actions(...buttons) {
  const row = document.createElement("div");
  row.className = "row";
  row.append(...buttons);
  return row;
}
function button(text, act) {
  const b = document.createElement("button");
  b.type = "button";
  b.className = "quiet";
  b.textContent = text;
  b.addEventListener("click", act);
  return b;
}

// refused says why something was not done, and what can be done instead; again does it once more.
function refused(r, again) {
  say("");
  if (r.slug.startsWith("pass-") || r.slug === "visitor-required") {
    const a = document.createElement("a");
    a.className = "button";
    a.href = data.room ? "/rooms/" + encodeURIComponent(data.room) : home;
    a.textContent = t(data.room ? "seats.js.room.go" : "seats.js.again");
    return alertBox(t(data.room ? "seats.js.room" : "seats.js.failed"), [actions(a)]);
  }
  if (r.slug === "ticket-unavailable") {
    for (const ticket of r.body.ticketIds || []) if (!held.mine.has(held.seatOf(ticket)) && !codes[held.seatOf(ticket)]) codes[held.seatOf(ticket)] = 1, repaint(held.seatOf(ticket));
    const near = (r.body.alternatives || []).map((a) => {
      const n = held.seatOf(a.id), b = button(words.brief(n) + " · " + money(a.price), () => { openAt(n); held.hold(n); });
      b.dataset.offer = n;
      return b;
    });
    const intro = document.createElement("p");
    intro.textContent = t("seats.instead");
    alertBox(t("seats.refused.ticket-unavailable"), near.length ? [intro, actions(...near)] : []);
    offered = new Set(near.map((b) => Number(b.dataset.offer)));
    return;
  }
  if (r.slug === "stranded-seat") {
    const alone = (r.body.ticketIds || []).map(held.seatOf), others = (r.body.alternatives || []).map((a) => held.seatOf(a.id));
    const choices = r.seats ? [[...r.seats, ...alone], others] : [others];
    return alertBox(t("seats.refused.stranded-seat", { seats: alone.map(words.brief).join("; ") }), [actions(...choices.map((seats) =>
      button(seats.map(words.brief).join(" + "), () => { openAt(seats[0]); held.several(seats); })))]);
  }
  if (r.slug === "no-seats-together" && !r.body.largest_block) return alertBox(t("seats.refused.none"));
  const key = "seats.refused." + r.slug;
  const time = r.body.until && new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(r.body.until));
  if (texts[key]) return alertBox(t(key, { limit: r.body.limit, block: r.body.largest_block, time }));
  alertBox(t("seats.js.failed"), again ? [actions(button(t("seats.js.again"), () => { clearSay(); again(); }))] : []);
}

// --- choosing
function toggle(seat) {
  const { state } = look(seat);
  if (state === "mine") held.release(seat);
  else if (state === "free") {
    if (held.mine.size + held.pending.size >= Number(data.limit)) return alertBox(t("seats.refused.hold-limit-reached", { limit: Number(data.limit) }));
    held.hold(seat);
  } else if (state === "taken") say(t("seats.js.just", { seat: words.seat(seat) }));
}

const small = layout.capacity <= DRAW_AT_ONCE;
const map = canvas($("map"), {
  pitch: PITCH, nearest, look, block: lookBlock, pickSeat: toggle, pickBlock: (b) => openBlock(b, true), hover,
  words: { stage: t("seats.js.stage"), field: t("seats.js.field") },
});
const rows = list($("list"), {
  blocks, look, block: lookBlock, words, toggle, open: openBlock, focus: (seat) => { focused = seat; map.point(seat); },
  address: (b) => home + "?" + new URLSearchParams({ section: b.name, ...(b.from && { from: b.from }) }),
});

const dirty = new Set();
let painting = 0;
// repaint shows a seat again, and its section at the next frame: a snapshot changes many at once.
function repaint(seat) {
  map.paint(seat);
  rows.paint(seat);
  dirty.add(blockAt(seat));
  painting ||= requestAnimationFrame(() => {
    painting = 0;
    for (const b of dirty) map.paintBlock(b), rows.paintBlock(b);
    dirty.clear();
    const free = new Array(layout.levels.length).fill(0);
    for (const b of blocks) free[b.level] += freeOf(b);
    document.querySelectorAll("[data-level-free]").forEach((e) => { e.textContent = t("seats.free", { n: free[e.dataset.levelFree] }); });
  });
}

// openBlock shows one section, or null: all of it.
function openBlock(block, byHand) {
  if (byHand && block !== current) {
    history.pushState(null, "", block ? home + "?" + new URLSearchParams({ section: block.name, ...(block.from && { from: block.from }) }) : home);
  }
  const before = current;
  current = block;
  if (!small) map.show(block ? seatsOf(layout, [block]) : overview(layout, blocks));
  else if (block && byHand) map.bring(block.first + Math.floor(block.seats / 2));
  rows.show(block);
  $("where").hidden = small || !block;
  $("where-name").textContent = block ? t("seats.section", { section: lookBlock(block).label }) : "";
  for (const f of document.querySelectorAll("input[name=section]")) f.value = block ? block.name : "";
  if (byHand && before !== block && !$("list").hidden) rows.title().focus();
}
const openAt = (seat) => { if (!small || current) openBlock(blockAt(seat), blockAt(seat) !== current); };
function fromAddress() {
  const q = new URLSearchParams(location.search), name = q.get("section"), from = Number(q.get("from") || 0);
  openBlock((name && (blocks.find((b) => b.name === name && b.from <= from && from < b.to) || blocks.find((b) => b.name === name))) || null);
}
addEventListener("popstate", fromAddress);

// --- the tip beside the cursor
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true"); // the list says the same
function hover(thing, x, y) {
  hovered = thing?.seat;
  tip.hidden = !thing;
  if (!thing) return;
  if (thing.seat === undefined) {
    const b = lookBlock(thing.block);
    tip.replaceChildren(bold(t("seats.section", { section: b.label })), line(b.level), line(b.freeText));
  } else {
    const at = place(layout, thing.seat), { state } = look(thing.seat);
    tip.replaceChildren(bold(words.seat(thing.seat)), line(layout.levels[at.level].name + " · " + money(layout.levels[at.level].price)));
    if (state === "taken" || state === "mine") tip.append(line(t("seats.js." + state)));
    if (at.accessible) tip.append(line(t("seats.accessible")));
  }
  const box = $("map").getBoundingClientRect(), w = tip.offsetWidth, h = tip.offsetHeight;
  tip.style.left = Math.max(4, Math.min(x - w / 2, box.width - w - 4)) + "px";
  tip.style.top = (y - h - 14 < 0 ? y + 20 : y - h - 14) + "px";
}
const line = (text) => { const d = document.createElement("div"); d.textContent = text; return d; };
const bold = (text) => { const d = line(text); d.className = "b"; return d; };

// --- what others do
let looking;
function change(seat, code) {
  const was = codes[seat];
  if (was === code || seat >= codes.length) return;
  codes[seat] = code;
  repaint(seat);
  if (held.mine.has(seat)) { // mine is held by the server's word: anything else is worth asking
    if (code !== 1) clearTimeout(looking), (looking = setTimeout(held.restore, 400));
    return;
  }
  if (was === 0 && !held.pending.has(seat) && (seat === hovered || seat === focused || offered.has(seat))) say(t("seats.js.just", { seat: words.seat(seat) }));
  const offer = offered.has(seat) && document.querySelector(`[data-offer="${seat}"]`);
  if (offer) offer.setAttribute("aria-disabled", String(code !== 0)), offer.classList.toggle("taken", code !== 0);
}
function snapshot(digits) { for (let i = 0; i < digits.length; i++) change(i, digits.charCodeAt(i) - 48); }

// --- begin
for (let i = 0; i < first.seats.length; i++) codes[i] = first.seats.charCodeAt(i) - 48;
held.setClock(Number(data.now) + performance.now());
held.start(Number(data.until));
if (small) map.show(seatsOf(layout, blocks.filter((b) => !b.part).length === blocks.length ? blocks : whole()));
function whole() { // a small layout is drawn by whole sections, also where its lists are cut
  return layout.sections.map((s, section) => ({ section, from: 0, to: s.rows.length, first: s.first, seats: s.rows.reduce((n, r) => n + r.seats, 0), level: s.level, name: s.name, rows: s.rows }));
}
$("map").append(tip);
fromAddress();
repaint(0);
if (data.known === "true") held.restore();
follow(event, {
  changes: (pairs) => { for (const [seat, code] of pairs) change(seat, code); },
  snapshot,
  old: (old) => { $("paused").textContent = old ? t("seats.js.paused") : ""; },
});

$("zoom-in").addEventListener("click", () => map.zoomBy(1.6));
$("zoom-out").addEventListener("click", () => map.zoomBy(1 / 1.6));
$("zoom-reset").addEventListener("click", map.reset);
$("all").addEventListener("click", () => openBlock(null, true));

function view(name) {
  const asMap = name === "map";
  $("mapview").hidden = $("tools").hidden = !asMap;
  $("list").hidden = asMap;
  $("show-map").setAttribute("aria-pressed", String(asMap));
  $("show-list").setAttribute("aria-pressed", String(!asMap));
  try { sessionStorage.setItem("usher.seats.view", name); } catch { /* it is only a habit */ }
}
$("show-map").addEventListener("click", () => view("map"));
$("show-list").addEventListener("click", () => view("list"));
let habit = "map";
try { habit = sessionStorage.getItem("usher.seats.view") || habit; } catch { /* no storage */ }
$("list").classList.add("ready");
view(location.hash === "#list" ? "list" : habit);

$("release").addEventListener("submit", (e) => { e.preventDefault(); if (e.submitter) held.release(held.seatOf(e.submitter.value)); });
$("extend").addEventListener("submit", (e) => { e.preventDefault(); held.extend(); });
$("best").addEventListener("submit", (e) => {
  e.preventDefault();
  const f = new FormData(e.target), want = { quantity: Number(f.get("quantity")) };
  if (f.get("in")) want.section = f.get("in");
  if (f.get("max_price")) want.max_price = Number(f.get("max_price"));
  if (f.get("accessible")) want.accessible = true;
  held.best(want);
});
$("book").addEventListener("submit", (e) => {
  if ($("go").getAttribute("aria-busy")) return e.preventDefault();
  $("go").setAttribute("aria-busy", "true");
  const label = $("go").textContent;
  $("go").textContent = t("seats.js.sending");
  setTimeout(() => { // stopped on the way: pressing again books the same once
    $("go").removeAttribute("aria-busy");
    $("go").textContent = label;
  }, 12000);
});
document.addEventListener("keydown", (e) => { if (e.key === "Escape") tip.hidden = true; });
