// The list: the same sections and seats as the map, for keyboards and screen readers and for whoever likes lists better. A section's seats are one
// stop of the tab key; arrows move from seat to seat.

// list takes over what the server has written. ask: { blocks, look(seat), block(b), words, open(block or null), toggle(seat), focus(seat) }.
export function list(host, ask) {
  const buttons = new Map(), free = new Map();
  let shown; // the open block, null: all sections

  const make = (tag, className, ...children) => {
    const e = document.createElement(tag);
    if (className) e.className = className;
    e.append(...children);
    return e;
  };

  function heading(text) {
    const h = make("h2", "", text);
    h.id = "list-title";
    h.tabIndex = -1;
    return h;
  }

  function show(block) {
    if (block === shown) return;
    shown = block;
    buttons.clear();
    free.clear();
    host.replaceChildren(...(block ? seats(block) : sections()));
  }

  function sections() {
    const ul = make("ul", "plain sections");
    for (const b of ask.blocks) {
      const look = ask.block(b), a = make("a", "m" + look.mark, swatch(look.shape), make("strong", "", look.label), make("span", "", look.level), make("span", "soft", look.freeText));
      a.href = ask.address(b);
      a.addEventListener("click", (e) => {
        if (e.ctrlKey || e.metaKey || e.shiftKey) return;
        e.preventDefault();
        ask.open(b, true);
      });
      free.set(b, a.lastChild);
      ul.append(make("li", "", a));
    }
    return [heading(ask.words.t("seats.sections")), ul];
  }

  function swatch(shape) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("viewBox", "-12 -12 24 24");
    svg.setAttribute("width", "20");
    svg.setAttribute("height", "20");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", "#shape" + shape);
    use.setAttribute("class", "fill");
    svg.append(use);
    return svg;
  }

  function seats(block) {
    const look = ask.block(block), back = make("a", "button quiet", ask.words.t("seats.all"));
    back.href = location.pathname.split("/").slice(0, 4).join("/");
    back.addEventListener("click", (e) => { e.preventDefault(); ask.open(null, true); });
    const about = make("p", "", look.level + " · ", make("span", "", look.freeText)), rows = make("div", "rows m" + look.mark);
    free.set(block, about.lastChild);
    let seat = block.first;
    for (const row of block.rows) {
      const places = make("span", "places"), name = make("span", "name", row.name + (row.accessible ? " ♿" : "")), line = make("div", "line", name, places);
      name.setAttribute("aria-hidden", "true");
      line.setAttribute("role", "group");
      line.setAttribute("aria-label", ask.words.t("seats.row", { row: row.name }) + (row.accessible ? ", " + ask.words.t("seats.accessible") : ""));
      for (let i = 1; i <= row.seats; i++, seat++) places.append(button(seat, row.name, i));
      rows.append(line);
    }
    rows.addEventListener("keydown", arrows);
    rows.addEventListener("click", (e) => { const b = e.target.closest("button"); if (b) roam(b), ask.toggle(Number(b.dataset.seat)); });
    rows.addEventListener("focusin", (e) => { if (e.target.dataset.seat) roam(e.target), ask.focus(Number(e.target.dataset.seat)); });
    rows.addEventListener("focusout", () => ask.focus());
    (rows.querySelector("button:not([aria-disabled=true])") || rows.querySelector("button")).tabIndex = 0;
    return [make("div", "row spread", heading(ask.words.t("seats.section", { section: look.label })), back), about, rows];
  }

  function button(seat, row, number) {
    const b = make("button", "seat");
    b.type = "button";
    b.tabIndex = -1;
    b.dataset.seat = seat;
    buttons.set(seat, { b, row, number, was: "" });
    paint(seat);
    return b;
  }

  // paint shows a seat again. A seat that is taken keeps its button, so that the focus stays where it is.
  function paint(seat) {
    const e = buttons.get(seat);
    if (!e) return;
    const { state } = ask.look(seat);
    if (state === e.was) return;
    e.was = state;
    e.b.className = "seat " + state;
    e.b.textContent = state === "mine" ? "✓" : ask.words.number(e.number);
    const kind = state === "taken" ? "seats.seat.taken" : "seats.seat";
    e.b.setAttribute("aria-label", ask.words.t(kind, { row: e.row, seat: e.number }));
    e.b.setAttribute("aria-pressed", String(state === "mine" || state === "leaving"));
    e.b.toggleAttribute("aria-busy", state === "pending" || state === "leaving");
    if (state === "taken") e.b.setAttribute("aria-disabled", "true");
    else e.b.removeAttribute("aria-disabled");
  }

  function roam(b) {
    host.querySelectorAll("button[tabindex='0']").forEach((o) => { if (o.dataset.seat) o.tabIndex = -1; });
    b.tabIndex = 0;
  }

  function arrows(e) {
    const at = e.target.closest("button[data-seat]");
    if (!at || e.ctrlKey || e.metaKey || e.altKey) return;
    const row = [...at.parentElement.children], lines = [...host.querySelectorAll(".places")], n = row.indexOf(at), line = lines.indexOf(at.parentElement);
    const back = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft", on = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const above = (to) => lines[to] && lines[to].children[Math.min(n, lines[to].children.length - 1)];
    const next = { [back]: row[n - 1], [on]: row[n + 1], ArrowUp: above(line - 1), ArrowDown: above(line + 1), Home: row[0], End: row.at(-1) }[e.key];
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(e.key)) return;
    e.preventDefault();
    next?.focus();
  }

  // paintBlock shows again how many seats are free.
  function paintBlock(b) {
    const span = free.get(b);
    if (span) span.textContent = ask.block(b).freeText;
  }

  return { show, paint, paintBlock, title: () => document.getElementById("list-title"), button: (seat) => buttons.get(seat)?.b };
}
