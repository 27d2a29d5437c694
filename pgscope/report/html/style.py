"""The page's style sheet: light and dark, by what the reader's system asks for."""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2126;--dim:#67707a;--line:#dfe3e8;--card:#f6f7f9;
--bad:#b42318;
--warn:#9a6700;--c0:#3b6fd4;--c1:#d9822b;--c2:#2f9e6e;--c3:#a855c7;--c4:#c9433d;--c5:#1798a8;--c6:#8a7a2b;
--c7:#6b7a90;--cx:#b8bfc8}
@media (prefers-color-scheme:dark){:root{
--bg:#14181d;--fg:#dfe4ea;--dim:#929ca8;--line:#2c333b;--card:#1b2027;
--bad:#ff8a80;--warn:#e3b341;--c0:#6f9bf0;--c1:#eba25c;--c2:#5cc495;--c3:#c78be0;--c4:#ee7b75;--c5:#4fc3d1;
--c6:#c4b35c;--c7:#98a6ba;--cx:#4d5661}}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;
max-width:1080px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:36px 0 8px}h3{font-size:15px;margin:0 0 6px}
p{margin:4px 0}.dim,figcaption{color:var(--dim)}.notice{color:var(--warn)}
svg{width:100%;height:auto;display:block}svg.small{max-width:420px}figure{margin:8px 0}
.grid{stroke:var(--line);stroke-width:1}.axis{fill:var(--dim);font:11px system-ui,sans-serif}
.word{fill:var(--fg);font:11px system-ui,sans-serif}.point{fill:var(--c0)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;padding:0;margin:4px 0;font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;margin-right:6px}
table{border-collapse:collapse;width:100%;font-size:13px}th{color:var(--dim);font-weight:600;text-align:left}
th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td:last-child{overflow-wrap:anywhere}

.wide{overflow-x:auto}
.finding{background:var(--card);border-left:3px solid var(--cx);padding:12px 16px;margin:12px 0}
.finding.confirmed{border-color:var(--bad)}.finding.likely{border-color:var(--warn)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--bg);border:1px solid var(--line);
padding:8px 10px;margin:6px 0;font:12.5px/1.45 ui-monospace,monospace}
ul{margin:4px 0;padding-left:20px}
"""
COLOURS = "".join(
    f".c{name}{{fill:var(--c{name});background:var(--c{name})}}" for name in (*map(str, range(8)), "x")
)
