// Curves over epochs that grow while a run goes on.

import { el, svg } from "./dom.js";

const [WIDE, HIGH] = [330, 110];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 8, 8, 20];
const NAMED = /^(train|validation|test)_(.+)$/;
const FIRST = ["accuracy", "error", "iou", "f1"]; // the measure that is drawn, where there is one of them

/** The charts of a run. rows: a finished epoch each; now: where the running epoch stands, or null; epochs: in all. */
export function charts(rows, now, epochs) {
  const losses = linesOf(rows, "loss");
  if (now?.loss !== undefined) (losses.train ??= []).push([now.epoch - 1 + now.step / now.steps, now.loss]);
  const names = new Set(rows.flatMap((row) => Object.keys(row)).map((name) => NAMED.exec(name)?.[2]).filter(Boolean));
  const measure = FIRST.find((name) => names.has(name));
  const found = [chart("Loss", losses, epochs, (value) => value.toPrecision(3))];
  if (measure) found.push(chart(measure, linesOf(rows, measure), epochs, measure === "error" ? String : (value) => `${(100 * value).toFixed(0)} %`));
  return found;
}

/** The points of a measure, by the split that it is of. */
function linesOf(rows, measure) {
  const found = {};
  for (const row of rows) {
    for (const split of ["train", "validation", "test"]) {
      const value = row[`${split}_${measure}`];
      if (Number.isFinite(value)) (found[split] ??= []).push([row.epoch, value]);
    }
  }
  return found;
}

function chart(title, lines, epochs, written) {
  const points = Object.values(lines).flat();
  const figure = el("figure", { class: "chart" }, el("figcaption", {}, title[0].toUpperCase() + title.slice(1), ...Object.keys(lines).map((split) => el("span", { class: `key ${split}` }, split))));
  if (!points.length) return figure;
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = Math.max(epochs, 1);
  const x = (epoch) => LEFT + ((WIDE - LEFT - RIGHT) * epoch) / last;
  const y = (value) => TOP + (HIGH - TOP - BOTTOM) * (high > low ? (high - value) / (high - low) : 0.5);
  const label = `${title}: ${Object.entries(lines).map(([split, all]) => `${split} ${written(all.at(-1)[1])}`).join(", ")}`;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label });
  drawing.append(svg("path", { class: "axes", d: `M${LEFT} ${TOP}V${HIGH - BOTTOM}H${WIDE - RIGHT}` }));
  for (const value of high > low ? [low, high] : [low]) drawing.append(svg("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, written(value)));
  drawing.append(svg("text", { x: WIDE - RIGHT, y: HIGH - 5, "text-anchor": "end" }, `epoch ${last}`));
  for (const [split, all] of Object.entries(lines)) {
    const d = all.map(([epoch, value], at) => `${at ? "L" : "M"}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const [epoch, value] = all.at(-1);
    drawing.append(svg("path", { class: `curve ${split}`, d }), svg("circle", { class: `dot ${split}`, cx: x(epoch), cy: y(value), r: 2.5 }));
  }
  figure.append(drawing);
  return figure;
}
