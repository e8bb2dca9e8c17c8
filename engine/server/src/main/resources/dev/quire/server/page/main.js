// Ties the page together: the conversation on one side, the cache on the other.

import { answer } from "/page/chat.js";
import { bubble, fill, kept } from "/page/answers.js";
import { BlockMap, describe, inspect } from "/page/blocks.js";
import { Sparkline } from "/page/sparkline.js";
import * as history from "/page/history.js";
import * as theme from "/page/theme.js";

const $ = (id) => document.getElementById(id);
const FIELDS = ["system", "temperature", "top_p", "top_k", "max_tokens", "n", "seed", "key"];
// A short answer is over before the next look at the cache, so each question has a look of its own.
const FIRST_MILLIS = 30;
const BUSY_MILLIS = 250;
const QUIET_MILLIS = 1000;

let conversation = history.fresh();
let running = null;

function show() {
  const log = $("log");
  log.replaceChildren();
  for (const message of conversation.messages) {
    const article = bubble(message.role);
    log.append(article);
    fill(article, message, (i) => keepAnswer(message, i));
  }
  log.scrollTop = log.scrollHeight;
  $("again").disabled = running !== null || !conversation.messages.some((m) => m.role === "user");
}

function keepAnswer(message, i) {
  message.chosen = i;
  if (running) {
    return; // the answers under way are drawn anew in a moment
  }
  history.keep(conversation);
  show();
}

function request() {
  const messages = conversation.messages.map((message) => ({ role: message.role, content: kept(message).content }));
  if ($("system").value.trim()) {
    messages.unshift({ role: "system", content: $("system").value });
  }
  const body = { messages };
  for (const field of ["temperature", "top_p", "top_k", "max_tokens", "n", "seed"]) {
    if ($(field).value !== "") {
      body[field] = Number($(field).value);
    }
  }
  return body;
}

async function generate() {
  // The user may open another chat before this answer ends; it still belongs to the one it was asked in.
  const asked = conversation;
  const body = request();
  const message = { role: "assistant", content: "", reasoning: "" };
  if (body.n > 1) {
    message.answers = Array.from({ length: body.n }, () => ({ content: "", reasoning: "" }));
    message.chosen = 0;
  }
  const article = bubble("assistant");
  $("log").append(article);
  article.classList.add("busy");
  running = new AbortController();
  buttons();
  watchIn(FIRST_MILLIS);
  $("status").textContent = "";
  const started = performance.now();
  const log = $("log");
  let drawing = false;
  const draw = () => {
    drawing = false;
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    fill(article, message, (i) => keepAnswer(message, i));
    if (follows) {
      log.scrollTop = log.scrollHeight;
    }
  };
  try {
    const { usage, reason } = await answer(body, $("key").value, running.signal, (piece) => {
      const answer = message.answers?.[piece.index] ?? message;
      answer.content += piece.content;
      answer.reasoning += piece.reasoning;
      if (!drawing) {
        drawing = true;
        requestAnimationFrame(draw);
      }
    });
    const seconds = (performance.now() - started) / 1000;
    if (usage) {
      const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
      $("status").textContent =
        `${usage.completion_tokens} tokens in ${seconds.toFixed(1)} s; ` +
        `prompt ${usage.prompt_tokens} tokens, ${cached} of them cached` +
        (reason === "length" ? "; cut at the most tokens" : "");
    }
  } catch (problem) {
    if (problem.name === "AbortError") {
      $("status").textContent = "Stopped.";
    } else {
      $("status").textContent = problem.message;
      $("status").classList.add("error");
    }
  } finally {
    running = null;
    article.classList.remove("busy");
    draw();
    if ((message.answers ?? [message]).some((each) => each.content || each.reasoning)) {
      asked.messages.push(message);
    } else {
      article.remove();
    }
    history.keep(asked);
    list();
    buttons();
  }
}

function buttons() {
  $("send").disabled = running !== null;
  $("stop").disabled = running === null;
  $("again").disabled = running !== null || !conversation.messages.some((m) => m.role === "user");
}

function list() {
  const options = history.all().map((each) => new Option(history.title(each), each.id));
  if (!options.some((option) => option.value === conversation.id)) {
    options.unshift(new Option("New chat", conversation.id));
  }
  $("history").replaceChildren(...options);
  $("history").value = conversation.id;
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("prompt").value;
  if (running || !text.trim()) {
    return;
  }
  $("status").classList.remove("error");
  conversation.messages.push({ role: "user", content: text });
  $("prompt").value = "";
  show();
  generate();
});

$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("form").requestSubmit();
  }
});

$("stop").addEventListener("click", () => running?.abort());

$("again").addEventListener("click", () => {
  while (conversation.messages.at(-1)?.role === "assistant") {
    conversation.messages.pop();
  }
  $("status").classList.remove("error");
  show();
  generate();
});

$("new").addEventListener("click", () => {
  running?.abort();
  conversation = history.fresh();
  $("status").textContent = "";
  list();
  show();
  $("prompt").focus();
});

$("history").addEventListener("change", () => {
  running?.abort();
  conversation = history.all().find((each) => each.id === $("history").value) ?? history.fresh();
  $("status").textContent = "";
  show();
});

for (const field of FIELDS) {
  const store = field === "key" ? sessionStorage : localStorage;
  const kept = store.getItem("quire." + field);
  if (kept !== null) {
    $(field).value = kept;
  }
  $(field).addEventListener("change", () => store.setItem("quire." + field, $(field).value));
}

const map = new BlockMap($("blocks"), inspectBlock);
let inspected = null;
let inspection = "";

/** Asks for a block and shows it; a block that stays chosen is looked at anew with the map. */
async function inspectBlock(block) {
  inspected = block;
  const key = $("key").value;
  const response = await fetch("/quire/cache/" + block, { headers: key ? { authorization: "Bearer " + key } : {} });
  if (response.ok && inspected === block) {
    const detail = await response.json();
    // Drawn only where it changed: the element is read out to those who cannot see it.
    if (JSON.stringify(detail) !== inspection) {
      inspection = JSON.stringify(detail);
      inspect(detail, $("inspector"));
    }
  }
}

theme.bind($("theme"), () => map.redraw());
const lines = {
  rate: new Sparkline($("rateline")),
  running: new Sparkline($("runningline")),
  waiting: new Sparkline($("waitingline")),
};
let last = null;
let timer = null;

function watchIn(millis) {
  clearTimeout(timer);
  timer = setTimeout(watch, millis);
}

async function watch() {
  try {
    const key = $("key").value;
    const headers = key ? { authorization: "Bearer " + key } : {};
    const response = await fetch("/quire/cache", { headers });
    if (!response.ok) {
      throw new Error(response.status === 401 ? "Give an API key in the settings." : "No figures.");
    }
    const state = await response.json();
    const now = performance.now();
    map.draw(state);
    if (inspected !== null) {
      inspectBlock(inspected);
    }
    $("summary").textContent = describe(state) + ".";
    const rate = last
      ? ((state.sampledTokens - last.tokens) * 1000) / Math.max(1, now - last.time)
      : 0;
    last = { tokens: state.sampledTokens, time: now };
    $("rate").textContent = rate.toFixed(rate < 10 ? 1 : 0);
    $("running").textContent = state.running;
    $("waiting").textContent = state.waiting;
    lines.rate.add(rate);
    lines.running.add(state.running);
    lines.waiting.add(state.waiting);
    watchIn(state.running > 0 || running ? BUSY_MILLIS : QUIET_MILLIS);
  } catch (problem) {
    $("summary").textContent = problem.message;
    watchIn(2 * QUIET_MILLIS);
  }
}

async function name() {
  const key = $("key").value;
  const response = await fetch("/v1/models", { headers: key ? { authorization: "Bearer " + key } : {} });
  if (response.ok) {
    const models = await response.json();
    $("model").textContent = models.data[0].id + ", " + models.data[0].max_model_len + " tokens of context";
  }
}

$("key").addEventListener("change", name);
list();
show();
name();
watch();
$("prompt").focus();
