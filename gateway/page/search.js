'use strict';
// The search page works without this script. It completes what is typed, finds out where the fan is when he asks for it, keeps addresses short,
// and appends the next page instead of leading to it.
{
  const words = JSON.parse(document.getElementById('words').textContent);
  const lang = document.documentElement.lang;
  const plural = new Intl.PluralRules(lang);
  const number = new Intl.NumberFormat(lang);
  const say = (key, n) => {
    const m = words['search.js.' + key];
    const text = typeof m === 'string' ? m : m[plural.select(n)] || m.other;
    return n === undefined ? text : text.replace('{n}', number.format(n));
  };
  const make = (tag, className, text) => {
    const e = document.createElement(tag);
    e.className = className;
    e.textContent = text;
    return e;
  };
  const form = document.getElementById('find');

  // A form sends its empty fields too: they are left out, so that the address can be read and shared.
  const fields = [...form.elements];
  form.addEventListener('submit', () => {
    for (const f of fields) {
      if (f.name && f.value === '') f.disabled = true;
    }
    const currency = form.elements.currency;
    if (currency && !fields.some((f) => f.name.startsWith('budget_') && f.value !== '')) currency.disabled = true;
  });
  addEventListener('pageshow', () => { // also when the browser shows this page again from its memory
    for (const f of fields) f.disabled = false;
  });

  // Near me: the browser asks for permission when the button is pressed, not before. A hundredth of a degree is a kilometre: nobody needs more.
  const near = document.getElementById('near');
  const note = document.getElementById('near-note');
  if (near && navigator.geolocation && isSecureContext) {
    near.disabled = false;
    near.addEventListener('click', () => {
      note.textContent = say('locating');
      navigator.geolocation.getCurrentPosition(({coords}) => {
        const to = new URL(location.href);
        for (const name of ['page_cursor', 'radius_km', 'sort']) to.searchParams.delete(name);
        to.searchParams.set('location', coords.latitude.toFixed(2) + ',' + coords.longitude.toFixed(2));
        to.searchParams.set('sort', 'distance');
        location.assign(to.pathname + to.search);
      }, () => {
        note.textContent = say('denied');
      }, {maximumAge: 600000, timeout: 10000});
    });
  }

  // Suggestions: the combobox pattern of the ARIA practices, with a list that pops up. Enter without a chosen suggestion searches, as ever.
  const input = document.getElementById('q');
  const list = make('ul', 'suggestions', '');
  const heard = make('p', 'hide', '');
  let timer = 0, asked = null, chosen = -1, shown = [];
  list.id = 'suggestions';
  list.hidden = true;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', say('suggestions'));
  heard.setAttribute('role', 'status');
  input.after(list, heard);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-expanded', 'false'], ['aria-controls', list.id]]) {
    input.setAttribute(name, value);
  }

  const target = (s) => {
    switch (s.kind) {
      case 'event': return '/events/' + encodeURIComponent(s.id);
      case 'venue': return '/?venue=' + encodeURIComponent(s.id);
      case 'city': return '/?location=' + encodeURIComponent(s.detail || s.text);
      default: return '/?performer=' + encodeURIComponent(s.text);
    }
  };
  const close = () => {
    clearTimeout(timer);
    if (asked) asked.abort();
    list.hidden = true;
    chosen = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const choose = (i) => {
    chosen = i;
    [...list.children].forEach((option, at) => option.setAttribute('aria-selected', String(at === i)));
    if (i < 0) {
      input.removeAttribute('aria-activedescendant');
      return;
    }
    input.setAttribute('aria-activedescendant', list.children[i].id);
    list.children[i].scrollIntoView({block: 'nearest'});
  };
  const open = (suggestions) => {
    shown = suggestions;
    list.replaceChildren(...suggestions.map((s, i) => {
      const option = make('li', '', '');
      option.id = 'suggestion-' + i;
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      const city = s.kind === 'city' && s.detail; // says the country too
      option.append(make('span', '', city || s.text));
      if (s.detail && !city) option.append(make('span', 'detail', s.detail));
      option.append(make('span', 'kind', say(s.kind)));
      option.addEventListener('mousedown', (e) => e.preventDefault()); // the field keeps the focus
      option.addEventListener('click', () => location.assign(target(s)));
      return option;
    }));
    chosen = -1;
    list.hidden = suggestions.length === 0;
    input.setAttribute('aria-expanded', String(!list.hidden));
    heard.textContent = list.hidden ? '' : say('count', suggestions.length);
  };
  const ask = async (text) => {
    if (asked) asked.abort();
    const mine = asked = new AbortController();
    try {
      const r = await fetch('/api/v1/suggestions?limit=8&q=' + encodeURIComponent(text), {signal: mine.signal, headers: {Accept: 'application/json'}});
      if (!r.ok) throw new Error(r.status);
      const known = (await r.json()).suggestions.filter((s) => words['search.js.' + s.kind]);
      if (!mine.signal.aborted && document.activeElement === input) open(known);
    } catch {
      if (!mine.signal.aborted) close(); // no suggestions are no misfortune: the search itself works
    }
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    const text = input.value.trim();
    if (text === '' || text.length === 1 && text < '\u0370') { // one letter says little; one of a syllabary or of Han says enough
      close();
      return;
    }
    timer = setTimeout(() => ask(text), 160);
  });
  input.addEventListener('keydown', (e) => {
    if (e.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
    const n = shown.length;
    if (e.key === 'ArrowDown' && list.hidden && input.value.trim() !== '') {
      e.preventDefault();
      ask(input.value.trim());
    } else if (list.hidden) {
      return;
    } else if (e.key === 'ArrowDown') {
      e.preventDefault();
      choose(chosen + 1 < n ? chosen + 1 : -1);
    } else if (e.key === 'ArrowUp') {
      e.preventDefault();
      choose(chosen < 0 ? n - 1 : chosen - 1);
    } else if (e.key === 'Escape') {
      e.preventDefault(); // the first one closes the list, the next one empties the field
      close();
    } else if (e.key === 'Enter' && chosen >= 0) {
      e.preventDefault();
      location.assign(target(shown[chosen]));
    } else if (e.key === 'Enter' || e.key === 'Tab') {
      close();
    }
  });
  input.addEventListener('blur', close);
  form.addEventListener('submit', close);

  // More events are appended. The history entry remembers how many pages there are, so that who comes back from an event finds his place.
  const cards = document.getElementById('cards');
  const more = document.getElementById('more');
  const said = document.getElementById('said');
  const most = 10; // pages that are fetched again after coming back
  let busy = false;
  const next = () => more && more.querySelector('a[rel=next]');
  const fetchPage = async (address) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const r = await fetch(address, {headers: {Accept: 'text/html'}});
        if (r.ok) return new DOMParser().parseFromString(await r.text(), 'text/html'); // inert: nothing in it runs
        if (r.status < 500) throw new RangeError();
      } catch (e) {
        if (e instanceof RangeError || attempt === 2) throw e;
      }
      if (attempt === 2) throw new Error();
      await new Promise((done) => setTimeout(done, 400 * 2 ** attempt + Math.random() * 300));
    }
  };
  const append = async (focus) => {
    const link = next();
    if (!link || busy) return;
    busy = true;
    link.setAttribute('aria-disabled', 'true');
    said.textContent = say('loading');
    try {
      const page = await fetchPage(link.href);
      const fresh = [...page.querySelectorAll('#cards > li')].map((li) => document.importNode(li, true));
      cards.append(...fresh);
      more.replaceChildren(...[...page.querySelectorAll('#more > *')].map((e) => document.importNode(e, true)));
      said.textContent = say('loaded', fresh.length);
      if (focus && fresh.length > 0) fresh[0].querySelector('a').focus();
      return true;
    } catch {
      said.textContent = '';
      link.removeAttribute('aria-disabled');
      const fault = more.querySelector('.fault') || make('span', 'fault', '');
      fault.setAttribute('role', 'alert');
      fault.textContent = say('failed');
      more.prepend(fault);
      return false;
    } finally {
      busy = false;
    }
  };
  if (more) {
    more.addEventListener('click', async (e) => {
      if (!e.target.closest('a[rel=next]') || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
      e.preventDefault();
      if (await append(true)) {
        history.scrollRestoration = 'manual';
        history.replaceState({more: ((history.state && history.state.more) || 0) + 1}, '');
      }
    });
    const again = Math.min((history.state && history.state.more) || 0, most);
    (async () => {
      if (again === 0) return;
      history.scrollRestoration = 'manual'; // the browser would go to where the page ended before
      for (let i = 0; i < again && await append(false);) i++;
      if (history.state.y) scrollTo(0, history.state.y);
    })();
    addEventListener('pagehide', () => {
      if (history.state && history.state.more) history.replaceState({...history.state, y: scrollY}, '');
    });
  }
}
