// The script of the page: shows the figures nearest to the pointer, or to the arrow keys. It reads them from the table
// under each plot, whose rows carry their place on the x axis, and plots over the same time follow each other. Without
// it nothing is missing but this. It holds no < and no &, so that the page stays well-formed XML.

export const HOVER_SCRIPT = `
"use strict";
for (const frame of document.querySelectorAll("[data-plot]")) {
  const svg = frame.querySelector("svg.plot");
  const rows = Array.from(frame.parentElement.querySelectorAll("tr[data-at]"));
  const heads = Array.from(frame.parentElement.querySelectorAll("thead th"), (head) => head.textContent);
  if (svg === null || rows.length === 0) continue;
  const places = rows.map((row) => Number(row.dataset.at));
  const readout = frame.appendChild(document.createElement("div"));
  readout.className = "readout";
  const hair = svg.querySelector(".hair");
  frame.hide = () => { readout.style.display = "none"; hair.style.visibility = "hidden"; };
  frame.show = (index, full) => {
    const at = places[index];
    hair.setAttribute("x1", at * 100 + "%");
    hair.setAttribute("x2", at * 100 + "%");
    hair.style.visibility = "visible";
    if (!full) return;
    readout.replaceChildren(...Array.from(rows[index].cells, (cell, column) => {
      const line = document.createElement("span");
      const value = document.createElement("b");
      value.textContent = cell.textContent;
      line.append(heads[column] + " ", value);
      return line;
    }));
    readout.style.display = "block";
    const box = svg.getBoundingClientRect();
    const outer = frame.getBoundingClientRect();
    const x = box.left - outer.left + at * box.width;
    const left = x + 12 + readout.offsetWidth > outer.width ? x - 12 - readout.offsetWidth : x + 12;
    readout.style.left = Math.max(0, left) + "px";
  };
  frame.nearest = (at) => {
    let best = 0;
    places.forEach((place, index) => { if (Math.abs(places[best] - at) > Math.abs(place - at)) best = index; });
    return best;
  };
  let shown = 0;
  const show = (index) => {
    shown = Math.max(0, Math.min(rows.length - 1, index));
    frame.show(shown, true);
    for (const other of document.querySelectorAll("[data-plot=time]")) {
      if (frame.dataset.plot === "time") if (other !== frame) if (other.nearest) other.show(other.nearest(places[shown]), false);
    }
  };
  const hide = () => {
    for (const other of document.querySelectorAll("[data-plot]")) if (other.hide) other.hide();
  };
  frame.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(frame.nearest((event.clientX - box.left) / box.width));
  });
  frame.addEventListener("pointerleave", hide);
  frame.addEventListener("blur", hide);
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (event.key === "Escape") hide();
    if (step === undefined) return;
    event.preventDefault();
    show(shown + step);
  });
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", svg.getAttribute("aria-label") + " Arrow keys move along the axis; the figures are in the table below.");
}
`;
