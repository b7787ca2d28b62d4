// Where a scanner's keys go. It types wherever the focus is, and the clerk does not look at the screen while it does: keys that another
// window takes are lost, and those that come after are the end of a number.

const GAP = 250; // milliseconds: longer than any scanner takes between two keys
let since = -Infinity; // when keys began to come here again
const BLINK = 30; // milliseconds that a browser takes the focus for itself when a form is sent
const PAUSE = 300; // milliseconds without a key, after which no number is being typed
const LONGEST = 3000; // milliseconds that a pause is waited for
let away = 0; // since when another window has the keys, 0 while this one has them
let cut = false;
let last = -Infinity; // when the last key came
let missed = null; // what is called when keys have gone elsewhere, with the milliseconds for which they did

/** Listen from now on. Keys of the last `elsewhere` milliseconds did not reach this page. */
export function hears(elsewhere = 0) {
  since = performance.now();
  if (elsewhere > BLINK) missed(elsewhere);
}

/** Wait until no number is being typed, so that a window that opens does not cut one in two. */
export async function pause() {
  const ends = performance.now() + LONGEST;
  while (performance.now() - last < PAUSE && performance.now() < ends) await new Promise((go) => setTimeout(go, 50));
}

/** Whether the number that has been typed began so soon after the keys came back that its beginning may be missing. */
export function wasCut() {
  const was = cut;
  if (was) since = -Infinity; // the next one is whole
  cut = false;
  return was;
}

/**
 * Send what is typed to the field, and say when it would not arrive. `wanted` says where the focus belongs just now; `lost` is
 * called when keys arrive again, with the milliseconds for which they did not.
 */
export function listen({ field, wanted, tell, lost }) {
  missed = lost;
  document.addEventListener("keydown", (event) => {
    last = performance.now();
    const typing = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (!typing || wanted() !== field || document.activeElement.matches("#station, #expected")) return;
    if (!field.value) cut = event.timeStamp - since < GAP;
    field.focus();
  });
  window.addEventListener("blur", (event) => {
    setTimeout(() => {
      if (document.activeElement instanceof HTMLIFrameElement) return hears(), wanted().focus(); // what is printed had them
      away = document.hasFocus() ? 0 : event.timeStamp;
      tell(!away);
    });
  });
  window.addEventListener("focus", (event) => {
    if (away && event.timeStamp - away > BLINK) {
      field.value = ""; // the beginning of a number whose end went elsewhere
      hears(event.timeStamp - away);
    }
    away = 0;
    tell(true);
    wanted().focus();
  });
}
