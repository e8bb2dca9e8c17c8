// A line through the latest values.

const MOST = 120;

export class Sparkline {
  #canvas;
  #values = [];

  constructor(canvas) {
    this.#canvas = canvas;
  }

  add(value) {
    this.#values.push(value);
    if (this.#values.length > MOST) {
      this.#values.shift();
    }
    this.#draw();
  }

  #draw() {
    const canvas = this.#canvas;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const top = Math.max(1, ...this.#values);
    const style = getComputedStyle(canvas);
    pen.strokeStyle = style.color;
    pen.lineWidth = 1.5;
    pen.beginPath();
    this.#values.forEach((value, i) => {
      const x = (i / (MOST - 1)) * (width - 2) + 1;
      const y = height - 2 - (value / top) * (height - 4);
      if (i === 0) {
        pen.moveTo(x, y);
      } else {
        pen.lineTo(x, y);
      }
    });
    pen.stroke();
  }
}
