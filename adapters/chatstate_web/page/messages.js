// A message as it is shown: its words, and all that hangs on it. `act` is what the page does when
// somebody presses, chooses, answers, reacts or edits.

import { build, element, outward } from './nodes.js';
import { language, say } from './words.js';

const EMOJI = ['👍', '❤️', '😂', '🎉', '🤔', '👎'];
const UNITS = ['bytes', 'kB', 'MB', 'GB'];

export function message(data, context) {
  const { body } = data;
  const made = element('article', { className: `message ${body.by ?? 'bot'}`, id: `m${data.id}` });
  const who = body.by === 'you' ? say('you') : context.title;
  made.append(element('h2', { className: 'hidden' }, `${who}, ${new Date(data.at * 1000).toLocaleTimeString(language(), { timeStyle: 'short' })}`));
  const shown = element('div', { className: 'shown', dir: 'auto' });
  if (body.reply_to) shown.append(quoted(body.reply_to, context));
  shown.append(...blocks(body));
  if (body.card) shown.append(card(body.card, data, context));
  const hanging = (body.files ?? []).slice(body.card?.has_picture ? 1 : 0);
  const first = body.card?.has_picture ? 1 : 0;
  hanging.forEach((file, at) => shown.append(attached(file, `files/${data.id}/${at + first}`)));
  made.append(shown);
  if (body.buttons?.length) made.append(...body.buttons.map((row) => buttons(row, data, context)));
  if (body.select) made.append(choice(body.select, data, context));
  made.append(foot(data, context));
  return made;
}

export const blocks = (body) =>
  body.blocks?.length ? body.blocks.map(build) : body.text ? [build(['p', null, body.text])] : [];

function quoted(id, { find }) {
  const there = find(id);
  const text = there?.body?.text || say('earlier');
  const link = element('a', { className: 'quoted', href: `#m${id}` }, text.slice(0, 120));
  link.onclick = (event) => {
    event.preventDefault();
    const target = document.getElementById(`m${id}`);
    target?.scrollIntoView({ block: 'center' });
    target?.classList.add('found');
    setTimeout(() => target?.classList.remove('found'), 1500);
  };
  return link;
}

function card(body, data) {
  const made = element('section', { className: 'card' });
  if (body.colour !== undefined) made.style.setProperty('--edge', `#${body.colour.toString(16).padStart(6, '0')}`);
  if (body.title) {
    made.append(element('h3', {}, body.url ? outward(body.url, body.title) : body.title));
  }
  made.append(...(body.text ?? []).map(build));
  if (body.fields?.length) {
    const fields = body.fields.map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, ...value.map(build))),
    );
    made.append(element('dl', {}, ...fields));
  }
  if (body.has_picture) made.append(attached(data.body.files[0], `files/${data.id}/0`));
  if (body.image) made.append(element('p', {}, outward(body.image, body.image)));
  if (body.footer) made.append(element('p', { className: 'small' }, body.footer));
  return made;
}

function attached(file, href) {
  if (!file.key) return element('span', { className: 'file' }, say('not_kept', { file: file.name, size: size(file.size) }));
  const kind = file.type.split('/')[0];
  if (kind === 'image' && !file.type.includes('svg')) {
    const image = element('img', { src: href, alt: file.name, loading: 'lazy' });
    return element('a', { className: 'image', href, target: '_blank', rel: 'noopener' }, image);
  }
  if (kind === 'audio' || kind === 'video') {
    const player = element(kind, { src: href, controls: true, preload: 'metadata' });
    player.ariaLabel = file.name;
    return player;
  }
  const told = element('span', { className: 'small' }, size(file.size));
  return element('a', { className: 'file', href, download: file.name }, file.name, told);
}

function size(bytes) {
  let unit = 0;
  for (; bytes >= 1000 && unit < UNITS.length - 1; unit += 1) bytes /= 1000;
  return `${unit ? bytes.toFixed(1) : bytes} ${UNITS[unit]}`;
}

function buttons(row, { id }, { act }) {
  const made = row.map((button) => {
    const className = `button ${button.style ?? ''}`;
    if (button.url) return Object.assign(outward(button.url, button.label), { className });
    const pressed = element('button', { type: 'button', className, disabled: Boolean(button.disabled) }, button.label);
    pressed.onclick = () => act({ do: 'press', message: id, text: button.data, label: button.label.slice(0, 200) });
    return pressed;
  });
  return element('div', { className: 'buttons' }, ...made);
}

function choice(select, { id }, { act }) {
  const { options, min_values: least = 1, max_values: most = 1 } = select;
  const type = most > 1 ? 'checkbox' : 'radio';
  const legend = element('legend', {}, select.placeholder || (most > 1 ? say('choose_some', { least, most }) : say('choose')));
  const inputs = options.map((option, at) =>
    element('input', { type, name: `s${id}`, value: String(at), checked: Boolean(option.chosen) }),
  );
  const labels = options.map((option, at) => {
    const described = option.description ? element('span', { className: 'small' }, option.description) : '';
    return element('label', {}, inputs[at], element('span', {}, option.label, described));
  });
  const done = element('button', { className: 'button primary' }, say('choose'));
  const made = element('form', { className: 'choice' }, element('fieldset', {}, legend, ...labels), done);
  const chosen = () => options.filter((_, at) => inputs[at].checked);
  const check = () => (done.disabled = chosen().length < least || chosen().length > most);
  made.onchange = check;
  check();
  made.onsubmit = (event) => {
    event.preventDefault();
    const label = chosen().map((option) => option.label).join(', ').slice(0, 200);
    act({ do: 'select', message: id, text: select.data, selected: chosen().map((option) => option.data), label });
  };
  return made;
}

function foot(data, { act, answer, edit, inspect, session }) {
  const { body, id } = data;
  const made = element('div', { className: 'foot' });
  for (const [who, emoji] of Object.entries(body.reactions ?? {})) {
    const told = say(who === 'you' ? 'your_reaction' : 'reaction');
    const chip = element('span', { className: 'reaction' }, element('span', { className: 'hidden' }, `${told}: `), emoji);
    made.append(chip);
  }
  if (body.edited) made.append(element('span', { className: 'small' }, say('edited')));
  const tools = element('div', { className: 'tools' });
  tools.append(tool(say('answer'), 'M10 8L5 12l5 4M5 12h9a5 5 0 0 1 5 5v1', () => answer(data)));
  if (session.edits && body.by === 'you' && !body.pressed) {
    tools.append(tool(say('edit'), 'M5 19l1-4L16 5l3 3L9 18z', () => edit(data)));
  }
  if (session.inspects) tools.append(tool(say('turn'), 'M4 12h4l3-8 4 16 3-8h2', () => inspect(data)));
  if (session.reactions) tools.append(reacting(body.reactions?.you, (text) => act({ do: 'react', message: id, text })));
  made.append(tools);
  return made;
}

function tool(name, path, onclick) {
  const made = element('button', { type: 'button', className: 'icon', title: name, onclick });
  made.ariaLabel = name;
  made.append(drawing(path));
  return made;
}

export function drawing(path) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

function reacting(mine, react) {
  const made = element('details', { className: 'reacting' });
  const summary = element('summary', { title: say('react') }, drawing('M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM8.5 10h.01M15.5 10h.01M8 14.5a5 5 0 0 0 8 0'));
  summary.ariaLabel = say('react');
  const row = EMOJI.map((emoji) => {
    const press = element('button', { type: 'button', className: 'icon' }, emoji);
    press.ariaPressed = String(mine === emoji);
    press.onclick = () => {
      made.open = false;
      react(mine === emoji ? '' : emoji);
    };
    return press;
  });
  made.append(summary, element('div', { className: 'emoji' }, ...row));
  return made;
}
