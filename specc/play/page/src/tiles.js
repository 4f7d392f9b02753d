// Bytes as pictures: feature maps in grey, filters in two colours, a picture with its own.

import { el } from "./dom.js";

const GAP = 2; // pixels between tiles in a row, at the size in which they are shown

/** Grey from dark to light. */
export const grey = (level) => [level, level, level];

const ZERO = 127; // the level of a weight of zero

/** Blue below zero and orange above it. */
export function twoColours(level) {
  const share = Math.min(Math.abs(level - ZERO) / ZERO, 1);
  const [red, green, blue] = level < ZERO ? [31, 111, 191] : [214, 110, 18];
  return [red, green, blue].map((one) => Math.round(247 + (one - 247) * share));
}

function bytesOf(tiles) {
  tiles.bytes ??= Uint8Array.from(atob(tiles.pixels), (char) => char.charCodeAt(0));
  return tiles.bytes;
}

/** The colours of a tile's pixels, row by row. */
function painted(tiles, at, paint) {
  const size = tiles.width * tiles.height;
  const bytes = bytesOf(tiles);
  const image = new ImageData(tiles.width, tiles.height);
  for (let pixel = 0; pixel < size; pixel += 1) {
    const [red, green, blue] = paint(bytes[at * size + pixel], pixel);
    image.data.set([red, green, blue, 255], 4 * pixel);
  }
  return image;
}

/** One tile, a pixel of the canvas for each of its own. */
export function tile(tiles, at, paint = grey) {
  const canvas = el("canvas", { width: tiles.width, height: tiles.height, class: "tile", "aria-hidden": "true" });
  canvas.getContext("2d").putImageData(painted(tiles, at, paint), 0, 0);
  return canvas;
}

/** The picture that the network was given: in colour where it has three channels. */
export function pictureOf(input) {
  const size = input.width * input.height;
  const bytes = bytesOf(input);
  return tile(input, 0, input.count === 3 ? (level, pixel) => [level, bytes[size + pixel], bytes[2 * size + pixel]] : grey);
}

/** Tiles beside each other, painted into a canvas that is there already. side: how high they are shown. */
export function paintRow(canvas, tiles, side) {
  const high = tiles.height === 1 ? 12 : side;
  const wide = tiles.height === 1 ? 1 : side * (tiles.width / tiles.height);
  const across = tiles.height === 1 ? 8 * side + 7 * GAP : tiles.count * wide + (tiles.count - 1) * GAP;
  const density = Math.min(globalThis.devicePixelRatio || 1, 2);
  Object.assign(canvas, { width: Math.round(across * density), height: Math.round(high * density) });
  Object.assign(canvas.style, { width: `${across}px`, height: `${high}px` });
  const brush = canvas.getContext("2d");
  brush.imageSmoothingEnabled = false;
  brush.scale(density, density);
  for (let at = 0; at < tiles.count; at += 1) {
    const shown = tile(tiles, at);
    if (tiles.height === 1) brush.drawImage(shown, 0, (at * high) / tiles.count, across, high / tiles.count);
    else brush.drawImage(shown, at * (wide + GAP), 0, wide, high);
  }
}
