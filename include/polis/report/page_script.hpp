// The script of a report, which the page does without where scripts are off: the switch between light and
// dark, buttons that hide groups, and the values under the pointer, read back from the lines themselves.
#pragma once

#include <string_view>

namespace polis::internal {

inline constexpr std::string_view page_script = R"js(
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  document.getElementById("theme").onclick = () => {
    const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme || preferred) === "dark" ? "light" : "dark";
  };

  for (const button of document.querySelectorAll(".groups button")) {
    button.onclick = () => {
      const hide = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!hide));
      for (const element of document.querySelectorAll(`[data-group="${button.dataset.of}"]`)) {
        element.style.display = hide ? "none" : "";
      }
    };
  }

  // A value in the style of its axis, with digits that fit the axis's range.
  const text = (value, style, range) => {
    const signed = digits => (/[1-9]/.test(digits) ? digits : digits.replace("-", "")).replace("-", "\u2212");
    if (style === "percent") return signed((100 * value).toFixed(1)) + "%";
    if (style === "change") return (value > 0 ? "+" : "") + signed((100 * value).toFixed(1)) + "%";
    if (style === "count") return signed(Math.round(value).toLocaleString("en").replace(/,/g, "\u202f"));
    if (range < 1e-4) return signed(value.toExponential(2));
    return signed(value.toFixed(Math.max(0, 3 - Math.floor(Math.log10(range)))));
  };

  // The axes and lines of a plot; points are in thousandths of the axes' lengths, y downwards.
  const read = plot => {
    const axis = name => {
      const [low, high, style] = plot.dataset[name].split(" ");
      return {low: +low, range: high - low, style};
    };
    const lines = [...plot.querySelectorAll(".line[data-name]")].map(path => ({
      path,
      name: path.dataset.name,
      colour: [...path.classList].find(name => /^[cr]\d$/.test(name)),
      points: [...path.getAttribute("d").matchAll(/[ML]([-\d.]+),([-\d.]+)/g)].map(m => [+m[1], +m[2]]),
    }));
    return {x: axis("x"), y: axis("y"), lines, moments: plot.dataset.moments?.split("|")};
  };
  const closest = (points, at) =>
    points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));

  const element = (name, style, ...children) => {
    const made = document.createElement(name);
    made.className = style;
    made.append(...children);
    return made;
  };
  const row = (colour, name, value) => {
    const label = element("span", "", ...(colour ? [element("i", colour)] : []), name);
    return element("div", "", label, element("b", "", value));
  };

  for (const plot of document.querySelectorAll(".plot")) {
    const area = plot.querySelector(".area");
    const cursor = element("div", "cursor"), tip = element("div", "tip");
    let data;
    plot.onpointerleave = () => { tip.remove(); cursor.remove(); };
    plot.onpointermove = event => {
      data = data || read(plot);
      const box = area.getBoundingClientRect(), at = 1000 * (event.clientX - box.left) / box.width;
      const shown = data.lines.filter(line => line.points.length && line.path.style.display !== "none");
      if (!shown.length || at < -30 || at > 1030) return plot.onpointerleave();
      const x = closest(shown.map(line => closest(line.points, at)), at)[0];
      const value = data.x.low + x / 1000 * data.x.range;
      const where = data.moments ? data.moments[Math.round(value)] : text(value, data.x.style, 1);
      tip.replaceChildren(row("", where, ""));
      for (const line of shown) {
        const [px, py] = closest(line.points, x);
        if (Math.abs(px - x) > 12) continue;  // a line that has ended
        const y = data.y.low + (1 - py / 1000) * data.y.range;
        tip.append(row(line.colour, line.name, text(y, data.y.style, data.y.range)));
      }
      cursor.style.left = x / 10 + "%";
      tip.style.left = x > 500 ? "" : `calc(${x / 10}% + 12px)`;
      tip.style.right = x > 500 ? `calc(${100 - x / 10}% + 12px)` : "";
      area.append(cursor, tip);
    };
  }
})();
)js";

}  // namespace polis::internal
