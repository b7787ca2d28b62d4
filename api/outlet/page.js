// The outlet's page: numbers come in from a scanner or the keyboard, each is looked at, and a batch is printed as one PDF.
// Nothing of it is kept: not in storage, not in an address, not in a cookie. Closing the page forgets everything but the
// computer's key (device.js).

import { NoAnswer, SignedOut, forget as forgetDevice, known, preview, print, signIn, signOut } from "./service.js";
import { WORDS } from "./words.js";

const MOST = 100; // labels in one document
const STATION = "page";
const $ = (id) => document.getElementById(id);
const rows = new Map(); // number -> { number, state, say, picture }, in order of scanning
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let job = newJob();
let shown = null; // the row in the preview
let last = null; // what the big line says, as a function of the words
let busy = Promise.resolve(); // checks run one after the other, in order of scanning
let sound = null;
let enrolled = false; // whether this computer has a key of its own

// ---- words

const words = () => WORDS[language];

function speak() {
  const said = words();
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = said[each.dataset.word];
  $("language").textContent = said.other;
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  document.title = said.title;
  $("secret-hint").textContent = enrolled ? said.knownHint : said.firstHint;
  $("forget").hidden = !enrolled;
  draw();
}

function why({ reason, field, rule }) {
  return (said) => {
    if (reason) return said.refusals[reason] ?? said.refused(reason);
    return said.rules[rule] ?? said.refused(`${field}: ${rule}`);
  };
}

// ---- what is seen

function draw() {
  const said = words();
  const all = [...rows.values()];
  const many = (state) => all.filter((row) => row.state === state).length;
  const ready = many("ready");
  $("print").textContent = said.print(Math.min(ready, MOST));
  $("print").disabled = !ready || many("printing") > 0;
  $("retry").hidden = !many("unanswered");
  $("clear").hidden = $("list-title").hidden = !all.length;
  $("empty").hidden = all.length > 0;
  $("counts").textContent = said.counts(ready, many("printed"), many("bad") + many("unanswered"));
  $("list").replaceChildren(...all.reverse().map((row) => item(row, said)));
  $("picture").hidden = !shown?.picture;
  if (shown?.picture) {
    if ($("picture").src !== shown.picture) $("picture").src = shown.picture;
    $("picture").alt = said.pictureOf(shown.number);
  }
  $("last").textContent = last ? last(said) : "";
}

function item(row, said) {
  const line = document.createElement("li");
  line.dataset.state = row.state;
  line.dataset.number = row.number;
  const show = button(row.number, said.show(row.number), () => look(row));
  show.className = "number";
  show.disabled = !row.picture;
  if (row === shown) show.setAttribute("aria-current", "true");
  const outcome = document.createElement("span");
  outcome.className = "outcome";
  outcome.textContent = row.say(said);
  const remove = button("×", said.remove(row.number), () => drop(row));
  remove.disabled = row.state === "printing";
  line.append(show, outcome, remove);
  return line;
}

function button(text, name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  return made;
}

/** Say a scan's outcome where it can't be missed, and sound it: one high note for good, two low ones for bad. */
function tell(state, text) {
  last = text;
  $("last").dataset.state = state;
  draw();
  beep(state);
}

function beep(state) {
  if (!sound) return;
  const notes = { ready: [[1320, 0]], bad: [[220, 0], [220, 0.22]], done: [[880, 0], [1320, 0.12]] }[state] ?? [];
  for (const [pitch, after] of notes) {
    const note = sound.createOscillator();
    note.frequency.value = pitch;
    note.connect(sound.destination);
    note.start(sound.currentTime + after);
    note.stop(sound.currentTime + after + (pitch < 500 ? 0.16 : 0.09));
  }
}

function look(row) {
  shown = row;
  draw();
  $("number").focus();
}

function mark(row, state, say) {
  row.state = state;
  row.say = say;
  draw();
}

// ---- scanning

$("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = $("number").value.normalize("NFKC").trim();
  $("number").value = "";
  if (typed) take(typed);
});

function take(typed) {
  const number = typed.startsWith("wb1_") ? typed : typed.toUpperCase();
  if (/^WB1[0-9A-Z]{50,}$/.test(number)) return tell("bad", (said) => said.labelCode);
  if (!/^(wb1_[0-9a-z]{26}|[0-9A-Z-]{6,32})$/.test(number)) return tell("bad", (said) => said.notANumber);
  const known = rows.get(number);
  if (known && !["bad", "printed", "unanswered"].includes(known.state)) {
    return tell("bad", (said) => `${number}  ${said.alreadyHere}`);
  }
  if (known) forget(known);
  const row = { number, state: "checking", say: (said) => said.checking, picture: "" };
  rows.set(number, row);
  tell("checking", (said) => `${number}  ${said.checking}`);
  check([row]);
}

/** Look at rows again, in order; each gets its outcome, and the last one is the one that is shown. */
function check(some) {
  for (const row of some) {
    mark(row, "checking", (said) => said.checking);
    const turn = (row.turn = (row.turn ?? 0) + 1);
    busy = busy.then(() => (rows.get(row.number) === row && row.turn === turn ? checked(row, turn) : null));
  }
}

async function checked(row, turn) {
  try {
    const answer = await preview({ ids: [row.number], ...choices() });
    if (row.turn !== turn) return; // another paper or reason was chosen meanwhile
    if (answer.picture) {
      URL.revokeObjectURL(row.picture);
      row.picture = URL.createObjectURL(answer.picture);
      shown = row;
      mark(row, "ready", (said) => said.ready);
    } else {
      mark(row, "bad", why(answer));
    }
    tell(row.state, (said) => `${row.number}  ${row.say(said)}`);
  } catch (error) {
    failed(error, [row], (said) => said.noAnswer);
  }
}

function failed(error, some, say) {
  if (!(error instanceof NoAnswer || error instanceof SignedOut)) throw error;
  for (const row of some) mark(row, "unanswered", (said) => said.unanswered);
  if (error instanceof SignedOut) door((said) => said.ended);
  else tell("bad", say);
}

function choices() {
  return { job, station: STATION, template: $("paper").value, reason: $("reason").value || null };
}

// ---- printing

async function printAll() {
  const wanted = [...rows.values()].filter((row) => row.state === "ready").slice(0, MOST);
  for (const row of wanted) mark(row, "printing", (said) => said.printing);
  $("number").focus();
  try {
    const { outcomes, pdf } = await print({ ids: wanted.map((row) => row.number), ...choices() });
    wanted.forEach((row, n) => {
      const { outcome, page } = outcomes[n];
      if (outcome === "printed") mark(row, "printed", (said) => said.printed(page));
      else mark(row, "bad", why(outcomes[n]));
    });
    job = newJob(); // only now: asked again for an answer that was lost, the same job gives the same prints
    if (!pdf) return tell("bad", (said) => said.nothingPrinted);
    const many = wanted.filter((row) => row.state === "printed").length;
    keep(URL.createObjectURL(pdf));
    tell("done", (said) => said.documentReady(many));
    openPrinting();
  } catch (error) {
    failed(error, [], (said) => said.lost);
    for (const row of wanted) if (row.state === "printing") mark(row, "ready", (said) => said.ready);
  }
}

function keep(address) {
  if ($("download").href) URL.revokeObjectURL($("download").href);
  if (address) $("download").href = address;
  else $("download").removeAttribute("href");
  $("download").hidden = $("again").hidden = !address;
}

/** The browser's print window for the document; where it does not print frames, the document in a window of its own. */
function openPrinting() {
  const frame = $("document");
  frame.onload = () => {
    try {
      frame.contentWindow.print();
    } catch {
      window.open($("download").href);
    }
    $("number").focus();
  };
  frame.src = $("download").href;
}

function newJob() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `${new Date().toISOString().slice(0, 10)}-${Array.from(random, (each) => each.toString(36)).join("")}`;
}

// ---- coming, going, forgetting

function forget(row) {
  URL.revokeObjectURL(row.picture);
  rows.delete(row.number);
  if (shown === row) shown = null;
}

function drop(row) {
  forget(row);
  draw();
  $("number").focus();
}

function clear() {
  for (const row of [...rows.values()]) if (row.state !== "printing") forget(row);
  keep("");
  $("document").removeAttribute("src");
  last = null;
  $("last").dataset.state = "idle";
  draw();
  $("number").focus();
}

async function door(say) {
  $("desk").hidden = $("leave").hidden = true;
  $("door").hidden = false;
  $("refused").textContent = say ? say(words()) : "";
  $("secret").focus();
  speak();
  enrolled = await known();
  speak();
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  sound ??= new AudioContext();
  const secret = $("secret").value.trim();
  $("secret").value = "";
  if (!secret && !(await known())) return door((said) => said.wrongSecret);
  try {
    if (!(await signIn(secret))) return door((said) => said.wrongSecret);
  } catch {
    return door((said) => said.noAnswer);
  }
  $("door").hidden = true;
  $("desk").hidden = $("leave").hidden = false;
  $("number").focus();
  check([...rows.values()].filter((row) => row.state === "unanswered"));
});

$("leave").addEventListener("click", () => {
  signOut();
  rows.clear();
  clear();
  door();
});
$("forget").addEventListener("click", async () => {
  await forgetDevice();
  door((said) => said.forgotten);
});
$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  $("refused").textContent = "";
  speak();
  ($("desk").hidden ? $("secret") : $("number")).focus();
});
$("print").addEventListener("click", printAll);
$("again").addEventListener("click", openPrinting);
$("download").addEventListener("click", () => setTimeout(() => $("number").focus()));
$("clear").addEventListener("click", clear);
$("retry").addEventListener("click", () => {
  check([...rows.values()].filter((row) => row.state === "unanswered"));
  $("number").focus();
});
for (const choice of [$("paper"), $("reason")]) {
  choice.addEventListener("change", () => {
    check([...rows.values()].filter((row) => row.state !== "printing" && row.state !== "printed"));
    if (!choice.matches(":focus-visible")) $("number").focus(); // by mouse; by keyboard somebody may still be choosing
  });
}

// A scanner types wherever the focus is: what it types belongs into the field, unless somebody fills in the secret.
document.addEventListener("keydown", (event) => {
  const typing = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (typing && !$("desk").hidden) $("number").focus();
});
window.addEventListener("focus", () => ($("desk").hidden ? $("secret") : $("number")).focus());

door();
