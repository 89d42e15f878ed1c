extension DashboardAssets {
    /// The pages' style: text within the program, so that there is nothing to install beside it.
    static let style = """
        :root {
          --page: #f5f7f9; --card: #fff; --text: #14202b; --quiet: #566573; --line: #dbe2e8; --field: #8494a2; --link: #0a5aa8;
          --good: #0b6637; --good-back: #dff3e7; --bad: #ab1d18; --bad-back: #fde8e6; --note: #744700; --note-back: #fcefd4;
          --spark: #2b7bc8; --second: #c2660a; --main: #0a5aa8; --main-text: #fff; --code: #eef2f5;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #0e141a; --card: #161f28; --text: #e6ecf1; --quiet: #9cadbb; --line: #293540; --field: #5d6f7e; --link: #7fbaf6;
            --good: #7ddba4; --good-back: #133422; --bad: #ff9d94; --bad-back: #45191a; --note: #f2c46d; --note-back: #3b2e10;
            --spark: #5aa5ea; --second: #e79a4a; --main: #7fbaf6; --main-text: #0b1218; --code: #1e2933;
          }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body {
          margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
        }
        main, footer, .bar .inside { max-width: 1240px; margin: 0 auto; padding-left: 20px; padding-right: 20px; }
        main { padding-top: 22px; padding-bottom: 8px; }
        main.narrow { max-width: 460px; padding-top: 48px; }
        footer { padding-bottom: 24px; color: var(--quiet); font-size: 13px; }
        .bar { background: var(--card); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 2; }
        .bar .inside { display: flex; align-items: center; gap: 6px 20px; min-height: 54px; flex-wrap: wrap; }
        .brand { display: flex; align-items: center; gap: 9px; font-weight: 700; font-size: 17px; color: var(--text); text-decoration: none; }
        .mark .ground { fill: var(--main); } .mark .bird { fill: var(--main-text); }
        .mark .leg { fill: none; stroke: var(--main-text); stroke-width: 1.4; }
        nav { display: flex; gap: 2px; flex: 1; flex-wrap: wrap; }
        nav a { padding: 6px 11px; border-radius: 6px; color: var(--quiet); text-decoration: none; font-weight: 600; font-size: 14px; }
        nav a:hover { color: var(--text); background: var(--page); }
        nav a[aria-current] { color: var(--link); background: color-mix(in srgb, var(--link) 11%, transparent); }
        .user { display: flex; align-items: center; gap: 10px; font-size: 14px; color: var(--quiet); margin: 0; }
        h1 { font-size: 25px; line-height: 1.25; margin: 0 0 14px; display: flex; flex-wrap: wrap; align-items: center; gap: 10px; overflow-wrap: anywhere; }
        h1 small { font-size: 16px; font-weight: 400; color: var(--quiet); }
        h2 { font-size: 17px; margin: 0 0 12px; } h3 { font-size: 14px; margin: 14px 0 6px; }
        header p { margin: 0 0 14px; max-width: 76ch; }
        a { color: var(--link); text-underline-offset: 2px; }
        small { font-size: 13px; font-weight: 400; color: var(--quiet); }
        th small, td small { display: block; }
        code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
        code { padding: 1px 4px; border-radius: 4px; background: var(--code); overflow-wrap: anywhere; }
        pre { margin: 0; padding: 12px 14px; background: var(--code); border-radius: 6px; overflow: auto; max-height: 560px; }
        pre code { padding: 0; background: none; overflow-wrap: normal; }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
        .skip { position: absolute; left: -9999px; }
        .skip:focus { left: 12px; top: 12px; background: var(--card); padding: 8px 12px; z-index: 3; }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .quiet { color: var(--quiet); } .bad { color: var(--bad); }
        a.bad { text-decoration-color: currentColor; }
        .id { overflow-wrap: anywhere; }
        .empty { padding: 34px 18px; text-align: center; color: var(--quiet); background: var(--card); border: 1px dashed var(--line); border-radius: 10px; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px 24px; margin: 0 0 20px; }
        .facts div { min-width: 0; }
        .tiles { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; }
        .tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
        .tiles dd { font-size: 19px; line-height: 1.4; }
        dt { color: var(--quiet); font-size: 13px; }
        dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
        dd .id, dd.id { font-weight: 400; }
        dd small { display: block; }
        .badge {
          display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: 13px; font-weight: 600; line-height: 1.6;
          white-space: nowrap; background: var(--code); color: var(--text); vertical-align: middle;
        }
        .badge.good { background: var(--good-back); color: var(--good); }
        .badge.bad { background: var(--bad-back); color: var(--bad); }
        .badge.note { background: var(--note-back); color: var(--note); }
        table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
        th, td { padding: 10px 14px; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
        thead th { border-top: 0; color: var(--quiet); font-size: 13px; font-weight: 600; white-space: nowrap; }
        tbody tr:hover { background: color-mix(in srgb, var(--link) 4%, transparent); }
        tbody th { font-weight: 600; overflow-wrap: anywhere; }
        .consumers tbody th { min-width: 200px; } .audit tbody th { white-space: nowrap; font-weight: 400; }
        .number { text-align: right; white-space: nowrap; }
        tbody th.number small { white-space: normal; }
        .settings th { width: 30%; } .settings tbody th { font-weight: 400; } .settings th, .settings td { padding-top: 5px; padding-bottom: 5px; }
        .way { display: block; font-size: 13px; font-weight: 400; color: var(--quiet); overflow-wrap: anywhere; }
        .way i { font-style: normal; color: var(--field); }
        .wayline { margin-top: -8px; }
        .rate span { display: inline-block; min-width: 3.2em; text-align: right; }
        .spark { width: 100px; height: 24px; vertical-align: middle; overflow: visible; }
        dd.rate span { min-width: 0; margin-left: 10px; } dd.rate .spark { width: 70px; }
        .spark .base { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
        .spark .line { fill: none; stroke: var(--spark); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
        .spark .area { fill: var(--spark); opacity: .16; }
        .graphs { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 26px; }
        .graphs .spans { grid-column: 1 / -1; margin: 0; color: var(--quiet); font-size: 13px; }
        .spans span, .spans a { padding: 1px 8px; border-radius: 5px; } .spans span { background: var(--code); color: var(--text); font-weight: 600; }
        figure { margin: 0; min-width: 0; }
        figcaption { font-size: 13px; color: var(--quiet); margin-bottom: 4px; } figcaption strong { color: var(--text); margin-left: 6px; }
        .plot { position: relative; } .plot svg { display: block; width: 100%; height: 120px; overflow: visible; }
        .plot .top { position: absolute; right: 0; top: -1px; font-size: 12px; color: var(--quiet); background: var(--card); padding-left: 4px; }
        .plot .bottom { position: absolute; right: 0; bottom: 1px; font-size: 12px; color: var(--quiet); background: var(--card); padding-left: 4px; }
        .plot .nothing { position: absolute; inset: 0; display: grid; place-items: center; color: var(--quiet); font-size: 13px; }
        .plot path { vector-effect: non-scaling-stroke; fill: none; }
        .plot .grid { stroke: var(--line); } .plot .line { stroke: var(--spark); stroke-width: 1.6; stroke-linecap: round; }
        .plot .line.p99 { stroke: var(--second); } .plot .area { fill: var(--spark); opacity: .13; }
        .axis { display: flex; justify-content: space-between; margin: 3px 0 0; font-size: 12px; color: var(--quiet); }
        .why, .owners, .messages, .letters { list-style: none; margin: 0; padding: 0; }
        .why { margin-top: 6px; font-size: 14px; }
        header .why { margin: 0 0 16px; font-size: 15px; }
        .why li { overflow-wrap: anywhere; padding-left: 10px; border-left: 3px solid var(--line); margin-top: 5px; }
        .why li.note { border-color: var(--note); } .why li.bad { border-color: var(--bad); color: inherit; }
        .owners li { font-size: 14px; } .processes .owners li { white-space: nowrap; }
        .owners .numbers { font-weight: 600; margin-right: 4px; }
        section, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 0 0 18px; }
        section table { border: 0; margin: 0 -4px; width: calc(100% + 8px); }
        section.problems { border-left: 4px solid var(--bad); }
        section.list { background: none; border: 0; padding: 0; } section.list table { border: 1px solid var(--line); margin: 0; width: 100%; }
        section p:first-child { margin-top: 0; } section p:last-child { margin-bottom: 0; }
        .halves { display: grid; grid-template-columns: 3fr 2fr; gap: 18px; align-items: start; } .halves section { min-width: 0; }
        details > summary { cursor: pointer; } summary h2 { display: inline; } details[open] > summary { margin-bottom: 12px; }
        form { margin: 0; }
        form p { margin: 0; }
        .filter, .search, .orders { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: end; margin-bottom: 16px; }
        .filter .field, .orders .field { min-width: 190px; } .orders p { margin: 0; } .filter .field:first-of-type { flex: 0 1 300px; }
        .search { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); } ::placeholder { color: var(--quiet); opacity: .8; }
        .grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 12px 20px; align-items: end; }
        .grid .all { grid-column: 1 / -1; }
        .narrow form { display: grid; gap: 14px; }
        .check { align-self: center; padding-top: 18px; }
        .field label { display: block; font-size: 13px; color: var(--quiet); margin-bottom: 4px; }
        input:not([type=checkbox]), select {
          width: 100%; min-height: 40px; padding: 7px 11px; font: inherit; color: inherit; background: var(--page);
          border: 1px solid var(--field); border-radius: 6px;
        }
        input[type=checkbox] { width: 18px; height: 18px; accent-color: var(--main); vertical-align: -3px; }
        .buttons { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
        button {
          min-height: 40px; padding: 7px 15px; font: inherit; font-weight: 600; cursor: pointer; color: var(--text);
          background: transparent; border: 1px solid var(--field); border-radius: 6px;
        }
        button:hover { border-color: var(--link); color: var(--link); }
        button.main { background: var(--main); border-color: var(--main); color: var(--main-text); }
        button.main:hover { filter: brightness(1.1); color: var(--main-text); }
        button.danger { color: var(--bad); border-color: var(--bad); }
        button.link { min-height: 32px; padding: 2px 4px; border: 0; color: var(--link); font-weight: 400; text-decoration: underline; text-underline-offset: 2px; }
        .letters li { padding: 14px 0; border-top: 1px solid var(--line); }
        .letters li:first-child { border-top: 0; padding-top: 0; } .letters li:last-child { padding-bottom: 0; }
        .letters p { margin: 0 0 6px; overflow-wrap: anywhere; }
        .letters .buttons, .account .buttons { margin-top: 10px; }
        .choice { display: flex; gap: 14px; } .choice > div { min-width: 0; flex: 1; } .choice > input { flex: none; margin-top: 3px; }
        .bulk { position: sticky; top: 54px; z-index: 1; background: var(--page); padding: 10px 0; margin: 0 0 6px; }
        .letters li { position: relative; }
        @media (min-width: 761px) {
          .letters .buttons { position: absolute; right: 0; top: 12px; margin: 0; } .letters li:first-child .buttons { top: 0; }
          .letters p:not(.buttons) { padding-right: 210px; }
        }
        .pages { text-align: center; } .steps { margin: 0 0 10px; display: flex; gap: 16px; font-size: 14px; }
        .error { color: var(--bad); overflow-wrap: anywhere; }
        .account p { margin: 0 0 8px; overflow-wrap: anywhere; }
        .messages li { padding: 6px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; font-size: 14px; }
        .messages li:first-child { border-top: 0; }
        .messages time { color: var(--quiet); margin-right: 6px; }
        .done { background: var(--good-back); color: var(--good); padding: 10px 14px; border-radius: 8px; font-weight: 600; margin: 0 0 16px; }
        .failed { background: var(--bad-back); color: var(--bad); padding: 10px 14px; border-radius: 8px; font-weight: 600; overflow-wrap: anywhere; }
        progress, meter { width: 110px; height: 8px; accent-color: var(--spark); vertical-align: middle; }
        .jobs .buttons { margin: 0; gap: 6px; }
        .jobs button { min-height: 34px; padding: 4px 10px; }
        .stale { color: var(--bad); font-weight: 600; }
        .code { color: var(--quiet); font-size: 12px; white-space: nowrap; }
        #stale { background: var(--bad-back); color: var(--bad); padding: 10px 14px; border-radius: 8px; font-weight: 600; }
        [data-stale] [data-live] { opacity: .55; }
        [data-stale] .badge { background: var(--line); color: var(--text); }
        @media (max-width: 760px) {
          main, footer, .bar .inside { padding-left: 12px; padding-right: 12px; }
          main { padding-top: 14px; }
          .bar { position: static; } .bar .inside { padding-top: 8px; gap: 4px 12px; justify-content: space-between; }
          nav { order: 3; flex: 1 0 100%; flex-wrap: nowrap; overflow-x: auto; margin: 0 -12px; padding: 0 8px 6px; scrollbar-width: none; }
          nav a { white-space: nowrap; padding: 8px 10px; }
          .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px 16px; } .tiles { gap: 8px; } .tiles dd { font-size: 17px; }
          .search { grid-template-columns: minmax(0, 1fr); }
          .graphs, .halves { grid-template-columns: minmax(0, 1fr); }
          .filter .field, .filter .field:first-of-type, .search .field, .orders .field { flex: 1 1 100%; } .check { padding-top: 0; }
          .bulk { position: static; }
          table, tbody { display: block; border: 0; background: none; }
          section.list table { border: 0; }
          thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          tr { display: block; background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-bottom: 12px; }
          tr { padding: 10px 14px; }
          th[scope=row], th[scope=row].number { display: block; border: 0; padding: 0 0 4px; font-size: 16px; text-align: left; white-space: normal; min-width: 0; width: auto; }
          .segments th[scope=row]::before { content: "Segment "; } .events th[scope=row]::before { content: "Position "; font-weight: 400; color: var(--quiet); }
          td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 3px 0; text-align: right; }
          td::before { content: attr(data-label); color: var(--quiet); font-size: 13px; flex: none; text-align: left; }
          td[data-label=State], td[data-label=Event], td[data-label=Aggregate], td[data-label=Details] { display: block; text-align: left; padding-bottom: 6px; }
          td[data-label=State]::before, td[data-label=Event]::before, td[data-label=Aggregate]::before, td[data-label=Details]::before { content: none; }
          .settings td { display: block; text-align: left; } .settings td::before { content: none; } .settings th[scope=row] { font-size: 14px; padding-bottom: 0; }
          section:not(.list) .settings tr { padding: 5px 0; }
          section:not(.list) tr { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 10px 0; margin: 0; }
          section:not(.list) tr:first-child { border-top: 0; }
          td .spark { width: 100px; }
          td.rate { align-items: center; }
          td.rate::before { margin-right: auto; }
          .owners { text-align: right; } .processes .owners li { white-space: normal; }
        }
        @media (prefers-reduced-motion: no-preference) { button { transition: border-color .1s, color .1s; } }

        """
}
