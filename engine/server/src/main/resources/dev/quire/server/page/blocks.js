// The block map: each block of the pool a cell. A cell can be chosen by pointer or by arrow keys.

import { isDark } from "/page/theme.js";

const GAP = 2;

/** A colour that stays with its owner and differs from its neighbours' (the golden angle). */
function colour(owner) {
  const hue = (owner * 137.508) % 360;
  return `hsl(${hue} 62% ${isDark() ? 60 : 52}%)`;
}

export class BlockMap {
  #canvas;
  #onChoose;
  #state = null;
  #before = null;
  #chosen = -1;
  #columns = 1;
  #cell = 1;

  /** `onChoose` gets the number of a block. */
  constructor(canvas, onChoose) {
    this.#canvas = canvas;
    this.#onChoose = onChoose;
    canvas.addEventListener("click", (event) => {
      const column = Math.floor(event.offsetX / this.#cell);
      this.choose(Math.floor(event.offsetY / this.#cell) * this.#columns + column);
    });
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.#columns, ArrowUp: -this.#columns };
      if (event.key in steps) {
        event.preventDefault();
        this.choose(this.#chosen < 0 ? 0 : this.#chosen + steps[event.key]);
      }
    });
  }

  choose(block) {
    if (block >= 0 && block < (this.#state?.owners?.length ?? 0)) {
      this.#chosen = block;
      this.redraw();
      this.#onChoose(block);
    }
  }

  /** Draws the cache's state; cells whose owner changed since the last one are lit. */
  draw(state) {
    this.#before = this.#state?.owners ?? null;
    this.#state = state;
    this.redraw();
    this.#canvas.dataset.used = String(state.usedBlocks);
    this.#canvas.dataset.cached = String(state.cachedBlocks);
    this.#canvas.setAttribute("aria-label", describe(state));
  }

  redraw() {
    const state = this.#state;
    if (!state) {
      return;
    }
    const owners = state.owners ?? [];
    const canvas = this.#canvas;
    const width = canvas.clientWidth;
    const columns = Math.max(8, Math.round(Math.sqrt(owners.length * 0.8)));
    const cell = Math.max(3, Math.floor((width + GAP) / columns));
    const rows = Math.ceil(owners.length / columns);
    const scale = devicePixelRatio || 1;
    this.#columns = columns;
    this.#cell = cell;
    canvas.style.height = rows * cell + "px";
    canvas.width = width * scale;
    canvas.height = rows * cell * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const ink = getComputedStyle(canvas).color;
    const free = isDark() ? "#26282d" : "#ece9e2";
    const cached = isDark() ? "#565a63" : "#b9b3a6";
    const size = cell - GAP;
    const ring = (x, y, line) => {
      pen.strokeStyle = ink;
      pen.lineWidth = line;
      pen.strokeRect(x + line / 2, y + line / 2, size - line, size - line);
    };
    owners.forEach((owner, i) => {
      const x = (i % columns) * cell;
      const y = Math.floor(i / columns) * cell;
      pen.fillStyle = owner >= 0 ? colour(owner) : state.cached[i] ? cached : free;
      pen.fillRect(x, y, size, size);
      if (state.references[i] > 1) {
        ring(x, y, Math.max(1, size / 7));
      } else if (this.#before && this.#before[i] !== owner && owner >= 0) {
        pen.fillStyle = "rgb(255 255 255 / 45%)";
        pen.fillRect(x, y, size, size);
      }
      if (i === this.#chosen) {
        pen.strokeStyle = ink;
        pen.lineWidth = 2;
        pen.strokeRect(x - 1, y - 1, size + 2, size + 2);
      }
    });
  }
}

/** The map in words. */
export function describe(state) {
  const shared = state.sharedBlocks ? `, ${state.sharedBlocks} of them shared` : "";
  return (
    `${state.usedBlocks} of ${state.totalBlocks} blocks in use${shared}; ` +
    `${state.cachedBlocks} free ones hold prefixes`
  );
}

/** Shows one block, as the server describes it, in an element. */
export function inspect(detail, parent) {
  const list = document.createElement("ul");
  const say = (text) => {
    const item = document.createElement("li");
    item.textContent = text;
    list.append(item);
  };
  const owners = detail.owners.map((owner) => "#" + owner);
  if (owners.length > 1) {
    say(`shared by ${owners.length} sequences: ${owners.join(", ")}`);
  } else if (owners.length === 1) {
    say(`owned by sequence ${owners[0]}`);
  } else {
    say(detail.references > 0 ? "held by a pinned prefix" : "free");
  }
  if (detail.firstPosition >= 0) {
    say(`tokens ${detail.firstPosition} to ${detail.firstPosition + Math.max(0, detail.filled - 1)} of its text`);
  }
  say(detail.findable ? "full; found by its prefix" : detail.filled > 0 ? "not full yet, or not findable" : "holds nothing");
  const heading = document.createElement("h3");
  heading.textContent = "Block " + detail.block;
  parent.replaceChildren(heading, list);
  if (detail.tokens?.length) {
    const tokens = document.createElement("p");
    tokens.className = "tokens";
    for (const token of detail.tokens) {
      const chip = document.createElement("span");
      chip.textContent = token.text.replaceAll("\n", "⏎").replaceAll(" ", "·") || "∅";
      chip.title = "token " + token.id;
      tokens.append(chip);
    }
    parent.append(tokens);
  } else if (detail.findable && !detail.textShown) {
    const note = document.createElement("p");
    note.className = "quiet";
    note.textContent = "This server does not show what blocks hold.";
    parent.append(note);
  }
}
