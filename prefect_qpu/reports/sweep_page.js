"use strict";
/* Draws the sweep on a canvas: drag to zoom into a rectangle, turn the wheel to zoom, double-click to see all again. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const canvas = document.getElementById("plot"), tip = document.getElementById("tip");
  const pen = canvas.getContext("2d"), colours = data.colours;
  const heat = data.kind === "heat map";
  const edge = { left: 64, right: heat ? 84 : 16, top: 12, bottom: 44 };
  let view, drag = null, size = { width: 0, height: 0 };

  const finite = (values) => values.filter((value) => value !== null);
  const ends = (values, margin) => {
    const known = finite(values);
    if (!known.length) return [0, 1];
    let low = Infinity, high = -Infinity;
    for (const value of known) { if (value < low) low = value; if (value > high) high = value; }
    const room = (high - low) * margin || Math.abs(high) * 0.1 || 0.5;
    return [low - room, high + room];
  };
  const whole = () => {
    if (heat) {
      const half = (values) => (values.length > 1 ? (values[values.length - 1] - values[0]) / (values.length - 1) : 1) / 2;
      const dx = half(data.columns), dy = half(data.rows);
      return [data.columns[0] - dx, data.columns[data.columns.length - 1] + dx, data.rows[0] - dy, data.rows[data.rows.length - 1] + dy];
    }
    const x = ends(data.series.flatMap((item) => item.x), 0.03);
    const y = ends(data.series.flatMap((item) => [...item.value, ...item.exact]), 0.08);
    return [...x, ...y];
  };
  const inner = () => ({ w: size.width - edge.left - edge.right, h: size.height - edge.top - edge.bottom });
  const px = (x) => edge.left + ((x - view[0]) / (view[1] - view[0])) * inner().w;
  const py = (y) => edge.top + (1 - (y - view[2]) / (view[3] - view[2])) * inner().h;
  const ux = (p) => view[0] + ((p - edge.left) / inner().w) * (view[1] - view[0]);
  const uy = (p) => view[2] + (1 - (p - edge.top) / inner().h) * (view[3] - view[2]);
  const text = (value) => (value === null ? "" : String(Number(value.toPrecision(5))));

  const ticks = (low, high) => {
    const raw = (high - low) / 6, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw), made = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9 && made.length < 20; at += step) made.push(at);
    return made;
  };
  const ramp = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const shade = (share) => {
    const at = Math.min(0.9999, Math.max(0, share)) * (ramp.length - 1), low = Math.floor(at), part = at - low;
    return `rgb(${ramp[low].map((value, index) => Math.round(value + (ramp[low + 1][index] - value) * part)).join()})`;
  };

  const frame = () => {
    const style = getComputedStyle(document.body);
    pen.fillStyle = style.color; pen.strokeStyle = style.color; pen.globalAlpha = 0.75; pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    for (const at of ticks(view[0], view[1])) {
      pen.fillText(text(at), px(at), size.height - edge.bottom + 18);
      pen.fillRect(px(at), size.height - edge.bottom, 1, 4);
    }
    pen.textAlign = "right";
    for (const at of ticks(view[2], view[3])) pen.fillText(text(at), edge.left - 8, py(at) + 4);
    pen.textAlign = "center";
    pen.fillText(data.x, edge.left + inner().w / 2, size.height - 8);
    pen.save(); pen.translate(12, edge.top + inner().h / 2); pen.rotate(-Math.PI / 2); pen.fillText(data.y, 0, 0); pen.restore();
    pen.strokeRect(edge.left + 0.5, edge.top + 0.5, inner().w, inner().h);
    pen.globalAlpha = 1;
  };
  const cells = () => {
    const range = ends(data.cells.flat(), 0), full = whole();
    const dx = (full[1] - full[0]) / data.columns.length, dy = (full[3] - full[2]) / data.rows.length;
    data.rows.forEach((_, j) => data.columns.forEach((__, i) => {
      const value = data.cells[j][i];
      if (value === null) return;
      pen.fillStyle = shade((value - range[0]) / (range[1] - range[0] || 1));
      const left = px(full[0] + i * dx), top = py(full[2] + (j + 1) * dy);
      pen.fillRect(left, top, px(full[0] + (i + 1) * dx) - left + 0.6, py(full[2] + j * dy) - top + 0.6);
    }));
    return range;
  };
  const scale = (range) => {
    const left = size.width - edge.right + 14, height = inner().h;
    for (let row = 0; row < height; row += 1) { pen.fillStyle = shade(1 - row / height); pen.fillRect(left, edge.top + row, 12, 1.5); }
    pen.fillStyle = getComputedStyle(document.body).color; pen.textAlign = "left"; pen.font = "12px system-ui, sans-serif";
    pen.fillText(text(range[1]), left + 16, edge.top + 10); pen.fillText(text(range[0]), left + 16, edge.top + height);
  };
  const lines = () => data.series.forEach((item, place) => {
    const colour = colours[place % colours.length];
    pen.strokeStyle = pen.fillStyle = colour; pen.lineWidth = 1;
    const visible = item.x.filter((x) => x >= view[0] && x <= view[1]).length;
    if (data.kind === "lines") {
      pen.save(); pen.setLineDash([4, 3]); pen.globalAlpha = 0.8; pen.strokeStyle = getComputedStyle(document.body).color; path(item.x, item.exact); pen.restore();
      pen.globalAlpha = 0.5; path(item.x, item.value); pen.globalAlpha = 1;
    }
    item.x.forEach((x, index) => {
      const value = item.value[index];
      if (value === null || x < view[0] || x > view[1]) return;
      if (visible <= 400 && item.stderr[index] !== null) {
        const margin = 1.96 * item.stderr[index];
        pen.fillRect(px(x) - 0.5, py(value + margin), 1, py(value - margin) - py(value + margin));
      }
      pen.beginPath(); pen.arc(px(x), py(value), visible <= 400 ? 3 : 1.5, 0, 2 * Math.PI); pen.fill();
    });
  });
  const path = (x, y) => {
    pen.beginPath();
    let open = false;
    x.forEach((at, index) => {
      if (y[index] === null) { open = false; return; }
      if (open) pen.lineTo(px(at), py(y[index])); else pen.moveTo(px(at), py(y[index]));
      open = true;
    });
    pen.stroke();
  };
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    size = { width: canvas.clientWidth, height: canvas.clientHeight };
    canvas.width = size.width * ratio; canvas.height = size.height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0); pen.clearRect(0, 0, size.width, size.height);
    pen.save(); pen.beginPath(); pen.rect(edge.left, edge.top, inner().w, inner().h); pen.clip();
    const range = heat ? cells() : lines();
    pen.restore(); frame();
    if (heat) scale(range);
    if (drag) { pen.strokeStyle = "#D55E00"; pen.setLineDash([4, 3]); pen.strokeRect(drag.x, drag.y, drag.toX - drag.x, drag.toY - drag.y); pen.setLineDash([]); }
  };
  const nearest = (x, y) => {
    let best = null, least = 400;
    if (heat) {
      const full = whole(), i = Math.floor(((ux(x) - full[0]) / (full[1] - full[0])) * data.columns.length);
      const j = Math.floor(((uy(y) - full[2]) / (full[3] - full[2])) * data.rows.length);
      if (data.rows[j] === undefined || data.columns[i] === undefined) return null;
      return [`${data.x}: ${text(data.columns[i])}`, `${data.y}: ${text(data.rows[j])}`, `${data.value}: ${text(data.cells[j][i]) || "not measured"}`];
    }
    data.series.forEach((item) => item.x.forEach((at, index) => {
      if (item.value[index] === null) return;
      const far = (px(at) - x) ** 2 + (py(item.value[index]) - y) ** 2;
      if (far < least) {
        least = far;
        best = [item.name, `${data.x}: ${text(at)}`, `${data.value}: ${text(item.value[index])} ± ${text(item.stderr[index])}`, item.exact[index] === null ? "" : `exact: ${text(item.exact[index])}`];
      }
    }));
    return best;
  };
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

  canvas.addEventListener("pointerdown", (event) => { const [x, y] = place(event); drag = { x, y, toX: x, toY: y }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (drag) { drag.toX = x; drag.toY = y; draw(); return; }
    const told = nearest(x, y);
    tip.textContent = told ? told.filter(Boolean).join(" · ") : "";
  });
  canvas.addEventListener("pointerup", () => {
    if (drag && Math.abs(drag.toX - drag.x) > 6 && Math.abs(drag.toY - drag.y) > 6) {
      const x = [ux(drag.x), ux(drag.toX)].sort((a, b) => a - b), y = [uy(drag.y), uy(drag.toY)].sort((a, b) => a - b);
      view = [...x, ...y];
    }
    drag = null; draw();
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = place(event), factor = event.deltaY < 0 ? 0.8 : 1.25, cx = ux(x), cy = uy(y);
    view = [cx + (view[0] - cx) * factor, cx + (view[1] - cx) * factor, cy + (view[2] - cy) * factor, cy + (view[3] - cy) * factor];
    draw();
  }, { passive: false });
  canvas.addEventListener("dblclick", () => { view = whole(); draw(); });
  document.getElementById("all").addEventListener("click", () => { view = whole(); draw(); });
  window.addEventListener("resize", draw);
  view = whole(); draw();
})();
