// The waiting room. One tab asks where the visitor stands, as often as the server says; the other tabs of the browser show what it hears. Without
// this script the page refreshes itself. Times are the server's: this clock may be wrong. Lines that are only a comment are not sent.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const read = (id) => JSON.parse($(id).textContent);
  const lang = document.documentElement.lang, seed = read("seed"), words = read("words");
  const home = "/rooms/" + seed.room, api = "/api/v1" + home, key = "usher.line." + seed.room;
  const loaded = Date.now(), me = String(Math.random());
  let kind = seed.kind, line = seed.line, behind = seed.now - loaded;
  // when to ask again, how often that has failed in a row, whether a question is under way
  let next = 0, fails = 0, busy = false;
  // whether this tab is the one that asks
  let lead = false;
  // when the status was last read out, and the position that was
  let spoken = loaded, spokenAt = line?.position;

  // A fault of this script must not leave a page that stands still.
  addEventListener("error", (e) => { if (e.filename === location.href || e.filename === "") setTimeout(() => location.reload(), 30000); });
  // What the browser has kept in memory, or shows as the answer to a form, is not where he stands now.
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
  history.replaceState(null, "", home);

  // words
  const number = new Intl.NumberFormat(lang), plural = new Intl.PluralRules(lang), ago = new Intl.RelativeTimeFormat(lang);
  const say = (name, args = {}) => {
    let text = words[name];
    if (typeof text === "object") text = text[plural.select(args.n)] ?? text.other;
    for (const a in args) text = text.replace("{" + a + "}", () => (typeof args[a] === "number" ? number.format(args[a]) : args[a]));
    return text;
  };
  const put = (id, text) => {
    const el = $(id);
    if (el && el.textContent !== text) el.textContent = text;
  };
  const duration = (s) => {
    if (s < 60) return say("unit.second", { n: Math.max(1, Math.ceil(s)) });
    const m = Math.floor((s + 30) / 60);
    if (s < 3600) return say("unit.minute", { n: m });
    const h = say("unit.hour", { n: Math.floor(m / 60) });
    return m % 60 ? say("unit.and", { a: h, b: say("unit.minute", { n: m % 60 }) }) : h;
  };
  const between = (e) => {
    if (!e) return say(line.room_state === "paused" ? "room.wait.paused" : "room.wait.unknown");
    if (e.low_seconds < 10 && e.high_seconds <= 60) return say("unit.under", { a: duration(Math.max(e.high_seconds, 10)) });
    const a = duration(e.low_seconds), b = duration(e.high_seconds);
    return a === b ? say("unit.about", { a }) : say("unit.between", { a, b });
  };
  const now = () => Date.now() + behind;
  const until = (time) => Math.max(0, Math.ceil((new Date(time) - now()) / 1000));
  const digits = (s) => {
    const two = (n) => new Intl.NumberFormat(lang, { minimumIntegerDigits: 2 }).format(n);
    return (s < 3600 ? "" : number.format(Math.floor(s / 3600)) + ":") + (s < 3600 ? number.format(Math.floor(s / 60)) : two(Math.floor(s / 60) % 60)) + ":" + two(s % 60);
  };
  const clock = (time) => new Intl.DateTimeFormat(lang, { timeStyle: "short" }).format(new Date(time));
  const soon = (ms) => ago.format(Math.max(0, Math.ceil(ms / 1000)), "second");
  const announce = (text) => {
    if (!lead && line) return;
    put("say", text);
    spoken = Date.now();
  };

  // memory of this browser: the first and the last position of this place. It may be forbidden.
  const keep = (name, value) => {
    try {
      if (value === null) localStorage.removeItem(name);
      else if (value !== undefined) localStorage.setItem(name, JSON.stringify(value));
      return JSON.parse(localStorage.getItem(name));
    } catch { return null; }
  };
  const place = () => line.run + "/" + line.number;
  let memory = keep(key);
  if (kind !== "line" && kind !== "turn") {
    if (kind === "out" && memory && !$("notice")) $("lost").hidden = false;
    keep(key, null);
  } else if (memory?.place !== place()) {
    memory = { place: place(), from: seed.from };
  }

  // the tabs of this browser
  const channel = self.BroadcastChannel && new BroadcastChannel(key);
  const tell = (m) => channel?.postMessage(m);
  // A page that says something else than this one was asked for later. It is shown soon, not at once: pages must not chase each other.
  let going = false;
  const reload = () => {
    if (going) return;
    going = true;
    setTimeout(() => location.reload(), Math.max(0, loaded + 8000 - Date.now()) * (kind === "turn" ? 0 : 1));
  };
  if (channel) {
    channel.onmessage = ({ data: m }) => {
      // a gateway that is behind may still call "line" what is a turn already
      if (m.kind && m.kind !== kind && !(kind === "turn" && m.kind === "line")) return reload();
      if (!m.line || !line || m.line.run !== line.run) return;
      ({ next, fails, behind } = m);
      show(m.line);
    };
    tell({ kind });
  }
  // The tab that is looked at leads: browsers slow down the others.
  // Who is robbed of the lead queues for it again; a browser that refuses locks lets every tab ask.
  function campaign(steal) {
    navigator.locks.request(key, { steal }, () => {
      lead = true;
      return new Promise(() => {});
    }).catch((e) => {
      lead = e.name !== "AbortError";
      if (!lead) campaign(false);
    });
  }
  // Without locks a tab leads while nobody else has said within five seconds that he does.
  const leads = () => {
    if (!channel) return (lead = true);
    if (navigator.locks) return lead;
    const other = keep(key + ".lead");
    lead = !other || other.me === me || Math.abs(Date.now() - other.at) > 5000;
    if (lead) keep(key + ".lead", { me, at: Date.now() });
    return lead;
  };

  // the favicon is a ring that fills; a full one means: your turn
  let ring = "";
  const icon = (share) => {
    const done = Math.round(share * 100);
    const svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><g fill='none' stroke-width='7'>" +
      (done < 100 ? "<circle cx='16' cy='16' r='12' stroke='#9a98b5'/><circle cx='16' cy='16' r='12' stroke='#4338ca' pathLength='100' " +
      "stroke-dasharray='" + done + " 100' transform='rotate(-90 16 16)'/>" : "<circle cx='16' cy='16' r='16' fill='#11803d'/><path fill='#fff' d='M12 8l13 8-13 8z'/>") + "</g></svg>";
    if (svg !== ring) $("icon").href = "data:image/svg+xml," + encodeURIComponent(ring = svg);
  };

  // show puts a line on the page; what has become true is read out.
  const note = (name, on) => {
    const el = $("n-" + name);
    if (el.hidden && on) announce(el.textContent);
    if (!el.hidden && !on && $("say").textContent === el.textContent) put("say", ""); // what was said last is true no more
    el.hidden = !on;
  };
  function show(l, first) {
    const was = line;
    line = l;
    // while nobody is called nobody can know
    if (l.frozen || l.state === "sold_out") l.estimate = null;
    put("message", l.message ?? "");
    if ((was.message ?? "") !== (l.message ?? "") && l.message) announce(l.message);
    $("message").parentNode.hidden = !l.message;
    if (l.state === "called") return turn(first);
    if (!["waiting", "sold_out", "pre_queue"].includes(l.state) || kind === "turn") return reload();
    if (l.position) stand(l);
    const paused = l.room_state === "paused", sold = l.state === "sold_out", e = l.estimate;
    const odds = sold ? null : l.odds, slim = odds && odds.percent < 50;
    put("wait", between(e));
    if (l.tickets_left !== null) put("tickets", number.format(l.tickets_left));
    $("tickets").hidden = $("tickets").previousElementSibling.hidden = l.tickets_left === null;
    put("odds", odds ? say("room.odds.about", { n: odds.percent }) : "–"); // a row that was there stays: nothing moves
    if (odds) $("odds").hidden = $("odds").previousElementSibling.hidden = false;
    note("frozen", l.frozen);
    note("sold", sold);
    note("paused", paused);
    note("slim", !!slim);
    note("draining", l.room_state === "draining");
    note("near", e && e.high_seconds <= 120 && !sold && !slim && !paused && !l.frozen);
    // the best estimate of this place so far, less the time that has passed since: beyond it the page owes a reason
    const due = memory.end && (memory.end - now()) / 1000;
    const slower = say("room.slower") + (l.slower ? " " + say("room.slower." + l.slower) : "");
    if ($("n-slower").textContent !== slower) $("n-slower").hidden = true; // another reason is said, too
    put("n-slower", slower);
    note("slower", (l.slower || (e && due !== undefined && e.high_seconds > due * 1.25 + 60)) && !paused && !l.frozen && !sold);
    if (e) memory.end = Math.min(memory.end ?? Infinity, now() + e.high_seconds * 1000);
    keep(key, memory);
    report(l);
  }
  function stand(l) {
    l.position = Math.min(l.position, memory.at ?? Infinity);
    memory.at = l.position;
    memory.from = Math.max(memory.from ?? 0, l.position);
    const share = (memory.from - l.position) / memory.from, e = l.estimate;
    put("position", number.format(l.position));
    put("ahead", l.position > 1 ? say("room.ahead", { n: l.position - 1 }) : say("room.ahead.none"));
    $("bar").max = memory.from;
    $("bar").value = memory.from - l.position;
    const minutes = e && new Intl.NumberFormat(lang, { style: "unit", unit: "minute" }).format(Math.max(1, Math.round(e.high_seconds / 60)));
    document.title = number.format(l.position) + " · " + (minutes ? minutes + " · " : "") + seed.name;
    icon(Math.min(share, 0.99));
  }
  // Where he stands is read out when he has moved: at most twice a minute, or when he has done another tenth of his way.
  function report(l) {
    const tenth = (memory.from ?? 10) / 10;
    if (!l.position || l.position === spokenAt || (Date.now() - spoken < 30000 && spokenAt - l.position < Math.max(tenth, 1)) || Date.now() - spoken < 5000) return;
    spokenAt = l.position;
    announce(say("room.js.at", { n: l.position, wait: between(l.estimate) }));
  }

  // turn: it is his turn. What he had the focus on may be gone: then the button has it.
  let last = 0, retry = 0, entering = false;
  const count = () => {
    const s = until(last);
    put("before", s ? say("room.js.before", { time: clock(last), left: digits(s) }) : "");
    $("n-lapsed").hidden = s > 0;
  };
  function turn(first) {
    document.title = say("room.js.turn", { name: seed.name });
    icon(1);
    // the server may know only that the time is not over yet: the earliest that it has said counts
    if (!last || new Date(line.enter_before) < new Date(last)) last = line.enter_before;
    if (kind === "turn" && !first) return;
    kind = "turn";
    if (first) return;
    const lost = $("line").contains(document.activeElement), box = $("turn");
    // what stands below must not move under the finger
    const below = () => document.querySelector(".leave").getBoundingClientRect().top, top = below();
    $("line").hidden = true;
    count();
    box.className = "card now";
    const h = document.createElement("h2");
    h.textContent = say("room.js.yours");
    // one tab says it aloud
    if (!leads()) $("alert").removeAttribute("role");
    $("alert").append(h);
    box.style.minHeight = box.offsetHeight + Math.max(0, top - below()) + "px";
    if (lost) $("enter").querySelector("button").focus();
    if (!lead || document.hasFocus()) return;
    try {
      navigator.vibrate?.([200, 100, 200]);
      if (!keep(key + ".notify") || Notification.permission !== "granted") return;
      const n = new Notification(document.title, { body: say("room.js.body"), tag: key });
      n.onclick = () => { focus(); n.close(); };
    } catch { /* some browsers only show notifications of service workers */ }
  }

  // Entering without leaving the page: a room that is full for a moment is asked again, by itself, and the other tabs hear of it.
  async function enter() {
    if (entering) return;
    entering = true;
    retry = 0;
    try {
      const answer = await fetch(api + "/enter", { method: "POST", signal: AbortSignal.timeout?.(15000) });
      if (answer.ok) {
        // the other tabs will say what this one says next: it must not go back because of them
        going = true;
        tell({ kind: "in" });
        keep(key, null);
        return location.assign(seed.next);
      }
      if (answer.status < 500 && !(answer.status === 409 && answer.headers.has("Retry-After"))) return $("enter").submit();
      retry = Date.now() + 1000 * (Number(answer.headers.get("Retry-After")) || 3) * (1 + Math.random() / 4);
      if (answer.status >= 500) fails++;
      else $("n-full").hidden = false;
    } catch {
      retry = Date.now() + pause(++fails);
    }
    entering = false;
  }
  $("enter")?.addEventListener("submit", (e) => {
    e.preventDefault();
    enter();
  });

  // pause is how long to wait after so many failures: longer each time, a minute at most, and not all at the same instant.
  const pause = (n) => Math.min(60000, 2000 * 2 ** n) * (0.5 + Math.random() / 2);
  async function ask() {
    busy = true;
    try {
      const shown = line.position ? "?shown=" + line.position : "";
      const answer = await fetch(api + "/place" + shown, { cache: "no-store", signal: AbortSignal.timeout?.(15000) });
      if ([401, 404, 410].includes(answer.status)) return reload();
      const date = Date.parse(answer.headers.get("Date"));
      if (date) behind = date - Date.now();
      const retryAfter = Number(answer.headers.get("Retry-After"));
      if (answer.status === 429) next = Date.now() + 1000 * Math.max(1, retryAfter);
      else if (!answer.ok) throw new Error(answer.status);
      else {
        const l = await answer.json();
        l.frozen = (answer.headers.get("Usher-Degraded") ?? "").includes("line-frozen");
        next = Date.now() + 1000 * l.poll_after_seconds;
        delete l.place;
        show(l);
      }
      if (fails) announce(say("room.js.back"));
      fails = 0;
    } catch {
      next = Date.now() + pause(++fails);
      if (fails === 1) announce(say("room.js.offline", { in: soon(next - Date.now()) }));
    } finally {
      busy = false;
      tell({ line, next, fails, behind });
    }
  }

  // tick runs every second. It goes by the clock, not by the count: a tab that has slept is late, not lost.
  function tick() {
    const t = Date.now();
    if (going) return;
    if (line) {
      if (fails) put("offline", say("room.js.offline", { in: soon((retry || next) - t) }));
      $("offline").hidden = !fails;
      if (kind === "line") {
        put("last", ago.format(-Math.max(0, Math.round((now() - new Date(line.updated_at)) / 1000)), "second"));
        put("next", soon(next - t));
      } else if (last) count();
      if (retry) put("n-full", say("room.js.full", { in: soon(retry - t) }));
      if (retry && t >= retry) enter();
      if (leads() && t >= next && !busy) ask();
    } else if (seed.until) {
      const s = until(seed.until);
      put("left", say(kind === "in" ? "room.js.until" : "room.js.left", { time: clock(seed.until), left: digits(s) }));
      // at the opening everybody looks at once: spread over a second, which costs nobody his place; a session ends two seconds later
      if (!s) {
        going = true;
        setTimeout(() => location.reload(), Math.max(kind === "in" ? 2000 : Math.random() * 1000, loaded + 4000 - t));
      }
    }
  }

  const opens = $("opens");
  if (opens) opens.textContent = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "short" }).format(new Date(opens.dateTime));
  for (const form of document.querySelectorAll(".leave form")) {
    form.addEventListener("submit", () => {
      going = true;
      keep(key, null);
    });
  }

  // Notifications are asked for when he asks for them, never before.
  const bell = $("notify");
  if (bell && self.Notification && Notification.permission !== "denied") {
    const ring = () => bell.setAttribute("aria-pressed", String(Notification.permission === "granted" && keep(key + ".notify") === true));
    bell.hidden = false;
    ring();
    bell.addEventListener("click", async () => {
      const on = bell.getAttribute("aria-pressed") === "true";
      if (!on && (await Notification.requestPermission()) !== "granted") put("say", say("room.js.blocked"));
      keep(key + ".notify", !on);
      ring();
    });
  }

  if (line) {
    next = loaded + 1000 * line.poll_after_seconds;
    if (seed.wait && kind === "turn") retry = loaded + 1000 * seed.wait;
    show(line, true);
    if (channel && navigator.locks) campaign(!document.hidden);
    const seen = () => {
      if (document.hidden) return;
      if (channel && navigator.locks && !lead) campaign(true);
      tick();
    };
    document.addEventListener("visibilitychange", seen);
    addEventListener("focus", seen);
    addEventListener("online", () => { if (fails) next = retry = Date.now() + Math.random() * 2000; });
  }
  setInterval(tick, 1000);
  tick();
})();
