// What the visitor holds: asks the API, counts down by the server's clock, and shows it. The server decides; this only repeats what it has said.

// basket keeps the seats of one event. on: { changed(seat), gone(seats, expired), refused(problem, again) … }.
export function basket(event, on, words) {
  const base = "/api/v1/events/" + event, $ = (id) => document.getElementById(id);
  const mine = new Map(), pending = new Set(), leaving = new Set();
  let until = 0, ahead = 0, exact = false, warned = $("warning").childElementCount > 0, checking, ended = 0;

  const now = () => Date.now() + ahead;
  const seatOf = (ticket) => Number(ticket.slice(event.length + 1));

  // learn sets our clock by the server's: Date has whole seconds, so the middle of one.
  function learn(answer) {
    const date = Date.parse(answer.headers.get("Date"));
    if (date && !exact) ahead = date + 500 - Date.now();
  }
  function setClock(serverMillis) {
    ahead = serverMillis - Date.now();
    exact = performance.now() < 10000; // a page from the cache may be older than it says
  }

  // ask sends a request and returns { ok, status, body }; what does not get through or is too much for the server is tried again, a few times.
  async function ask(method, path, body) {
    // One key for all tries: what was done before its answer got lost is not done again.
    const key = method === "POST" && Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    for (let tries = 1; ; tries++) {
      let answer, wait = 400 * 2 ** tries;
      try {
        answer = await fetch(base + path, {
          method, headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...(key && { "Idempotency-Key": key }) }, body: body && JSON.stringify(body),
          signal: AbortSignal.timeout(12000), cache: "no-store",
        });
        learn(answer);
        const text = await answer.text(), data = text ? JSON.parse(text) : {};
        const slug = (data.type || "").split("/").pop();
        if (answer.status !== 429 && answer.status < 500 && slug !== "request-in-progress") return { ok: answer.ok, status: answer.status, body: data, slug };
        wait = Math.min(Number(answer.headers.get("Retry-After") || 1) * 1000, 6000);
      } catch { /* the line is down: the next try may get through */ }
      if (tries === 3) return { ok: false, status: answer?.status || 0, body: {}, slug: answer ? "later" : "offline" };
      if (tries === 1) on.waiting();
      await new Promise((done) => setTimeout(done, wait * (0.8 + Math.random() * 0.4)));
    }
  }

  async function hold(seat) {
    if (pending.has(seat)) return;
    if (mine.has(seat)) return on.held(seat);
    pending.add(seat);
    on.changed(seat);
    const r = await ask("POST", `/ticket/${event}-${seat}/hold`);
    pending.delete(seat);
    if (r.ok) {
      mine.set(seat, { price: r.body.price });
      setUntil(r.body.expiration_time);
    }
    on.changed(seat);
    show();
    if (r.ok) return on.held(seat);
    on.refused({ ...r, seats: [seat] }, () => hold(seat));
    if (!unsure(r)) return;
    await restore(); // it may have been done, and would be shown as somebody else's
    if (mine.has(seat)) on.held(seat);
  }

  // unsure reports whether nobody knows what became of a request: no answer has come, or none but faults.
  const unsure = (r) => r.slug === "later" || r.slug === "offline";

  async function release(seat) {
    if (leaving.has(seat)) return;
    leaving.add(seat);
    on.changed(seat);
    const r = await ask("DELETE", `/ticket/${event}-${seat}/hold`);
    leaving.delete(seat);
    if (r.ok || r.status === 404) {
      mine.delete(seat);
      if (!mine.size) until = 0;
    }
    on.changed(seat);
    show();
    if (r.ok) on.released(seat);
    else if (r.status === 404) on.gone([seat], false);
    else on.refused(r, () => release(seat));
  }

  const best = (want) => choose({ best_available: want });
  const several = (seats) => choose({ ticketIds: seats.map((s) => `${event}-${s}`) }, seats);

  let choosing = false;
  async function choose(what, seats) {
    if (choosing) return; // a second click is not a second wish
    choosing = true;
    const r = await ask("POST", "/holds", what);
    choosing = false;
    if (!r.ok) {
      if (unsure(r)) restore();
      return on.refused({ ...r, seats });
    }
    take(r.body, true);
    on.best(r.body.tickets.map((t) => seatOf(t.id)));
  }

  async function extend() {
    const r = await ask("POST", "/holds/extend");
    if (r.ok) {
      setUntil(r.body.expiration_time);
      show();
      on.extended();
    } else if (r.status === 404) restore();
    else on.refused(r);
  }

  // take replaces what is known by what the server says; seats that have gone are told.
  function take(holds, more) {
    const next = new Map(holds.tickets.map((t) => [seatOf(t.id), { price: t.price }]));
    const gone = more ? [] : [...mine.keys()].filter((s) => !next.has(s) && !leaving.has(s));
    const changed = new Set([...mine.keys(), ...next.keys()]);
    if (!more) mine.clear();
    for (const [seat, what] of next) mine.set(seat, what);
    const before = until;
    if (holds.expiration_time) setUntil(holds.expiration_time);
    else until = 0;
    for (const seat of changed) on.changed(seat);
    show();
    if (gone.length) on.gone(gone, !mine.size && before > 0 && now() >= before - 1500);
  }

  // restore asks what is held: at the beginning, after the end, and when the map says something else. An answer that was under way while a seat was
  // taken or given back says nothing about it: then it is asked again.
  function restore() {
    checking ??= (async () => {
      const busy = pending.size + leaving.size, r = await ask("GET", "/holds");
      checking = undefined;
      if (busy || pending.size || leaving.size) return setTimeout(restore, 700);
      if (r.ok) take(r.body);
      else if (r.status === 401 && mine.size === 0) return;
      else if (r.status === 401) on.refused(r);
    })();
    return checking;
  }

  function setUntil(time) {
    until = Date.parse(time);
    if (until - now() > 120000) (warned = false), $("warning").replaceChildren();
  }

  const numbers = new Intl.NumberFormat(document.documentElement.lang), two = new Intl.NumberFormat(document.documentElement.lang, { minimumIntegerDigits: 2 });
  const left = () => { const s = Math.max(0, Math.ceil((until - now()) / 1000)); return numbers.format(Math.floor(s / 60)) + ":" + two.format(s % 60); };

  function tick() {
    if (!until) return;
    const seconds = Math.ceil((until - now()) / 1000);
    $("left").textContent = words.t("seats.js.left", { left: left() });
    if (!warned && seconds > 0 && seconds <= 120 && mine.size) {
      warned = true;
      const p = document.createElement("p");
      p.className = "note warn";
      p.textContent = words.t("seats.warning");
      $("warning").replaceChildren(p);
    }
    if (seconds <= 0 && Date.now() - ended > 3000) (ended = Date.now()), restore(); // the server decides
  }
  setInterval(tick, 1000);

  // show writes the basket. A button that has the focus keeps it, or gives it to the heading.
  function show() {
    const list = $("held"), focused = list.contains(document.activeElement) ? document.activeElement.value : null;
    list.replaceChildren(...[...mine.keys()].sort((a, b) => a - b).map((seat) => {
      const li = document.createElement("li"), name = document.createElement("span"), price = document.createElement("span"), x = document.createElement("button");
      const what = mine.get(seat);
      name.textContent = words.brief(seat);
      price.className = "num";
      price.textContent = words.money(what.price);
      x.className = "x";
      x.name = "ticket";
      x.value = event + "-" + seat;
      x.textContent = "×";
      x.setAttribute("aria-label", words.releaseOf(seat));
      li.append(name, price, x);
      return li;
    }));
    if (focused) ([...list.querySelectorAll("button")].find((b) => b.value === focused) || $("basket-title")).focus();
    const total = [...mine.values()].reduce((sum, w) => sum + w.price, 0);
    $("total").textContent = words.money(total);
    $("go").disabled = !mine.size;
    $("empty").hidden = $("clock").hidden = $("extend").hidden = mine.size > 0;
    $("clock").hidden = $("extend").hidden = !mine.size;
    if (!mine.size) $("warning").replaceChildren();
    tick();
  }

  return {
    mine, pending, leaving, hold, several, release, best, extend, restore, setClock, left, seatOf,
    start(millis) { until = millis || 0; },
  };
}
