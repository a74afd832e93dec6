/** The page's style: light and dark, wide and narrow. Nothing is loaded from elsewhere. */
export const reportStyle = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #10b981; --open: #f59e0b; --bad: #ef4444; --past: #8b8b8b }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.35rem; line-height: 1.35; margin: .2rem 0 } h2 { font-size: 1.1rem; margin-top: 2rem } p { margin: .4rem 0 }
.verdict { border: 1px solid var(--line); border-left: 6px solid var(--past); border-radius: 6px; padding: .7rem 1rem }
.verdict.good { border-left-color: var(--good) } .verdict.open { border-left-color: var(--open) } .verdict.bad { border-left-color: var(--bad) }
.verdict ol { margin: .5rem 0 0; padding-left: 1.3rem } .soft { opacity: .75 }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere } pre { margin: 0; white-space: pre-wrap }
.next code { background: var(--soft); border-radius: 3px; padding: .05rem .35rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } .facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1rem 0 }
.facts dt { opacity: .7 } .facts dd { margin: 0; overflow-wrap: anywhere }
.time { font-size: 13px } .entry { display: grid; grid-template: "what lane when" / 17rem 1fr 8.5rem; gap: 0 .8rem; align-items: center; margin: .2rem 0 }
.what { grid-area: what; overflow-wrap: anywhere } .when { grid-area: when; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.axis, .lane { grid-area: lane; position: relative; margin-right: 1.6rem } .axis { height: 1.2rem } .mark { position: absolute; white-space: nowrap; opacity: .75 }
.lane { height: 1rem; background: var(--soft); border-radius: 3px }
.lane i { position: absolute; top: 0; bottom: 0; border-left: 1px solid var(--line) }
.lane b { position: absolute; top: 2px; bottom: 2px; min-width: 5px; border-radius: 3px }
b.server { background: #3b82f6 } b.probe { background: #8b5cf6 } b.rows { background: #ef4444 } b.rollout { background: #10b981 } b.settle { background: #f59e0b }
.tools code { display: inline-block; background: var(--soft); border-radius: 3px; padding: 0 .35rem; margin: .1rem }
details { margin-top: 2rem } summary { cursor: pointer }
@media (max-width: 640px) {
  body { margin: .8rem auto; padding: 0 .8rem }
  .facts { grid-template-columns: 1fr; gap: 0 } .facts dd { margin-bottom: .35rem }
  .entry { grid-template: "what when" "lane lane" / 1fr auto; margin: .45rem 0 }
  table, tbody, tr, td { display: block; width: 100% } th { display: none } td { border: 0; padding: .1rem 0 }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0 } td[data-label]::before { content: attr(data-label); display: block; font-size: 12px; opacity: .65 }
}`;
