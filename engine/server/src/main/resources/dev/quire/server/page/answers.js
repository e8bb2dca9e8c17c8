// How messages are drawn: one body each, or several answers side by side, of which one is kept.

import { render } from "/page/markdown.js";

/** The text that the conversation goes on with. */
export function kept(message) {
  return message.answers ? message.answers[message.chosen] : message;
}

export function bubble(role) {
  const article = document.createElement("article");
  article.className = "message " + role;
  const name = document.createElement("h3");
  name.textContent = role === "user" ? "You" : "Model";
  const body = document.createElement("div");
  body.className = "body";
  article.append(name, body);
  return article;
}

function text(answer, role, body) {
  body.replaceChildren();
  if (answer.reasoning) {
    const thoughts = document.createElement("details");
    thoughts.className = "thoughts";
    thoughts.open = !answer.content;
    const summary = document.createElement("summary");
    summary.textContent = "Thoughts";
    const words = document.createElement("p");
    words.textContent = answer.reasoning;
    thoughts.append(summary, words);
    body.append(thoughts);
  }
  if (role === "user") {
    body.append(answer.content);
  } else {
    render(answer.content, body);
  }
}

/** Fills a bubble; `onKeep` is called with the number of the answer that is to be kept. */
export function fill(article, message, onKeep) {
  const body = article.querySelector(".body");
  if (!message.answers) {
    text(message, message.role, body);
    return;
  }
  const grid = document.createElement("div");
  grid.className = "answers";
  message.answers.forEach((answer, i) => {
    const cell = document.createElement("section");
    cell.className = "answer" + (i === message.chosen ? " chosen" : "");
    cell.setAttribute("aria-label", `Answer ${i + 1} of ${message.answers.length}`);
    const words = document.createElement("div");
    text(answer, message.role, words);
    const keep = document.createElement("button");
    keep.type = "button";
    keep.className = "keep";
    keep.textContent = i === message.chosen ? "Kept" : "Keep this one";
    keep.setAttribute("aria-pressed", String(i === message.chosen));
    keep.addEventListener("click", () => onKeep(i));
    cell.append(words, keep);
    grid.append(cell);
  });
  body.replaceChildren(grid);
}
