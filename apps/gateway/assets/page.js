// Keeps the page up to date: the server sends parts of the page as HTML in which every value is escaped, and this script puts them in their places.
const live = document.getElementById('live');
const pause = document.getElementById('pause');
const waiting = new Map();
let isPaused = false;

/** Writes the state of the connection beside the title. */
function show(text, state) {
  live.textContent = text;
  live.className = `live ${state}`;
}

/** Puts a part in its place. The part that a selection or the focus is in waits until it is left. */
function put(name, text) {
  const place = document.getElementById(name);
  if (place === null) return;
  const selection = document.getSelection();
  const isUsed = isPaused || place.contains(document.activeElement) || (selection !== null && !selection.isCollapsed && place.contains(selection.anchorNode));
  if (isUsed) {
    waiting.set(name, text);
    return;
  }
  waiting.delete(name);
  place.innerHTML = text;
}

const events = new EventSource(`/status.events${location.search}`);
events.addEventListener('message', ({ data }) => {
  const { generated_at: generatedAt, parts } = JSON.parse(data);
  // A part that waited and did not change since is shown now.
  for (const [name, text] of [...waiting, ...Object.entries(parts)]) put(name, text);
  const time = new Date(generatedAt).toLocaleTimeString();
  if (isPaused) show(`Paused; the newest data is of ${time}.`, 'paused');
  else show(`Live, ${time}.`, 'connected');
});
events.addEventListener('error', () => {
  if (events.readyState === EventSource.CLOSED) show('No connection. Reload the page.', 'lost');
  else show('The connection was lost; the page connects again.', 'lost');
});

pause.hidden = false;
pause.addEventListener('click', () => {
  isPaused = !isPaused;
  pause.textContent = isPaused ? 'Continue' : 'Pause';
  pause.setAttribute('aria-pressed', String(isPaused));
});
