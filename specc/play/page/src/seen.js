// The receptive field: which pixels of the network's input one output pixel depends on.

import { el, svg } from "./dom.js";

const SIDE = 150;

/** The field of an output pixel on the input. inputs: the network's input, channels first. */
export function seenField(inputs, seen, outputs, row, column) {
  if (inputs.length < 2) return [];
  if (!seen) return outputs.length < 2 ? [el("p", {}, "Each value depends on the whole input.")] : [];
  const rank = inputs.length - 1;
  const [high, wide] = [rank > 1 ? inputs.at(-2) : 1, inputs.at(-1)];
  const [down, across] = [rank > 1 ? field(seen, rank - 2, row, high) : [0, 1], field(seen, rank - 1, column, wide)];
  const size = seen.size.slice(-2).map((number) => Math.round(number)).join("×");
  return [el("div", { class: "seen" }, drawing(high, wide, down, across), el("p", {}, told(size, high, wide, rank)))];
}

/** Where a field begins and ends along a dimension, inside the picture. */
function field(seen, at, step, size) {
  const start = seen.start[at] + step * seen.jump[at];
  return [Math.max(start, 0), Math.min(start + seen.size[at], size)];
}

function told(size, high, wide, rank) {
  const whole = rank > 1 ? `${high}×${wide}` : String(wide);
  return `This output pixel depends on ${size} pixels of the ${whole} input.`;
}

function drawing(high, wide, [top, bottom], [left, right]) {
  const unit = SIDE / Math.max(high, wide);
  const [width, height] = [wide * unit, Math.max(high * unit, 6)];
  const lines = [];
  if (unit >= 4) {
    for (let at = 1; at < wide; at += 1) lines.push(`M${at * unit} 0V${height}`);
    for (let at = 1; at < high; at += 1) lines.push(`M0 ${at * unit}H${width}`);
  }
  const down = high === 1 ? [0, height] : [top * unit, bottom * unit];
  return svg(
    "svg",
    { class: "specc-picture field", width: width + 2, height: height + 2, viewBox: `-1 -1 ${width + 2} ${height + 2}`, "aria-hidden": "true" },
    svg("rect", { class: "map", width, height }),
    svg("path", { class: "pixels", d: lines.join("") || "M0 0" }),
    svg("rect", { class: "window", x: left * unit, y: down[0], width: Math.max((right - left) * unit, 2), height: Math.max(down[1] - down[0], 2) }),
  );
}
