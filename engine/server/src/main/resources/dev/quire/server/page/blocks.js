// The block map: each block of the pool a cell.

const GAP = 2;

/** A colour that stays with its owner and differs from its neighbours' (the golden angle). */
function colour(owner, dark) {
  const hue = (owner * 137.508) % 360;
  return `hsl(${hue} 62% ${dark ? 60 : 52}%)`;
}

export class BlockMap {
  #canvas;
  #before = null;

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Draws the cache's state; cells whose owner changed since the last one are ringed. */
  draw(state) {
    const owners = state.owners ?? [];
    const canvas = this.#canvas;
    const width = canvas.clientWidth;
    const columns = Math.max(8, Math.round(Math.sqrt(owners.length * 0.8)));
    const cell = Math.max(3, Math.floor((width + GAP) / columns));
    const rows = Math.ceil(owners.length / columns);
    const scale = devicePixelRatio || 1;
    canvas.style.height = rows * cell + "px";
    canvas.width = width * scale;
    canvas.height = rows * cell * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const ink = getComputedStyle(canvas).color;
    const free = dark ? "#26282d" : "#ece9e2";
    const cached = dark ? "#565a63" : "#b9b3a6";
    const size = cell - GAP;
    owners.forEach((owner, i) => {
      const x = (i % columns) * cell;
      const y = Math.floor(i / columns) * cell;
      pen.fillStyle = owner >= 0 ? colour(owner, dark) : state.cached[i] ? cached : free;
      pen.fillRect(x, y, size, size);
      if (state.references[i] > 1) {
        pen.strokeStyle = ink;
        pen.lineWidth = Math.max(1, size / 7);
        pen.strokeRect(x + pen.lineWidth / 2, y + pen.lineWidth / 2, size - pen.lineWidth, size - pen.lineWidth);
      } else if (this.#before && this.#before[i] !== owner && owner >= 0) {
        pen.fillStyle = "rgb(255 255 255 / 45%)";
        pen.fillRect(x, y, size, size);
      }
    });
    this.#before = owners;
    canvas.dataset.used = String(state.usedBlocks);
    canvas.dataset.cached = String(state.cachedBlocks);
    canvas.setAttribute("aria-label", describe(state));
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
