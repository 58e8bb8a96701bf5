// What an owner sees beside the chat: state as trees, what waits, what failed, and what a turn did.
// It is asked for again and again while it is open, and drawn again if it is something else.

import { element } from './nodes.js';

const EVERY = 600;
const MOST = 100; // entries of a shelf that are told
const SHELVES = {
  running: 'Running',
  inbox: 'Waiting events',
  outbox: 'Replies owed',
  timers: 'Timers',
  dead: 'Dead letters',
};

export class Inspector {
  constructor(root, person) {
    this.root = root;
    this.person = person;
    this.unfolded = new Set(['mine']);
    this.known = '';
    this.chosen = undefined;
  }

  get open() {
    return !this.root.hidden;
  }

  set open(open) {
    this.root.hidden = !open;
    document.body.classList.toggle('inspecting', open);
    clearTimeout(this.timer);
    if (open) this.look();
  }

  async look() {
    clearTimeout(this.timer);
    const answer = document.hidden ? undefined : await fetch('inspector').catch(() => undefined);
    if (answer?.ok) {
      this.told = await answer.json();
      this.draw();
    }
    if (this.open) this.timer = setTimeout(() => this.look(), EVERY);
  }

  /** Show the turn of a message: one that somebody wrote, or the bot's answer to it. */
  turn(data, messages) {
    const key = data.body.by === 'you' ? data.key : data.body.origin;
    this.chosen = { key, said: messages.find((other) => other.key === key), messages };
    this.draw(true);
    this.root.scrollTop = 0;
  }

  draw(anyway) {
    const told = this.told ?? {};
    const now = JSON.stringify([told, this.chosen?.key]);
    if (!told.mine || (now === this.known && !anyway && !told.inbox.length)) return;
    this.known = now;
    this.root.replaceChildren(
      element('h2', {}, 'Inspector'),
      this.figures(told),
      ...(this.chosen ? [this.turnOf(told)] : []),
      this.states('mine', 'Your state', told.mine),
      this.states('others', "Everybody's", told.others),
      ...Object.entries(SHELVES).map(([name, title]) => this.shelf(name, title, told[name])),
      this.workers(told.workers),
    );
  }

  figures({ figures: { waiting, waiting_since: since, owed, dead }, running, timers }) {
    const figures = {
      running: many(running),
      waiting,
      owed,
      timers: many(timers),
      dead,
      'oldest, s': since ? Math.max(0, Math.round(Date.now() / 1000 - since)) : 0,
    };
    const shown = Object.entries(figures).map(([name, figure]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, String(figure))),
    );
    return element('dl', { className: 'figures' }, ...shown);
  }

  turnOf({ turns }) {
    const { key, said, messages } = this.chosen;
    const known = turns[key];
    const replies = messages.filter(({ body }) => body && body.by !== 'you' && body.origin === key);
    const rows = [];
    if (said) rows.push(['said', said.body.text || '(no words)']);
    for (const reply of replies) {
      const after = said ? ` (after ${((reply.at - said.at) * 1000).toFixed(0)} ms)` : '';
      rows.push(['answered', `${reply.body.text || '(no words)'}${after}`]);
    }
    if (known) rows.push(['stored', `after ${(known.stored * 1000).toFixed(0)} ms`]);
    if (known?.ran !== undefined) rows.push(['ran', `for ${(known.ran * 1000).toFixed(0)} ms`]);
    if (known?.settled) rows.push(['done', `after ${(known.settled * 1000).toFixed(0)} ms`]);
    const list = element('dl', { className: 'rows' }, ...rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]));
    const reads = (known?.reads ?? []).map(({ scope, name, value }, at) =>
      element('li', {}, `${scope} `, element('b', {}, name), ' ', this.tree(value, `read ${at}`)),
    );
    const changes = (known?.changes ?? []).map((change) =>
      element('li', {}, `${change.scope} `, element('b', {}, change.name), ...difference(change.before, change.after)),
    );
    const part = (name, rows) =>
      element('div', {}, element('h4', {}, name), rows.length ? element('ul', { className: name.toLowerCase() }, ...rows) : element('p', { className: 'small' }, 'Nothing.'));
    const told = known
      ? [part('Read', reads), part('Changed', changes)]
      : [element('p', { className: 'small' }, 'What it read and changed is known of turns that ran while this was open.')];
    const close = element('button', { type: 'button', className: 'copy' }, 'Close');
    close.onclick = () => {
      this.chosen = undefined;
      this.draw(true);
    };
    return element('section', { className: 'turn' }, element('h3', {}, 'A turn ', close), list, ...told);
  }

  states(id, title, entries) {
    const rows = entries.map((entry) => {
      const whose = id === 'mine' ? entry.thread ?? '' : [entry.platform, entry.chat, entry.thread, entry.person].filter(Boolean).join(' ');
      const head = element('p', {}, `${entry.scope} `, element('b', {}, entry.name), ' ', element('span', { className: 'small' }, whose));
      return element('li', {}, head, this.tree(entry.body, `${id} ${entry.number}`));
    });
    return this.fold(id, `${title} (${entries.length})`, rows);
  }

  shelf(id, title, entries) {
    const rows = entries.map((entry) => {
      const what = entry.error ?? entry.kind ?? entry.person ?? '';
      const row = element('li', {}, element('p', {}, `#${entry.number} `, element('b', {}, what)), this.tree(entry.body, `${id} ${entry.number}`));
      if (id === 'dead') row.append(this.press('Try again', 'retry', entry), this.press('Forget', 'drop', entry));
      return row;
    });
    return this.fold(id, `${title} (${many(entries)})`, rows);
  }

  press(label, verb, { number, asked }) {
    const made = element('button', { type: 'button', className: 'button', disabled: Boolean(asked) }, asked === verb ? `${label}: asked` : label);
    made.onclick = async () => {
      const headers = { 'Content-Type': 'application/json' };
      await fetch('inspector', { method: 'POST', headers, body: JSON.stringify({ verb, number }) });
      await this.look();
    };
    return made;
  }

  workers(workers) {
    const rows = workers.map(({ id, host, pid, holds, waiting, roles }) =>
      element('li', {}, element('p', {}, `#${id} ${host} `, element('b', {}, `pid ${pid}`)), element('p', { className: 'small' }, `${roles.join(', ')}; holds ${holds}, ${waiting} waiting`)),
    );
    return this.fold('workers', `Workers (${workers.length})`, rows);
  }

  fold(id, title, rows) {
    const list = rows.length ? element('ul', {}, ...rows) : element('p', { className: 'small' }, 'Nothing.');
    return this.details(id, element('h3', {}, title), [list]);
  }

  details(id, head, children) {
    const made = element('details', { open: this.unfolded.has(id) }, element('summary', {}, head), ...children);
    made.ontoggle = () => (made.open ? this.unfolded.add(id) : this.unfolded.delete(id));
    return made;
  }

  /** A value as a tree: lists and objects unfold. */
  tree(value, path) {
    if (value === null || typeof value !== 'object') return leaf(value);
    const entries = Object.entries(value);
    const kind = Array.isArray(value) ? `list of ${entries.length}` : `object of ${entries.length}`;
    const rows = entries.map(([name, inner]) => element('li', {}, element('span', { className: 'name' }, `${name}: `), this.tree(inner, `${path} ${name}`)));
    if (entries.length && entries.length <= 3 && JSON.stringify(value).length < 60) return element('ul', { className: 'tree' }, ...rows);
    return this.details(path, element('span', { className: 'small' }, kind), [element('ul', { className: 'tree' }, ...rows)]);
  }
}

const many = ({ length }) => (length < MOST ? length : `${MOST}+`);

const leaf = (value) => element('code', { className: typeof value }, value === undefined ? 'nothing' : JSON.stringify(value));

/** What is other in a value than it was: what went, and what came. */
export function difference(before, after, path = '') {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const both = [before, after].every((value) => value !== null && typeof value === 'object');
  if (both && Array.isArray(before) === Array.isArray(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => difference(before[name], after[name], `${path} ${name}`));
  }
  const name = path ? [element('span', { className: 'name' }, `${path.trim()}: `)] : [];
  const went = before === undefined || before === null ? [] : [element('del', {}, leaf(before))];
  const came = after === undefined || after === null ? [] : [element('ins', {}, leaf(after))];
  return [element('p', {}, ...name, ...went, ' ', ...came)];
}
