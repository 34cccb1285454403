// Words on a line: dragged with the pointer or moved with the arrow keys. What has changed is told as text once the word is
// let go; the page then draws the line anew. Listens on the component's element, because the words come and go.
const SHORTEST = 0.1, STEP = 0.05, EDGE = 9;  // seconds, seconds a key, pixels of a word's right edge
const line = () => element.querySelector(".hm-line-words");
const words = () => [...element.querySelectorAll("[data-word]")];
const number = (word, name) => Number(word.dataset[name]);
const PAUSE = 250;  // milliseconds after the last key until the move is told
let dragged = null, focused = -1, waiting = 0, untold = null;

// Seconds between the words before and behind.
function room(word) {
  const all = words(), k = all.indexOf(word);
  return [k ? number(all[k - 1], "end") : 0, k + 1 < all.length ? number(all[k + 1], "start") : Number(line().dataset.seconds)];
}

function place(word, start, end) {
  const seconds = Number(line().dataset.seconds);
  Object.assign(word.dataset, { start: start.toFixed(2), end: end.toFixed(2) });
  Object.assign(word.style, { left: `${100 * start / seconds}%`, width: `${100 * (end - start) / seconds}%` });
  word.setAttribute("aria-label", `${word.dataset.word}, ${word.dataset.start} to ${word.dataset.end} seconds`);
}

function move(word, start, end, by) {
  const [low, high] = room(word), length = end - start;
  const at = Math.min(Math.max(start + by, low), Math.max(high - length, low));
  place(word, at, Math.min(at + length, high));
}

function stretch(word, start, end, by) {
  const [, high] = room(word);
  place(word, start, Math.min(Math.max(end + by, Math.min(start + SHORTEST, high)), high));
}

function keep(word) {
  focused = words().indexOf(word);
  untold = [number(word, "start"), number(word, "end")];
}

function tell() {
  untold = null;
  trigger("input", { times: words().map((w) => `${w.dataset.start}-${w.dataset.end}`).join(" ") });
}

element.addEventListener("pointerdown", (event) => {
  const word = event.target.closest("[data-word]");
  if (!word || event.button) return;
  const edge = word.getBoundingClientRect().right - event.clientX < EDGE;
  dragged = { word, edge, from: event.clientX, start: number(word, "start"), end: number(word, "end") };
  word.setPointerCapture(event.pointerId);
});
element.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const { word, edge, from, start, end } = dragged;
  const by = (event.clientX - from) / line().clientWidth * Number(line().dataset.seconds);
  (edge ? stretch : move)(word, start, end, by);
});
for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => {
  if (!dragged) return;
  const { word, start, end } = dragged;
  dragged = null;
  if (number(word, "start") === start && number(word, "end") === end) return;
  keep(word);
  tell();
});
element.addEventListener("keydown", (event) => {
  const word = event.target.closest("[data-word]"), by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
  if (!word || !by) return;
  event.preventDefault();
  (event.shiftKey ? stretch : move)(word, number(word, "start"), number(word, "end"), by);
  keep(word);
  clearTimeout(waiting);
  waiting = setTimeout(tell, PAUSE);
});
// The old line is gone, and with it what was moved since it was told, and the focus, unless the visitor went elsewhere.
watch("value", () => {
  const word = words()[focused];
  if (word && untold) place(word, ...untold);
  if (document.activeElement === document.body) word?.focus();
});
