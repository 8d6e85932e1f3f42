// The first words to Python: Gradio drops events that come before it has wired the page, so what was sent is sent
// again until something has been heard.

const REPEAT_MS = 2500;
const REPEATS = 5;

/** @param {Send} trigger @param {Later} [later] */
export function createContact(trigger, later = setTimeout) {
  const contact = { isHeard: false, unheard: new Map(), repeats: 0, isWaiting: false };

  function repeat() {
    contact.isWaiting = false;
    if (contact.isHeard || contact.repeats >= REPEATS) return;
    contact.repeats += 1;
    for (const [name, data] of contact.unheard) trigger(name, data);
    wait();
  }

  function wait() {
    if (contact.isWaiting) return;
    contact.isWaiting = true;
    later(repeat, REPEAT_MS);
  }

  return {
    /** @param {string} name @param {object} data */
    send(name, data) {
      trigger(name, data);
      if (contact.isHeard) return;
      contact.unheard.set(name, data); // of each kind the last one counts
      wait();
    },
    heard() {
      contact.isHeard = true;
      contact.unheard.clear();
    },
  };
}
