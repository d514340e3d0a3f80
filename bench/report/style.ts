/** One colour for Sallyport, one for all others: labels tell who is who, also to those who see no colours. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #ffffff; --ink: #1d2329; --soft: #56616c; --line: #dde2e6;
  --own: #0f6fb8; --other: #9aa7b4; --whisker: #1d2329; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --card: #1c2228; --ink: #e8ecef; --soft: #a3afba;
  --line: #333c45; --own: #55aef0; --other: #66737f; --whisker: #e8ecef; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 28px 32px 60px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1216px; margin: 0 auto; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 36px 0 4px; }
h3 { font-size: 16px; margin: 0; }
p { margin: 4px 0 10px; max-width: 90ch; }
.soft { color: var(--soft); }
.bad { color: var(--bad); }
section.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 18px; margin: 14px 0;
  overflow-x: auto; }
.case { display: grid; grid-template-columns: 460px minmax(0, 1fr); gap: 6px 20px; align-items: start; }
.case > header { grid-column: 1 / -1; }
.tiles { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 14px; }
.tiles section.card { margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 10px 0; }
dt { color: var(--soft); }
dd { margin: 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 500; text-align: right; white-space: nowrap; padding: 2px 0 4px 10px; border-bottom: 1px solid var(--line); }
td { text-align: right; padding: 3px 0 3px 10px; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr.own td { font-weight: 650; }
td small { color: var(--soft); font-size: 12px; font-weight: 400; }
ul { margin: 4px 0; padding-left: 20px; }
svg + table { margin-top: 10px; }
svg { display: block; max-width: 100%; height: auto; font-size: 13px; }
svg text { fill: var(--ink); }
svg .label { text-anchor: end; }
svg .strong { font-weight: 650; }
svg .tick { fill: var(--soft); font-size: 12px; text-anchor: middle; }
svg .grid { stroke: var(--line); }
svg .reference { stroke: var(--soft); stroke-width: 2; stroke-dasharray: 4 3; }
svg .own { fill: var(--own); }
svg .other { fill: var(--other); }
svg .reach { stroke: var(--soft); stroke-width: 2; }
svg .halo { stroke: var(--card); stroke-width: 4; fill: none; }
svg .whisker { stroke: var(--whisker); stroke-width: 1.5; fill: none; }
@media (max-width: 1000px) { .case, .tiles { grid-template-columns: minmax(0, 1fr); } }
`;
