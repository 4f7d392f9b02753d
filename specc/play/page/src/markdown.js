// The little Markdown that the language server writes, as elements: paragraphs, lists, tables, code, emphasis.

import { el } from "./dom.js";

/** @returns {HTMLElement} */
export function markdown(text) {
  const whole = el("div", { class: "told" });
  const lines = text.split("\n");
  while (lines.length) whole.append(...block(lines));
  return whole;
}

/** The elements of the next block; takes its lines away. */
function block(lines) {
  const line = lines.shift();
  if (/^\s*$/.test(line)) return [];
  if (line.startsWith("```")) return [el("pre", {}, until(lines, (one) => one.startsWith("```")).join("\n"))];
  if (/^(---+|\*\*\*+)$/.test(line)) return [el("hr")];
  const heading = /^#{1,4} (.*)/.exec(line);
  if (heading) return [el("h3", {}, ...inline(heading[1]))];
  if (/^( {4}|\t)/.test(line)) return [el("pre", {}, [line, ...taken(lines, /^( {4}|\t|$)/)].map((one) => one.slice(4)).join("\n").trimEnd())];
  if (/^[-*] /.test(line)) return [list(line, lines)];
  if (line.startsWith("|")) return [table([line, ...taken(lines, /^\|/)])];
  return [paragraph([line, ...taken(lines, /^(?!\s*$|```|---|[-*] |\||#)/)])];
}

/** The lines up to one that ends a block, which goes too. */
function until(lines, ends) {
  const found = [];
  while (lines.length && !ends(lines[0])) found.push(lines.shift());
  lines.shift();
  return found;
}

function taken(lines, pattern) {
  const found = [];
  while (lines.length && pattern.test(lines[0])) found.push(lines.shift());
  return found;
}

function list(first, lines) {
  const items = [first, ...taken(lines, /^([-*] | {2}\S)/)];
  return el("ul", {}, ...items.map((one) => el("li", {}, ...inline(one.replace(/^[-*] | {2}/, "")))));
}

function table(rows) {
  const cells = rows.filter((row) => !/^[|\s:-]+$/.test(row)).map((row) => row.replace(/^\||\|$/g, "").split("|"));
  return el("table", {}, ...cells.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, ...inline(cell.trim()))))));
}

/** Lines that flow; two spaces at a line's end break it. */
function paragraph(lines) {
  const parts = lines.flatMap((line) => [...inline(line.trimEnd()), line.endsWith("  ") ? el("br") : " "]);
  return el("p", {}, ...parts);
}

function inline(text) {
  return text.split(/(`[^`]*`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]*\]\([^)]*\))/).map((part) => {
    if (/^`.*`$/.test(part)) return el("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
    if (/^\*.+\*$/.test(part)) return el("em", {}, part.slice(1, -1));
    const link = /^\[([^\]]*)\]/.exec(part); // nothing here leads out of the page
    return link ? link[1] : part;
  });
}
