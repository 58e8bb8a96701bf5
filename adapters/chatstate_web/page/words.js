// The page's own words: those that its bot has for the language of whoever opens it.

let words = {};

/** Learn the words, and put them where the page has its own; tell whether they could be had. */
export async function learn() {
  const answer = await fetch('words').catch(() => undefined);
  if (!answer?.ok) return false;
  const told = await answer.json();
  words = told.words;
  document.documentElement.lang = told.lang;
  document.documentElement.dir = told.dir;
  for (const node of document.querySelectorAll('[data-say]')) node.textContent = say(node.dataset.say);
  for (const node of document.querySelectorAll('[data-label]')) node.ariaLabel = say(node.dataset.label);
  for (const node of document.querySelectorAll('[placeholder]')) node.placeholder = say('message');
  return true;
}

/** A word of the page's by its name, with its blanks filled. */
export const say = (name, values = {}) =>
  (words[name] ?? name).replace(/\{\{|\}\}|\{(\w+)\}/g, (found, blank) => (blank ? values[blank] ?? '' : found[0]));

/** Dates and times are told as in the language of the words. */
export const language = () => document.documentElement.lang;
