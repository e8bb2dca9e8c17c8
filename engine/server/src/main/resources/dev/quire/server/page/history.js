// Conversations, kept in this browser alone.

const KEY = "quire.conversations";
const MOST = 30;

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** All conversations, the latest first. */
export function all() {
  return load();
}

/** Keeps a conversation, in place of its former state. */
export function keep(conversation) {
  if (conversation.messages.length === 0) {
    return;
  }
  const others = load().filter((each) => each.id !== conversation.id);
  try {
    localStorage.setItem(KEY, JSON.stringify([conversation, ...others].slice(0, MOST)));
  } catch {
    // Full or forbidden: the conversation lives on in this tab.
  }
}

export function fresh() {
  return { id: Date.now().toString(36) + Math.random().toString(36).slice(2, 6), messages: [] };
}

/** What a conversation is called in the list. */
export function title(conversation) {
  const first = conversation.messages.find((message) => message.role === "user");
  return (first?.content ?? "Empty").slice(0, 40);
}
