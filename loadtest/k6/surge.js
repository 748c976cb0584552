// The on-sale as k6 sees it: fans who join, wait, enter, hold, book and pay, beside readers of the event view.
//
//   go -C loadtest/k6 tool k6 run surge.js
//
// Environment: BASE_URL (http://localhost:8080), EVENT (default: the first event behind an active room that has tickets), FANS
// (arrivals a second, 20), READERS (views a second, 50), DURATION (30s), P95_POLL and P95_VIEW (ms, 1500).
import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { Counter } from 'k6/metrics';

const base = (__ENV.BASE_URL || 'http://localhost:8080') + '/api/v1';
const duration = __ENV.DURATION || '30s';
const fans = Number(__ENV.FANS || 20);
const readers = Number(__ENV.READERS || 50);

const sold = new Counter('tickets_sold');
const unexpected = new Counter('unexpected_answers');

export const options = {
  scenarios: {
    fans: {
      executor: 'ramping-arrival-rate', exec: 'fan', startRate: 1, timeUnit: '1s', preAllocatedVUs: 50, maxVUs: 1000,
      stages: [{ target: fans, duration: '5s' }, { target: fans, duration }], gracefulStop: '20s',
    },
    readers: {
      executor: 'constant-arrival-rate', exec: 'reader', rate: readers, timeUnit: '1s', duration, preAllocatedVUs: 20, maxVUs: 200, gracefulStop: '5s',
    },
  },
  thresholds: {
    unexpected_answers: ['count==0'],
    checks: ['rate>0.99'],
    'http_req_duration{call:poll}': [`p(95)<${__ENV.P95_POLL || 1500}`],
    'http_req_duration{call:view}': [`p(95)<${__ENV.P95_VIEW || 1500}`],
  },
};

// What a contract-following server may answer to each call; everything else is unexpected.
const expected = {
  search: [200], view: [200, 304], visitor: [201, 429], join: [200, 201, 503], poll: [200, 429], enter: [200, 409, 503],
  hold: [200, 201, 409, 503], book: [201, 202, 409, 503], confirm: [200, 202, 402, 503], status: [200], leave: [204],
};
for (const call of Object.keys(expected)) expected[call] = http.expectedStatuses(...expected[call]);

function ask(call, method, path, credentials, body) {
  const headers = { ...credentials };
  if (body) headers['Content-Type'] = 'application/json';
  const answer = http.request(method, base + path, body ? JSON.stringify(body) : null, {
    headers, tags: { call, name: call }, responseCallback: expected[call], timeout: '15s',
  });
  const fine = check(answer, { 'expected answer': (r) => r.status !== 0 && !r.error_code || r.status >= 400 && r.status < 500 });
  if (!fine || answer.status >= 500 && answer.status !== 503) unexpected.add(1, { call, status: String(answer.status) });
  return answer;
}

export function setup() {
  if (__ENV.EVENT) return lookAt(__ENV.EVENT) || fail(`event ${__ENV.EVENT} stands behind no active room`);
  let cursor = '';
  for (let page = 0; page < 50; page++) {
    const found = ask('search', 'GET', `/events/search?page_size=100${cursor}`, {}).json();
    for (const event of found.events) {
      const sale = event.availability !== 'none' && lookAt(event.id);
      if (sale) return sale;
    }
    if (!found.next_page_cursor) break;
    cursor = '&page_cursor=' + encodeURIComponent(found.next_page_cursor);
  }
  fail('no event with tickets stands behind an active room; give one with EVENT');
}

function lookAt(event) {
  const view = ask('view', 'GET', `/events/${event}`, {}).json();
  return view.room && view.room.active ? { event, room: view.room.id } : null;
}

export function reader(sale) {
  ask('view', 'GET', `/events/${sale.event}`, {});
}

export function fan(sale) {
  const visitor = ask('visitor', 'POST', '/visitors', {});
  if (visitor.status !== 201) return;
  const me = { 'Usher-Visitor': visitor.json('visitor') };
  const joined = ask('join', 'POST', `/rooms/${sale.room}/join`, me);
  if (joined.status > 201) return;
  me['Usher-Place'] = joined.json('place');
  if (wait(sale, me, joined.json())) {
    shop(sale, me);
    ask('leave', 'POST', `/rooms/${sale.room}/leave`, me);
  }
}

// wait polls as often as told, and enters when called. It gives up when the event is sold out.
function wait(sale, me, line) {
  for (let polls = 0; polls < 60; polls++) {
    if (line.state === 'called') {
      const entered = ask('enter', 'POST', `/rooms/${sale.room}/enter`, me);
      if (entered.status === 200) {
        me.Authorization = 'Bearer ' + entered.json('pass');
        return true;
      }
    }
    if (line.state === 'sold_out') break;
    sleep(line.poll_after_seconds);
    const shown = line.position ? `?shown=${line.position}` : '';
    const polled = ask('poll', 'GET', `/rooms/${sale.room}/place${shown}`, me);
    if (polled.status === 200) line = polled.json();
  }
  ask('leave', 'POST', `/rooms/${sale.room}/leave`, me);
  return false;
}

// shop goes for a few seats, books the first that it gets, and pays.
function shop(sale, me) {
  const view = ask('view', 'GET', `/events/${sale.event}`, {}).json();
  const free = view.tickets.filter((t) => t.status === 'available' && !t.held && !t.blocked);
  for (let tries = 0; tries < 5 && free.length > 0; tries++) {
    const [ticket] = free.splice(Math.floor(Math.random() * free.length), 1);
    if (ask('hold', 'POST', `/events/${sale.event}/ticket/${ticket.id}/hold`, me).status > 201) continue;
    const booked = ask('book', 'POST', '/booking', me, { ticketIds: [ticket.id] });
    if (booked.status === 201) pay(me, booked.json('booking_id'));
    return;
  }
}

function pay(me, booking) {
  let status = ask('confirm', 'POST', `/booking/${booking}/confirm`, me, { paymentDetails: { method: 'sandbox', token: 'tok_ok' } }).json('status');
  for (let asked = 0; status === 'paying' && asked < 10; asked++) {
    sleep(1);
    status = ask('status', 'GET', `/booking/${booking}`, me).json('status');
  }
  if (status === 'confirmed') sold.add(1);
}
