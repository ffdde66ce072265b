// The look of a report, light and dark, wide and narrow, on screen and on paper.
//
// Colours of groups are those of Okabe and Ito ("Color universal design", 2008), darkened for a white page
// and lightened for a dark one, which people with any common form of colour blindness tell apart.
#pragma once

#include <string_view>

namespace polis::internal {

inline constexpr std::string_view page_style = R"css(
:root {
  color-scheme: light dark;
  --page: light-dark(#f7f7f5, #15171b); --card: light-dark(#fff, #1d2025);
  --ink: light-dark(#1d2026, #e8e9ec); --soft: light-dark(#5b616b, #a6abb4);
  --faint: light-dark(#8b919b, #7d828c); --rule: light-dark(#e3e4e6, #30343b);
  --grid: light-dark(#ececee, #2a2d33); --zero: light-dark(#b9bcc2, #545962);
  --ribbon-low: light-dark(#d9e8f5, #243b50); --ribbon-high: light-dark(#17598f, #6db5ea);
  --shade: light-dark(#00000012, #00000055); --c0: light-dark(#0072b2, #58aee6);
  --c1: light-dark(#d55e00, #f28a45); --c2: light-dark(#00815f, #35c39b);
  --c3: light-dark(#b0568c, #e39ac3); --c4: light-dark(#b27700, #e9b23c);
  --c5: light-dark(#3a8fc4, #8fd0f7); --c6: light-dark(#7a5195, #b798d6);
  --c7: light-dark(#6b6b6b, #b5b5b5); --r0: light-dark(#30343b, #d5d8dd);
  --r1: light-dark(#7b8089, #8e939c); --r2: light-dark(#a9adb4, #646972);
  --r3: light-dark(#c4a484, #8d7355);
}
:root[data-theme="light"] { color-scheme: light; } :root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans",
    Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 72px; }
h1 { font-size: 27px; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; margin: 0; }
h2 { font-size: 18px; font-weight: 650; margin: 44px 0 4px; }
h3 { font-size: 14px; font-weight: 600; margin: 0; }
p { margin: 0; }
header { display: flex; gap: 16px; justify-content: space-between; align-items: flex-start; }
header p, h2 + p { color: var(--soft); max-width: 76ch; }
h2 + p { margin-bottom: 14px; font-size: 14px; }
h2 + div { margin-top: 12px; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--rule);
  border-radius: 999px;
  padding: 3px 12px; cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--faint); }
#theme { color: var(--soft); font-size: 13px; display: none; }
.scripted #theme { display: inline-block; }
.card, figure, .tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.card { padding: 16px 18px; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr)); gap: 12px;
  margin-top: 24px; }
.tile { padding: 13px 16px 12px; }
.tile b { display: block; font-size: 24px; line-height: 1.25; font-weight: 620; letter-spacing: -.01em;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tile span { display: block; font-size: 13px; color: var(--soft); }
.tile span:first-child { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.groups { position: sticky; top: 0; z-index: 3; display: none; flex-wrap: wrap; gap: 8px;
  margin: 22px -24px 0;
  padding: 10px 24px; background: var(--page); border-bottom: 1px solid var(--rule); font-size: 14px; }
.scripted .groups { display: flex; }
.groups button i, .legend i, td i { display: inline-block; width: 14px; height: 3px; border-radius: 2px;
  background: var(--c); vertical-align: middle; margin-right: 7px; }
.groups button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
figure { margin: 0; padding: 14px 16px 12px; min-width: 0; }
figcaption { margin-bottom: 10px; }
figcaption p { color: var(--soft); font-size: 13px; }
.stack { display: grid; gap: 12px; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr));
  gap: 12px; }
.plot { position: relative; margin: 8px 0 24px; }
.area { position: absolute; inset: 0 var(--right, 10px) 0 50px; }
.area svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.area path { fill: none; vector-effect: non-scaling-stroke; stroke-linecap: round;
  stroke-linejoin: round; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .zero { stroke: var(--zero); stroke-width: 1; }
svg .line { stroke: var(--c); stroke-width: 2; }
svg .line.thin { stroke-width: 1; opacity: .33; }
svg .line.dots { stroke-width: 6; }
svg .band { fill: var(--c) !important; opacity: .16; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.r0 { --c: var(--r0); } .r1 { --c: var(--r1); } .r2 { --c: var(--r2); } .r3 { --c: var(--r3); }
svg .r0, svg .r1, svg .r2, svg .r3 { stroke-width: 1.5; }
svg .r1 { stroke-dasharray: 6 4; } svg .r2 { stroke-dasharray: 1.5 4; }
.ytick, .xtick, .name { position: absolute; font-size: 12px; line-height: 16px; color: var(--soft);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.ytick { right: 100%; margin-right: 8px; transform: translateY(-50%); }
.xtick { top: 100%; margin-top: 6px; transform: translateX(-50%); }
.name { left: 100%; margin-left: 8px; transform: translateY(-50%); color: var(--c); font-weight: 600;
  max-width: calc(var(--right) - 10px); overflow: hidden; text-overflow: ellipsis; }
.xname { font-size: 12px; color: var(--faint); text-align: right; padding-right: var(--right, 0);
  margin-top: 2px; }
.legend { display: none; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 6px 0 0; padding: 0;
  font-size: 13px; color: var(--soft); }
.empty { color: var(--faint); font-size: 14px; padding: 24px 0; text-align: center; }
.cursor { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--faint);
  pointer-events: none; }
.tip { position: absolute; z-index: 2; top: 4px; pointer-events: none; background: var(--card);
  color: var(--ink);
  border: 1px solid var(--rule); border-radius: 7px; box-shadow: 0 3px 12px var(--shade);
    padding: 6px 10px;
  font-size: 12px; line-height: 18px; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tip div { display: flex; gap: 14px; justify-content: space-between; }
.tip i { display: inline-block; width: 10px; height: 3px; background: var(--c); vertical-align: middle;
  margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 0 6px 18px; text-align: right; white-space: nowrap; vertical-align: baseline; }
th { font-weight: 500; font-size: 13px; color: var(--soft); border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody tr + tr td { border-top: 1px solid var(--grid); }
td small { color: var(--soft); font-size: 12px; margin-left: 6px; }
tr.rule td { border-top: 1px solid var(--zero) !important; }
tr.strong td { font-weight: 620; }
.settings td { text-align: left; white-space: normal; overflow-wrap: anywhere; padding: 3px 0 3px 18px; }
.settings td:first-child { color: var(--soft); padding-left: 0; }
.settings th { text-align: left; } .columns table { table-layout: fixed; }
.columns td + td { width: 40%; }
details + details, .card + .card, .card + details, .card + .grid, .grid + .card,
  .stack + .card { margin-top: 12px; }
summary { cursor: pointer; font-weight: 600; font-size: 14px; }
details .columns { columns: 2 300px; column-gap: 36px; margin-top: 10px; }
details section { break-inside: avoid; margin-bottom: 14px; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.ribbons { display: grid; grid-template-columns: max-content 1fr; gap: 4px 12px; align-items: center;
  font-size: 13px; min-width: 300px; }
.ribbon { display: flex; height: 20px; border-radius: 4px; overflow: hidden; background: var(--grid); }
.ribbon span { background: color-mix(in oklab, var(--ribbon-low),
  var(--ribbon-high) calc(var(--t) * 100%));
  color: var(--ink); font-size: 12px; line-height: 20px; text-align: center; overflow: hidden; }
.ribbon span.high { color: var(--card); }
.scale { position: relative; height: 18px; grid-column: 2; } .gap { height: 5px; grid-column: 1 / 3; }
.share { display: flex; height: 14px; min-width: 120px; border-radius: 3px; overflow: hidden;
  background: var(--grid); }
.share span { background: var(--ribbon-high); } .share span + span { background: var(--ribbon-low); }
.notes { margin: 0; padding-left: 20px; font-size: 14px; } .notes li + li { margin-top: 4px; }
footer { margin-top: 40px; color: var(--faint); font-size: 13px; }
@media (max-width: 640px) {
  main { padding: 22px 14px 48px; } h1 { font-size: 22px; } h2 { margin-top: 34px; }
  .groups { margin: 18px -14px 0; padding: 8px 14px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; } .tile { padding: 10px 12px; }
  .tile b { font-size: 20px; }
  figure { padding: 12px 12px 10px; } .area { right: 10px; left: 44px; } .area .name { display: none; }
  .xtick.odd { display: none; } .legend { display: flex; } .xname { padding-right: 0; }
}
@media print {
  @page { margin: 12mm; }
  :root { color-scheme: light !important; --page: #fff; print-color-adjust: exact; }
  main { max-width: none; padding: 0; zoom: .7; }
  .groups, #theme { display: none !important; }
  .card { overflow: visible; }
  figure, .card, .tile { break-inside: avoid; }
  h2, h2 + p { break-after: avoid; }
}
)css";

}  // namespace polis::internal
