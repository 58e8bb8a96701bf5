// What somebody does is kept here until the server has it, under its key: over a reload, a server
// that is down, a crash. It is posted one after the other, so that it arrives in order; and as often
// as need be, for the key makes it count once.
//
// Texts are in localStorage; files in IndexedDB, which alone can hold them.

const LONGEST_PAUSE = 8000;
const WHY = { 410: 'gone', 413: 'too_large' };

const files = {
  open: () =>
    new Promise((done, failed) => {
      const asked = indexedDB.open('chatstate', 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore('files');
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    }),
  async run(mode, work) {
    const database = await files.open();
    try {
      const asked = work(database.transaction('files', mode).objectStore('files'));
      return await new Promise((done, failed) => {
        asked.transaction.oncomplete = () => done(asked.result);
        asked.transaction.onabort = asked.transaction.onerror = () => failed(asked.error);
      });
    } finally {
      database.close();
    }
  },
  put: (key, list) => files.run('readwrite', (kept) => kept.put(list, key)),
  get: (key) => files.run('readonly', (kept) => kept.get(key)),
  drop: (key) => files.run('readwrite', (kept) => kept.delete(key)),
};

export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export class Outbox {
  /** `changed` is called when there is more or less of it; `asked` with a form that begins. */
  constructor(person, { changed, asked, lost }) {
    this.name = `chatstate outbox ${location.pathname} ${person}`;
    Object.assign(this, { changed, asked, lost });
    this.running = false;
    this.putting = new Map();
    this.held = new Map(); // files of this window, also where a browser keeps none
    this.wake = () => {};
    addEventListener('storage', ({ key }) => key === this.name && this.changed());
  }

  get items() {
    return JSON.parse(localStorage.getItem(this.name) ?? '[]');
  }

  set items(items) {
    localStorage.setItem(this.name, JSON.stringify(items));
    this.changed();
  }

  /** Keep what is said, at its place in the order; its files are kept meanwhile. */
  add(said, chosen = []) {
    const key = newKey();
    if (chosen.length) {
      this.held.set(key, chosen);
      this.putting.set(key, this.put(key, chosen));
    }
    this.items = [...this.items, { said: { key, ...said }, files: chosen.map((file) => file.name) }];
    this.run();
  }

  async put(key, chosen) {
    await files.put(key, chosen).catch(() => {});
    this.putting.delete(key);
    this.changed();
  }

  async drop(key) {
    this.items = this.items.filter((item) => item.said.key !== key);
    this.held.delete(key);
    await this.putting.get(key);
    await files.drop(key).catch(() => {});
  }

  again(key) {
    this.items = this.items.map((item) => (item.said.key === key ? { ...item, failed: undefined } : item));
    this.run();
  }

  /** Post what is owed until nothing is, however long that takes. */
  async run() {
    if (this.running) return this.wake();
    this.running = true;
    let pause = 250;
    for (let item; (item = this.items.find((owed) => !owed.failed)); ) {
      if (await this.post(item)) {
        pause = 250;
      } else {
        await new Promise((done) => {
          this.wake = done;
          setTimeout(done, pause);
        });
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
    }
    this.running = false;
  }

  /** Post one thing; tell whether it is over with it. */
  async post({ said, files: names }) {
    const form = new FormData();
    form.set('said', JSON.stringify(said));
    if (names.length) {
      const kept = this.held.get(said.key) ?? (await files.get(said.key).catch(() => undefined));
      if (!kept) return this.fail(said.key, 'files_gone');
      for (const file of kept) form.append('file', file, file.name);
    }
    let answer;
    try {
      answer = await fetch('say', { method: 'POST', body: form });
    } catch {
      this.lost();
      return false;
    }
    if (answer.ok) {
      const { form: begun } = await answer.json();
      await this.drop(said.key);
      if (begun) this.asked(said, begun);
      return true;
    }
    if (answer.status === 401 || answer.status === 429 || answer.status >= 500) {
      this.lost(answer.status);
      return false;
    }
    return this.fail(said.key, WHY[answer.status] ?? 'unreadable');
  }

  fail(key, why) {
    this.items = this.items.map((item) => (item.said.key === key ? { ...item, failed: why } : item));
    return true;
  }
}
