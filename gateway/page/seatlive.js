// Follows the state of the seats: server-sent events, which a browser resumes by itself with Last-Event-ID, and where they do not get through, polling by
// ETag. Whatever happens, what is shown stays; it only says when it is getting old.

const POLL = 2500, RETRY_STREAM = 30000, FAILURES = 3, OLD = 10000, QUIET = 30000;

// follow calls on.changes([[seat, code], …]), on.snapshot(digits) and on.old(whether what is shown may be older than ten seconds).
export function follow(event, on) {
  const base = "/api/v1/events/" + event;
  let source, failures = 0, polling = false, timer, etag = "", version = -1, last = Date.now(), degraded = false, told = false;

  const fresh = () => { last = Date.now(); tell(); };
  const tell = () => {
    const old = degraded || Date.now() - last > OLD && (polling || source?.readyState !== EventSource.OPEN);
    if (old !== told) on.old((told = old));
  };

  function open() {
    source?.close();
    source = new EventSource(base + "/stream");
    source.onopen = () => { failures = 0; stopPolling(); fresh(); };
    source.addEventListener("seats", (e) => { const d = JSON.parse(e.data); version = d.version; degraded = false; fresh(); on.changes(d.changes); });
    source.addEventListener("snapshot", (e) => { const d = JSON.parse(e.data); version = d.version; degraded = false; fresh(); on.snapshot(d.seats); });
    source.addEventListener("degraded", (e) => { const d = JSON.parse(e.data); degraded = d.degraded !== null && d.age * 1000 >= OLD; tell(); });
    source.onerror = () => {
      if (++failures < FAILURES && source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      source.close();
      startPolling();
      clearTimeout(open.again);
      open.again = setTimeout(open, RETRY_STREAM * (0.8 + Math.random() * 0.4));
    };
  }

  function startPolling() {
    if (polling) return;
    polling = true;
    poll();
  }
  function stopPolling() {
    polling = false;
    clearTimeout(timer);
  }
  async function poll() {
    if (!document.hidden) await look();
    if (polling) timer = setTimeout(poll, POLL * (0.8 + Math.random() * 0.4));
  }

  // look asks once for all seats; an answer that is behind what the stream has told is not shown.
  async function look() {
    try {
      const answer = await fetch(base + "/seats", { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (!answer.ok && answer.status !== 304) return tell();
      degraded = Number(answer.headers.get("Age") || 0) * 1000 >= OLD;
      fresh();
      if (answer.status === 304) return;
      etag = answer.headers.get("ETag") || "";
      const body = await answer.json();
      if (body.version < version && !polling) return;
      if (body.version > version && !polling && source.readyState === EventSource.OPEN) open(); // the stream has gone quiet
      version = body.version;
      on.snapshot(body.seats);
    } catch { tell(); }
  }

  const quiet = setInterval(() => { tell(); if (!polling && !document.hidden && Date.now() - last > QUIET) look(); }, 2000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  addEventListener("pagehide", () => { source.close(); stopPolling(); clearInterval(quiet); clearTimeout(open.again); });
  open();
  return { look };
}
