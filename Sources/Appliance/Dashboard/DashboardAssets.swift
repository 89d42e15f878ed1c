/// The dashboard's style and script: text within the program, so that there is nothing to install beside it.
enum DashboardAssets {
    static let style = """
        :root {
          --page: #f7f8f9; --card: #fff; --text: #16202a; --quiet: #55636f; --line: #dde3e8; --link: #0b5cad;
          --good: #0d6b3a; --good-back: #e0f3e8; --bad: #b0201a; --bad-back: #fde8e6; --note: #7a4b00; --note-back: #fcefd4;
          --spark: #2b7bc8; --main: #0b5cad; --main-text: #fff;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #10161c; --card: #18212a; --text: #e8edf2; --quiet: #9fb0bf; --line: #2c3843; --link: #7cb8f5;
            --good: #7ddba4; --good-back: #143524; --bad: #ff9d94; --bad-back: #471d1b; --note: #f2c46d; --note-back: #3d2f10;
            --spark: #5aa5ea; --main: #7cb8f5; --main-text: #0c1319;
          }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body {
          margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
        }
        main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 8px; }
        footer { max-width: 1180px; margin: 0 auto; padding: 0 20px 24px; color: var(--quiet); font-size: 13px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 12px; display: flex; flex-wrap: wrap; align-items: center; gap: 10px; }
        h2 { font-size: 17px; margin: 0 0 12px; }
        a { color: var(--link); text-underline-offset: 2px; }
        nav { margin-bottom: 12px; }
        code {
          padding: 1px 4px; border-radius: 4px; background: color-mix(in srgb, var(--line) 60%, transparent); overflow-wrap: anywhere;
          font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
        }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
        .skip { position: absolute; left: -9999px; }
        .skip:focus { left: 12px; top: 12px; background: var(--card); padding: 8px 12px; z-index: 1; }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .quiet { color: var(--quiet); }
        .bad { color: var(--bad); }
        .id { overflow-wrap: anywhere; }
        .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px 24px; margin: 0 0 22px; }
        .facts div { min-width: 0; }
        dt { color: var(--quiet); font-size: 13px; }
        dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
        dd.id { font-weight: 400; }
        .badge {
          display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: 13px; font-weight: 600; line-height: 1.6;
          white-space: nowrap; background: var(--line); color: var(--text);
        }
        .badge.good { background: var(--good-back); color: var(--good); }
        .badge.bad { background: var(--bad-back); color: var(--bad); }
        .badge.note { background: var(--note-back); color: var(--note); }
        table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        th, td { padding: 10px 14px; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
        thead th { border-top: 0; color: var(--quiet); font-size: 13px; font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 600; overflow-wrap: anywhere; }
        .consumers tbody th { min-width: 110px; }
        .number { text-align: right; white-space: nowrap; }
        .rate span { display: inline-block; min-width: 3.2em; text-align: right; }
        .spark { width: 110px; height: 24px; vertical-align: middle; overflow: visible; }
        dd.rate span { min-width: 0; margin-left: 10px; }
        .spark .base { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
        .spark .line { fill: none; stroke: var(--spark); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
        .spark .area { fill: var(--spark); opacity: .16; }
        .why, .owners, .messages, .letters { list-style: none; margin: 0; padding: 0; }
        .why { margin-top: 6px; font-size: 14px; }
        header .why { margin: 0 0 16px; font-size: 15px; }
        .why li { overflow-wrap: anywhere; padding-left: 10px; border-left: 3px solid var(--note); margin-top: 4px; }
        .why li.bad { border-color: var(--bad); color: inherit; }
        .owners li { font-size: 14px; }
        .owners .numbers { font-weight: 600; margin-right: 4px; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 0 0 18px; }
        section table { border: 0; }
        section p:first-child { margin-top: 0; }
        section p:last-child { margin-bottom: 0; }
        form { display: grid; grid-template-columns: repeat(2, minmax(0, 340px)); gap: 12px 20px; align-items: end; }
        form p { margin: 0; }
        .field label { display: block; font-size: 13px; color: var(--quiet); margin-bottom: 4px; }
        input {
          width: 100%; min-height: 42px; padding: 8px 11px; font: inherit; color: inherit; background: var(--page);
          border: 1px solid var(--quiet); border-radius: 6px;
        }
        form .all { grid-column: 1 / -1; }
        .buttons { display: flex; flex-wrap: wrap; gap: 10px; }
        button {
          min-height: 42px; padding: 8px 16px; font: inherit; font-weight: 600; cursor: pointer; color: var(--text);
          background: transparent; border: 1px solid var(--quiet); border-radius: 6px;
        }
        button:hover { border-color: var(--link); color: var(--link); }
        button.main { background: var(--main); border-color: var(--main); color: var(--main-text); }
        button.main:hover { filter: brightness(1.1); }
        button.danger { color: var(--bad); border-color: var(--bad); }
        .letters li { padding: 14px 0; border-top: 1px solid var(--line); }
        .letters li:first-child { border-top: 0; padding-top: 0; }
        .letters p { margin: 0 0 6px; overflow-wrap: anywhere; }
        .letters .buttons { margin-top: 10px; }
        .error { color: var(--bad); }
        .messages li { padding: 6px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; font-size: 14px; }
        .messages li:first-child { border-top: 0; }
        .messages time { color: var(--quiet); margin-right: 6px; }
        .done { background: var(--good-back); color: var(--good); padding: 10px 14px; border-radius: 8px; font-weight: 600; }
        .jobs progress { width: 110px; height: 8px; accent-color: var(--spark); vertical-align: middle; }
        .jobs .buttons { margin: 0; gap: 6px; }
        .jobs button { min-height: 34px; padding: 4px 10px; }
        .stale { color: var(--bad); font-weight: 600; }
        .code { color: var(--quiet); font-size: 12px; white-space: nowrap; }
        #stale { background: var(--bad-back); color: var(--bad); padding: 10px 14px; border-radius: 8px; font-weight: 600; }
        [data-stale] [data-live] { opacity: .55; }
        [data-stale] .badge { background: var(--line); color: var(--text); }
        @media (max-width: 760px) {
          main { padding: 16px 12px 4px; }
          .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px 16px; }
          form { grid-template-columns: minmax(0, 1fr); }
          table, tbody { display: block; border: 0; background: none; }
          thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          tr { display: block; background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-bottom: 12px; }
          tr { padding: 10px 14px; }
          th[scope=row] { display: block; border: 0; padding: 0 0 4px; font-size: 17px; text-align: left; }
          .segments th[scope=row]::before { content: "Segment "; }
          td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 3px 0; text-align: right; }
          td::before { content: attr(data-label); color: var(--quiet); font-size: 13px; flex: none; text-align: left; }
          td[data-label=State] { display: block; text-align: left; padding-bottom: 6px; }
          td[data-label=State]::before { content: none; }
          section tr { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 10px 0; margin: 0; }
          section tr:first-child { border-top: 0; }
          td .spark { width: 100px; }
          td.rate { align-items: center; }
          td.rate::before { margin-right: auto; }
          .owners { text-align: right; }
        }
        @media (prefers-reduced-motion: no-preference) { button { transition: border-color .1s, color .1s; } }

        """

    /// Brings the parts marked `data-live` up to date every few seconds, and asks before something is given up for good.
    static let script = """
        "use strict";
        (() => {
          const stale = document.getElementById("stale");
          const freshness = document.getElementById("freshness");
          let refreshed = 0;
          let last = new Date();

          async function refresh() {
            if (document.hidden) return;
            try {
              const response = await fetch(location.pathname);
              if (!response.ok) throw new Error(response.statusText);
              const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
              for (const part of document.querySelectorAll("[data-live]")) {
                const next = fresh.getElementById(part.id);
                // Whoever is about to press a button must not have it taken away.
                if (!next || part.contains(document.activeElement)) continue;
                if (next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
              }
              refreshed += 1;
              document.documentElement.dataset.refreshed = refreshed;
              freshness.className = "";
              delete document.documentElement.dataset.stale;
              stale.hidden = true;
              last = new Date();
              freshness.textContent = "Updated " + last.toLocaleTimeString();
            } catch {
              freshness.className = "stale";
              freshness.textContent = "No answer since " + last.toLocaleTimeString() + ": the figures are old";
              // What was right then may be wrong now: nothing may look well any more.
              document.documentElement.dataset.stale = "";
              stale.textContent = "This process has not answered since " + last.toLocaleTimeString()
                + ". What is shown here is from then.";
              stale.hidden = false;
            }
          }

          document.addEventListener("click", (event) => {
            const button = event.target.closest("[data-confirm]");
            if (button && !confirm(button.dataset.confirm)) event.preventDefault();
          });
          document.addEventListener("visibilitychange", refresh);
          setInterval(refresh, 5000);
        })();

        """
}
