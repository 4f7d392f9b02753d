// The networks that come with specc, in a menu.

import { byId, counted, el } from "./dom.js";

/** Opens a dialog with something in it and a way to close it. */
export function showDialog(title, ...content) {
  const dialog = byId("dialog");
  const close = el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×");
  dialog.replaceChildren(el("header", {}, el("h2", {}, title), close), ...content);
  dialog.setAttribute("aria-label", title);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

/** @param {(name: string, text: string) => void} chosen */
export async function showGallery(chosen) {
  const all = await (await fetch("gallery.json")).json();
  const list = el("ul", { class: "gallery" });
  const find = el("input", { type: "search", placeholder: "Find a network", "aria-label": "Find a network" });
  const fill = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    const found = all.filter((one) => words.every((word) => `${one.name} ${one.title}`.toLowerCase().includes(word)));
    list.replaceChildren(...found.map((one) => row(one, chosen)));
  };
  find.addEventListener("input", fill);
  fill();
  showDialog("Gallery", find, list);
  find.focus();
}

function row(one, chosen) {
  const open = async () => {
    const answer = await fetch(`gallery/${one.name}.cnn`);
    if (!answer.ok) return;
    byId("dialog").close();
    chosen(one.name, await answer.text());
  };
  const about = [one.input, one.parameters ? `${counted(one.parameters)} parameters` : ""].filter(Boolean).join(" · ");
  return el("li", {}, el("button", { type: "button", onclick: open }, el("strong", {}, one.name), el("span", {}, one.title), el("small", {}, about)));
}
