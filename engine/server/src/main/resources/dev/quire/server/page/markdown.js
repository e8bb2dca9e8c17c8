// Markdown to elements, never to markup: what a model writes cannot become a script.

/** Adds `text`'s elements to `parent`. */
export function render(text, parent) {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; ) {
    i = block(lines, i, parent);
  }
}

function element(name, parent) {
  return parent.appendChild(document.createElement(name));
}

function block(lines, start, parent) {
  const line = lines[start];
  if (line.trim() === "") {
    return start + 1;
  }
  const fence = /^\s*(`{3,}|~{3,})/.exec(line);
  if (fence) {
    return fenced(lines, start, fence[1], parent);
  }
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) {
    inline(heading[2], element("h" + Math.min(6, heading[1].length + 3), parent));
    return start + 1;
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
    element("hr", parent);
    return start + 1;
  }
  if (/^\s*>/.test(line)) {
    return quote(lines, start, parent);
  }
  if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) {
    return list(lines, start, parent);
  }
  if (line.includes("|") && /^\s*\|?[\s:|-]*-[\s:|-]*$/.test(lines[start + 1] ?? "")) {
    return table(lines, start, parent);
  }
  return paragraph(lines, start, parent);
}

function fenced(lines, start, fence, parent) {
  let end = start + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) {
    end++;
  }
  element("code", element("pre", parent)).textContent = lines.slice(start + 1, end).join("\n");
  return end + 1;
}

function quote(lines, start, parent) {
  let end = start;
  while (end < lines.length && /^\s*>/.test(lines[end])) {
    end++;
  }
  const inner = lines.slice(start, end).map((line) => line.replace(/^\s*>\s?/, ""));
  render(inner.join("\n"), element("blockquote", parent));
  return end;
}

function list(lines, start, parent) {
  const ordered = /^\s*\d/.test(lines[start]);
  const node = element(ordered ? "ol" : "ul", parent);
  let i = start;
  while (i < lines.length) {
    const item = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/.exec(lines[i]);
    if (!item || /\d/.test(item[2]) !== ordered) {
      break;
    }
    const indent = item[1].length;
    const body = [item[3]];
    i++;
    while (i < lines.length && /^\s/.test(lines[i]) && lines[i].search(/\S/) > indent) {
      body.push(lines[i++].slice(indent + 2));
    }
    const entry = element("li", node);
    if (body.length === 1) {
      inline(body[0], entry);
    } else {
      render(body.join("\n"), entry);
    }
  }
  return i;
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
}

function table(lines, start, parent) {
  const node = element("table", parent);
  const head = element("tr", element("thead", node));
  cells(lines[start]).forEach((cell) => inline(cell, element("th", head)));
  const body = element("tbody", node);
  let i = start + 2;
  for (; i < lines.length && lines[i].includes("|"); i++) {
    const row = element("tr", body);
    cells(lines[i]).forEach((cell) => inline(cell, element("td", row)));
  }
  return i;
}

function paragraph(lines, start, parent) {
  const node = element("p", parent);
  let i = start;
  do {
    if (i > start) {
      element("br", node);
    }
    inline(lines[i++], node);
  } while (i < lines.length && lines[i].trim() !== "" && !/^\s*([-*+>#]|\d+[.)]|```)/.test(lines[i]));
  return i;
}

const SPANS = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*(\S.*?)\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/;

function inline(text, parent) {
  let rest = text;
  for (let found = SPANS.exec(rest); found; found = SPANS.exec(rest)) {
    parent.append(rest.slice(0, found.index));
    if (found[2] !== undefined) {
      element("code", parent).textContent = found[2];
    } else if (found[3] ?? found[4]) {
      inline(found[3] ?? found[4], element("strong", parent));
    } else if (found[5] !== undefined) {
      inline(found[5], element("em", parent));
    } else {
      const link = element("a", parent);
      link.href = found[7];
      link.rel = "noreferrer noopener";
      link.target = "_blank";
      link.textContent = found[6];
    }
    rest = rest.slice(found.index + found[0].length);
  }
  parent.append(rest);
}
