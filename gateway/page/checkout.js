// The checkout: counts down by the server's clock, warns once, keeps what was typed through a reload, and sees by itself when a payment is through.
// Without it the page says until when, the form posts, and a refresh looks again.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const lang = document.documentElement.lang;
  // A page that answers a form stands at the form's address, which cannot be asked for: reload and back go to the checkout itself.
  const home = location.pathname.split("/").slice(0, 3).join("/");
  history.replaceState(null, "", home);

  // A page that comes back from the browser's memory may be of long ago.
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

  // The tabs of this browser: each says that it is here, and the others look whether that has changed what they show.
  const booking = home.split("/")[2], tabs = self.BroadcastChannel && new BroadcastChannel("usher." + booking.split("-")[0]);
  tabs?.postMessage("booking");

  const clock = $("clock");
  if (clock) {
    countDown(clock);
    keepTyped($("pay"));
    $("faults")?.focus();
    if (tabs) tabs.onmessage = () => lookAgain(Number(clock.dataset.until));
  }
  else try { sessionStorage.removeItem("usher." + home); } catch { /* there is none */ }
  const wait = $("wait");
  if (wait) watch(wait.dataset.booking, wait.dataset.status);

  function countDown(el) {
    const words = JSON.parse($("words").textContent);
    const behind = Number(el.dataset.now) - Date.now(); // of this clock behind the server's
    const until = Number(el.dataset.until), warnAt = 120;
    let warned = $("warning").childElementCount > 0;
    const write = (s) => {
      const digits = new Intl.NumberFormat(lang, { minimumIntegerDigits: 2 });
      return new Intl.NumberFormat(lang).format(Math.floor(s / 60)) + ":" + digits.format(s % 60);
    };
    const tick = () => {
      const left = Math.max(0, Math.ceil((until - Date.now() - behind) / 1000));
      $("left").textContent = left ? words["checkout.js.left"].replace("{left}", write(left)) : words["checkout.js.over"];
      if (!warned && left > 0 && left <= warnAt) {
        warned = true;
        $("warning").append($("warning-text").content.cloneNode(true));
      }
      if (left === 0) { // the server decides: it says what has become of the seats
        clearInterval(timer);
        setTimeout(() => location.replace(home), 1500 + Math.random() * 2500);
      }
    };
    const timer = setInterval(tick, 1000);
    tick();
  }

  // What was typed is kept in this tab until the booking is paid, and never leaves it but with the form.
  function keepTyped(form) {
    const key = "usher." + home;
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) || "{}");
      for (const name of ["name", "email"]) if (!form.elements[name].value && kept[name]) form.elements[name].value = kept[name];
      if (kept.token) for (const r of form.querySelectorAll("[name=token]")) r.checked = r.value === kept.token;
      form.addEventListener("input", () => sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(new FormData(form)))));
    } catch { /* no storage: the server keeps what was sent */ }
    let sent = false;
    form.addEventListener("submit", (e) => {
      if (sent) return e.preventDefault();
      sent = true;
      const words = JSON.parse($("words").textContent), button = form.querySelector("button.pay");
      const label = button?.textContent;
      if (button) button.textContent = words["checkout.js.sending"];
      setTimeout(() => { // it did not get through, or was stopped: pressing again charges nobody twice
        sent = false;
        if (button) button.textContent = label;
      }, 12000);
    });
  }

  // Another tab may have paid, given back or asked for more time.
  async function lookAgain(until) {
    try {
      const answer = await fetch("/api/v1/booking/" + booking, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const now = await answer.json();
      if (now.status !== "reserved" || Math.abs(Date.parse(now.expiration_time) - until) > 1500) location.replace(home);
    } catch { /* the line is down: the server says it with the next page */ }
  }

  // Asks how the booking stands until that has changed: every second at first, then less often.
  async function watch(booking, status) {
    for (let wait = 1000; ; wait = Math.min(wait * 1.3, 10000)) {
      await new Promise((done) => setTimeout(done, wait * (0.8 + Math.random() * 0.4)));
      try {
        const answer = await fetch("/api/v1/booking/" + booking, { headers: { Accept: "application/json" } });
        if (answer.status === 404 || (answer.ok && changed(await answer.json(), status))) return location.replace("/checkout/" + booking);
      } catch { /* the line is down: the next round may get through */ }
    }
  }

  function changed(now, status) {
    return now.status !== status || Boolean(now.action) !== Boolean(document.querySelector("#wait a.button.wide"));
  }
})();
