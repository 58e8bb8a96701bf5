// The page: who is here, what was said, and what is said now. See `outbox.js` for what is owed.
//
// What is kept comes by `history` and by events, which go on from the last revision that was seen.
// A message is shown as it was last told, whatever came first.

import { blocks, message } from './messages.js';
import { build, element } from './nodes.js';
import { Outbox, newKey } from './outbox.js';
import { language, learn, say } from './words.js';

const $ = (id) => document.getElementById(id);
const NEAR = 80; // pixels from the end within which the page follows what is new
const TYPING = 6000;
const REST = 20000;

let session;
let outbox;
let events;
let revision = 0;
let thread = '';
let answered; // the message that is answered, or edited
let chosen = []; // files to send
let typing;
let resting;
let shown; // the inspector, once it was open
const threads = new Map(); // by name: { title, messages, loaded, draft, unread }

// Who is here

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1));
  while (!(await learn())) await sleep(1000);
  history.replaceState(null, '', location.pathname + location.search);
  if (given.has('token')) await enter({ token: given.get('token') });
  for (let code = given.get('code'); ; ) {
    const answer = await fetch('session').catch(() => undefined);
    if (answer?.ok && !code) return open(await answer.json());
    if (answer?.ok || answer?.status === 401) {
      await ask(await answer.json(), code, answer.ok);
      code = '';
    } else {
      await sleep(1000);
    }
  }
}

const sleep = (pause) => new Promise((done) => setTimeout(done, pause));

const post = (path, data) =>
  fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(data) });

async function enter(given) {
  const answer = await post('enter', given).catch(() => undefined);
  if (answer?.ok) return '';
  return say(!answer ? 'no_answer' : answer.status === 429 ? 'too_often' : 'wrong');
}

/**
 * Ask for what lets in, until it does. A code that came with the address is used by nobody but the
 * person: whoever made it would read what is written. Who is `known` already may leave it.
 */
function ask({ asks, title }, code, known) {
  const dialog = $('enter');
  const form = dialog.querySelector('form');
  const show = (what) => {
    $('enter-hint').textContent = say(what === 'code' && code ? 'ask_given' : `ask_${what}`);
    const wanted = what === 'name' ? ['name', 'password'] : [what];
    for (const label of form.querySelectorAll('label')) label.hidden = !wanted.includes(label.dataset.for);
    $('enter-code').textContent = say(what === 'code' ? 'back' : 'have_code');
    $('enter-code').onclick = () => (known ? form.leave() : show(what === 'code' ? asks : 'code'));
    form.elements[wanted[0]].focus();
  };
  $('enter-title').textContent = title;
  document.title = title;
  if (!dialog.open) dialog.showModal();
  show(code ? 'code' : asks);
  form.elements.code.value = code ?? '';
  dialog.oncancel = (event) => event.preventDefault();
  dialog.onclose = () => dialog.showModal(); // a browser closes it all the same, if asked twice
  return new Promise((done) => {
    form.leave = () => {
      form.reset();
      dialog.onclose = null;
      dialog.close();
      done();
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const visible = [...form.querySelectorAll('label:not([hidden]) input')];
      const trouble = await enter(Object.fromEntries(visible.map((input) => [input.name, input.value])));
      form.querySelector('.trouble').textContent = trouble;
      return trouble ? visible[0].select() : form.leave();
    };
  });
}

async function open(told) {
  session = told;
  document.title = session.title;
  $('title').textContent = session.title;
  $('about').textContent = session.description;
  $('me').textContent = session.name;
  revision = session.revision;
  for (const { thread: name, title } of session.conversations) place(name).title = title;
  if (!threads.size) place('');
  outbox = new Outbox(session.person, { changed: showOwed, asked: fill, lost });
  $('app').hidden = false;
  $('inspect').hidden = !session.inspects;
  await go(session.conversations[0]?.thread ?? '');
  listen();
  outbox.run();
  $('say').focus();
}

// What was said

const place = (name) => {
  if (!threads.has(name)) threads.set(name, { title: '', messages: new Map(), loaded: false });
  return threads.get(name);
};

/** Go to a conversation. */
async function go(name) {
  thread = name;
  side(false);
  forget();
  const there = place(name);
  there.unread = false;
  if (!there.loaded) {
    const found = await fetch(`history?thread=${encodeURIComponent(name)}`).catch(() => undefined);
    if (found?.ok) {
      for (const data of await found.json()) keep(data);
      there.loaded = true;
    }
  }
  if (thread !== name) return;
  const log = $('log');
  log.ariaLive = 'off'; // what was said before is not read out
  log.replaceChildren();
  for (const data of inOrder(there)) show(data);
  setTimeout(() => (log.ariaLive = 'polite'), 500);
  showDraft();
  showOwed();
  showThreads();
  suggest();
  end();
}

const inOrder = ({ messages }) => [...messages.values()].sort((a, b) => a.id - b.id).filter((data) => data.body);

/** Keep what a message is by now; tell whether that is news. */
function keep(data) {
  const there = place(data.thread);
  const known = there.messages.get(data.id);
  if (known && known.revision >= data.revision) return false;
  there.messages.set(data.id, data);
  if (data.body?.by === 'you' && !there.title) there.title = data.body.text.slice(0, 60);
  return true;
}

const context = () => ({
  title: session.title,
  session,
  find: (id) => place(thread).messages.get(id),
  act: (said) => outbox.add({ thread, ...said }),
  answer: (data) => about(data, false),
  edit: (data) => about(data, true),
  inspect: async (data) => (await inspector(true)).turn(data, [...place(thread).messages.values()]),
});

function show(data) {
  const before = $(`m${data.id}`);
  if (!data.body) return before?.remove();
  const made = message(data, context());
  if (before) return before.replaceWith(made);
  const log = $('log');
  const day = new Date(data.at * 1000).toDateString();
  if (log.lastElementChild?.dataset.day !== day) log.append(dayOf(data.at));
  made.dataset.day = day;
  return log.append(made);
}

function dayOf(at) {
  const day = new Date(at * 1000);
  const options = { weekday: 'long', day: 'numeric', month: 'long' };
  const today = new Date().toDateString() === day.toDateString();
  return element('p', { className: 'day' }, today ? say('today') : day.toLocaleDateString(language(), options));
}

// What is said now

function listen() {
  events?.close();
  const source = new EventSource(`events?after=${revision}`);
  events = source;
  source.addEventListener('message', ({ data }) => hear(JSON.parse(data)));
  source.addEventListener('live', ({ data }) => follow(JSON.parse(data)));
  source.onopen = () => {
    for (const there of threads.values()) there.draft = undefined;
    showDraft();
    trouble('');
    outbox.run();
  };
  source.onerror = async () => {
    lost();
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    const answer = await fetch('session').catch(() => undefined);
    if (answer?.status === 401) return location.reload();
    await sleep(1000);
    if (source === events) listen();
  };
}

/** Let go of the connection of a window that nobody looks at: a browser has few for a site. */
function rest() {
  const waits = outbox.items.length || $('typing').childNodes.length || [...threads.values()].some(({ draft }) => draft);
  if (waits) {
    resting = setTimeout(rest, REST);
  } else {
    events.close();
    events = undefined;
  }
}

function hear(data) {
  revision = Math.max(revision, data.revision);
  if (!keep(data)) return;
  const there = place(data.thread);
  const isBots = data.body && data.body.by !== 'you';
  if (data.thread !== thread) {
    there.unread ||= Boolean(isBots);
    return showThreads();
  }
  const follows = isAtEnd();
  show(data);
  if (isBots) quiet();
  showOwed();
  showThreads();
  suggest();
  if (follows || data.body?.by === 'you') end();
  if (document.hidden && isBots) document.title = `● ${session.title}`;
}

function follow({ thread: name, typing: types, over, key, first = 0, blocks: shown = [] }) {
  const there = place(name);
  if (over) there.draft = undefined;
  if (key) {
    const known = there.draft?.key === key ? there.draft.blocks : [];
    there.draft = { key, blocks: [...known.slice(0, first), ...shown] };
  }
  if (name !== thread) return;
  const follows = isAtEnd();
  if (types) type();
  if (over || key) showDraft(first);
  if (follows) end();
}

/** Show the answer that is being written; blocks before the first that is new stay as they are. */
function showDraft(first = 0) {
  const draft = place(thread).draft;
  $('stop').hidden = !draft;
  $('send').hidden = Boolean(draft) && !$('say').value;
  if (!draft) return $('draft').replaceChildren();
  quiet();
  let shown = $('draft').querySelector('.shown');
  if (!shown) {
    shown = element('div', { className: 'shown' });
    $('draft').replaceChildren(element('article', { className: 'message bot' }, shown));
    first = 0;
  }
  while (shown.childNodes.length > first) shown.lastChild.remove();
  return shown.append(...draft.blocks.slice(shown.childNodes.length).map(build));
}

function type() {
  clearTimeout(typing);
  $('typing').replaceChildren(element('span', { className: 'hidden' }, say('typing', session)), element('i'), element('i'), element('i'));
  typing = setTimeout(quiet, TYPING);
}

function quiet() {
  clearTimeout(typing);
  $('typing').replaceChildren();
}

function lost(status) {
  if (status === 429) return trouble(say('hurry'));
  return trouble(say('unreachable'));
}

function trouble(told) {
  const shown = $('trouble');
  if (shown.textContent !== told) shown.textContent = told;
  shown.hidden = !told;
}

// What is owed

function showOwed() {
  const known = new Set([...place(thread).messages.values()].map((data) => data.key));
  const owed = outbox.items.filter(({ said }) => said.thread === thread && !known.has(said.key));
  $('owed').replaceChildren(...owed.filter(({ said }) => said.do !== 'react').map(waiting));
}

function waiting({ said, files, failed }) {
  const words = said.do === 'press' || said.do === 'select' ? said.label : said.text;
  const shown = element('div', { className: 'shown' }, ...blocks({ text: words }));
  for (const name of files) shown.append(element('span', { className: 'file' }, name));
  const now = outbox.putting.has(said.key) ? say('keeping') : say('sending');
  const state = element('div', { className: 'foot' }, element('span', { className: 'small' }, failed ? say('not_sent', { problem: say(failed) }) : now));
  if (failed) {
    const press = (name, onclick) => element('button', { type: 'button', className: 'plain', onclick }, name);
    state.append(press(say('again'), () => outbox.again(said.key)), press(say('discard'), () => outbox.drop(said.key)));
  }
  return element('article', { className: `message you owed ${failed ? 'failed' : ''}` }, shown, state);
}

/** Ask the questions of a form, and send what began it with the answers. */
function fill(said, form) {
  const dialog = $('form');
  $('form-title').textContent = form.title;
  const inputs = form.fields.map(({ label, answer }) => element('textarea', { name: label, rows: 2, value: answer ?? '' }));
  dialog.querySelector('.fields').replaceChildren(
    ...form.fields.map(({ label }, at) => element('label', {}, label, inputs[at])),
  );
  const answers = () => Object.fromEntries(inputs.map((input) => [input.name, input.value]));
  dialog.querySelector('form').onsubmit = () => outbox.add({ ...said, key: newKey(), answers: answers() });
  dialog.querySelector('.plain').onclick = () => dialog.close();
  dialog.showModal();
}

// Writing

function about(data, edits) {
  answered = { id: data.id, edits };
  const text = (data.body.text || say('some_message')).slice(0, 120);
  $('about-what').querySelector('span').textContent = say(edits ? 'editing' : 'answering', { text });
  $('about-what').hidden = false;
  if (edits) $('say').value = data.body.text;
  grow();
  $('say').focus();
}

function forget() {
  answered = undefined;
  $('about-what').hidden = true;
}

function send(event) {
  event?.preventDefault();
  const text = $('say').value;
  if (!text.trim() && !chosen.length) return;
  const edits = answered?.edits;
  outbox.add({ do: edits ? 'edit' : 'say', thread, text, message: answered?.id ?? '' }, edits ? [] : chosen);
  $('say').value = '';
  choose([]);
  forget();
  grow();
  complete();
  end();
}

function grow() {
  const say = $('say');
  say.style.height = 'auto';
  say.style.height = `${Math.min(say.scrollHeight, 240)}px`;
  $('send').hidden = Boolean(place(thread).draft) && !say.value;
}

function choose(list) {
  chosen = list;
  $('files').value = '';
  $('chosen').replaceChildren(
    ...chosen.map((file) => {
      const drop = element('button', { type: 'button', className: 'icon' }, '×');
      drop.ariaLabel = say('drop_file', { file: file.name });
      drop.onclick = () => choose(chosen.filter((other) => other !== file));
      return element('li', { className: 'file' }, file.name, drop);
    }),
  );
}

/** Offer the commands that begin as what is typed. */
function complete() {
  const text = $('say').value;
  const typed = /^\/[\w ]*$/.test(text) ? text.slice(1).toLowerCase() : undefined;
  const found = typed === undefined ? [] : session.commands.filter(({ name }) => name.startsWith(typed) && name !== typed);
  const rows = found.slice(0, 8).map(({ name, usage, description }, at) => {
    const row = element('li', { id: `c${at}` }, element('b', {}, usage), ' ', element('span', { className: 'small' }, description));
    row.role = 'option';
    row.ariaSelected = String(at === 0);
    row.dataset.name = name;
    row.onclick = () => take(row);
    return row;
  });
  $('commands').replaceChildren(...rows);
  $('commands').hidden = !rows.length;
  point(rows[0]);
}

function point(row) {
  for (const other of $('commands').children) other.ariaSelected = String(other === row);
  if (row) $('say').setAttribute('aria-activedescendant', row.id);
  else $('say').removeAttribute('aria-activedescendant');
}

function take(row) {
  $('say').value = `/${row.dataset.name} `;
  complete();
  $('say').focus();
}

function keys(event) {
  const rows = [...$('commands').children];
  const at = rows.findIndex((row) => row.ariaSelected === 'true');
  if (rows.length && event.key.startsWith('Arrow') && /Up|Down/.test(event.key)) {
    event.preventDefault();
    point(rows.at((at + (event.key === 'ArrowUp' ? -1 : 1)) % rows.length));
  } else if (rows.length && event.key === 'Tab') {
    event.preventDefault();
    take(rows[at]);
  } else if (event.key === 'Escape') {
    $('commands').replaceChildren();
    $('commands').hidden = true;
    forget();
  } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    send(event);
  }
}

function suggest() {
  const last = inOrder(place(thread)).at(-1);
  const offered = last && last.body.by !== 'you' ? last.body.suggestions ?? [] : [];
  $('suggestions').replaceChildren(
    ...offered.map((text) => {
      const press = element('button', { type: 'button', className: 'button' }, text);
      press.onclick = () => outbox.add({ do: 'say', thread, text, message: '' });
      return element('li', {}, press);
    }),
  );
}

// Conversations, and the rest of the page

function showThreads() {
  const newest = ({ messages }) => Math.max(0, ...[...messages.keys()].map(Number));
  const known = [...threads].sort(([, a], [, b]) => newest(b) - newest(a));
  $('threads').replaceChildren(
    ...known.map(([name, { title, unread }]) => {
      const press = element('button', { type: 'button', onclick: () => go(name) }, title || say('new'));
      if (name === thread) press.setAttribute('aria-current', 'page');
      if (unread) press.append(element('span', { className: 'unread' }, element('span', { className: 'hidden' }, say('unread'))));
      return element('li', {}, press);
    }),
  );
}

function side(open) {
  document.body.classList.toggle('side', open);
  document.querySelector('main').inert = open;
  $('menu').ariaExpanded = String(open);
  if (open) $('side').querySelector('button').focus();
}

/** Open or close what an owner sees beside the chat; it is loaded when it is wanted. */
async function inspector(open) {
  const { Inspector } = await import('./inspector.js');
  shown ??= new Inspector($('inspector'), session.person);
  shown.open = open;
  $('inspect').ariaExpanded = String(open);
  return shown;
}

const isAtEnd = () => {
  const { scrollHeight, scrollTop, clientHeight } = $('scroll');
  return scrollHeight - scrollTop - clientHeight < NEAR;
};

function end() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
}

async function tellCode() {
  const answer = await post('link', {}).catch(() => undefined);
  if (!answer?.ok) return lost();
  const { code } = await answer.json();
  $('device').querySelector('output').textContent = code;
  return $('device').showModal();
}

$('composer').onsubmit = send;
$('say').oninput = () => {
  grow();
  complete();
};
$('say').onkeydown = keys;
$('say').onpaste = ({ clipboardData }) => {
  if (clipboardData.files.length) choose([...chosen, ...clipboardData.files]);
};
$('attach').onclick = () => $('files').click();
$('files').onchange = () => choose([...chosen, ...$('files').files]);
$('about-what').querySelector('button').onclick = forget;
$('stop').onclick = () => post('stop', { thread });
$('new').onclick = () => go(newKey().slice(0, 12));
$('menu').onclick = () => side(!document.body.classList.contains('side'));
$('shade').onclick = () => side(false);
$('inspect').onclick = () => inspector($('inspector').hidden);
$('link').onclick = tellCode;
$('leave').onclick = async () => {
  await post('leave', {});
  location.reload();
};
$('down').onclick = end;
$('scroll').onscroll = () => ($('down').hidden = isAtEnd());
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  choose([...chosen, ...event.dataTransfer.files]);
};
document.onkeydown = ({ key }) => {
  if (key === 'Escape') side(false);
};
document.onvisibilitychange = () => {
  clearTimeout(resting);
  if (!session) return;
  document.title = session.title;
  if (document.hidden) resting = setTimeout(rest, REST);
  else if (!events) listen();
};
window.onhashchange = () => {
  if (/\b(token|code)=/.test(location.hash)) location.reload(); // an address that lets in was given
};
begin();
