// From nodes, which the server makes of styled text, to elements. Nothing here reads markup: a node
// is a text, or [tag, attributes, ...nodes] with a tag of this table. All else is shown as words.

import { say } from './words.js';

const MAKE = {
  p: () => element('p'),
  b: () => element('b'),
  i: () => element('i'),
  u: () => element('u'),
  s: () => element('s'),
  code: () => element('code'),
  blockquote: () => element('blockquote'),
  ul: () => element('ul'),
  ol: () => element('ol'),
  tr: () => element('tr'),
  mention: () => element('span', { className: 'mention' }),
  h: ({ level }) => element(`h${Math.min(Number(level) + 2 || 6, 6)}`),
  li: ({ value, task }) => {
    const item = element('li');
    if (value) item.value = Number(value);
    if (task) item.dataset.task = task;
    return item;
  },
  th: ({ align }) => element('th', { className: align, scope: 'col' }),
  td: ({ align }) => element('td', { className: align }),
  a: ({ href }) => outward(href),
  time: ({ at }) => {
    const moment = new Date(Number(at) * 1000);
    if (Number.isNaN(moment.getTime())) return element('span');
    return element('time', { dateTime: moment.toISOString(), title: moment.toLocaleString() });
  },
};

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A link to the web, opened beside this page, which it learns nothing of. */
export function outward(href, ...children) {
  if (!/^https?:\/\//i.test(href)) return element('span', {}, ...children);
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, ...children);
}

export function build(node) {
  if (!Array.isArray(node)) return document.createTextNode(String(node));
  const [tag, attributes, ...nodes] = node;
  if (tag === 'pre') return code(words(nodes), attributes?.lang);
  if (tag === 'table') return table(nodes);
  if (tag === 'spoiler') return spoiler(nodes);
  const made = Object.hasOwn(MAKE, tag) ? MAKE[tag](attributes ?? {}) : element('span');
  made.append(...nodes.map(build));
  return made;
}

export const words = (nodes) =>
  nodes.map((node) => (Array.isArray(node) ? words(node.slice(2)) : String(node))).join('');

function code(text, language) {
  const copy = element('button', { type: 'button', className: 'copy', textContent: say('copy') });
  copy.onclick = async () => {
    await navigator.clipboard?.writeText(text);
    copy.textContent = say('copied');
    setTimeout(() => (copy.textContent = say('copy')), 1500);
  };
  const head = element('div', { className: 'head' }, element('span', {}, language || say('code_block')), copy);
  const pre = element('pre', { tabIndex: 0 }, element('code', {}, text));
  return element('div', { className: 'code' }, head, pre);
}

function table([head, ...rows]) {
  const made = element('table');
  if (head) made.append(element('thead', {}, build(head)));
  made.append(element('tbody', {}, ...rows.map(build)));
  const around = element('div', { className: 'table', tabIndex: 0 }, made);
  around.role = 'region';
  around.ariaLabel = say('table');
  return around;
}

function spoiler(nodes) {
  const made = element('button', { type: 'button', className: 'spoiler' });
  const hidden = element('span', { inert: true }, ...nodes.map(build));
  made.append(hidden);
  made.ariaLabel = say('hidden');
  made.onclick = () => {
    made.replaceWith(element('span', { className: 'shown' }, ...nodes.map(build)));
  };
  return made;
}
