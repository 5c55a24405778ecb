// What the page needs of the browser: elements, the tab's storage, and text that grows.
export const byId = (id) => document.getElementById(id);

export function element(name, content, className) {
  const made = document.createElement(name);
  if (content !== undefined) made.textContent = content;
  if (className) made.className = className;
  return made;
}

// The tab's storage, which a browser without cookies refuses.
export const tab = {
  read(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      if (value === null) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, value);
    } catch {
      // Then it is kept until the page is left.
    }
  },
};

// Append text once a frame, because a long answer is laid out anew each time; follow it unless one has scrolled back.
export function writeInFrames(words) {
  const turns = byId("turns");
  let text = "";
  let frame = 0;
  function flush() {
    cancelAnimationFrame(frame);
    frame = 0;
    const follows = turns.scrollHeight - turns.scrollTop - turns.clientHeight < 40;
    words.appendData(text);
    text = "";
    if (follows) turns.scrollTop = turns.scrollHeight;
  }
  function write(piece) {
    text += piece;
    frame ||= requestAnimationFrame(flush);
  }
  return { write, flush };
}
