/// What the pages need beside themselves.
enum DashboardAssets {
    /// Brings the parts marked `data-live` up to date every few seconds, asks before something is given up for good, and has `/` lead to
    /// the page's search.
    static let script = #"""
        "use strict";
        (() => {
          const stale = document.getElementById("stale");
          const freshness = document.getElementById("freshness");
          let refreshed = 0;
          let last = new Date();
          let isAsking = false;

          async function refresh() {
            const parts = document.querySelectorAll("[data-live]");
            if (isAsking || document.hidden || !parts.length) return;
            isAsking = true;
            try {
              const response = await fetch(location.pathname + location.search, { signal: AbortSignal.timeout(10000) });
              // Who has to sign in again is led there, instead of looking at old figures.
              if (response.redirected && new URL(response.url).pathname === "/signin") return location.reload();
              if (!response.ok) throw new Error(response.statusText);
              const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
              for (const part of parts) {
                const next = fresh.getElementById(part.id);
                // Whoever is about to press a button must not have it taken away.
                if (!next || part.contains(document.activeElement)) continue;
                const open = [...part.querySelectorAll("details")].map((details) => details.open);
                if (next.innerHTML !== part.innerHTML) {
                  part.innerHTML = next.innerHTML;
                  part.querySelectorAll("details").forEach((details, index) => { if (index in open) details.open = open[index]; });
                }
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
            } finally {
              isAsking = false;
            }
          }

          document.addEventListener("click", (event) => {
            const button = event.target.closest("[data-confirm]");
            if (button && !confirm(button.dataset.confirm)) event.preventDefault();
            const all = event.target.closest("[data-check]");
            if (all) {
              const boxes = [...document.querySelectorAll("input[type=checkbox][name=" + all.dataset.check + "]")];
              const isOn = boxes.some((box) => !box.checked);
              for (const box of boxes) box.checked = isOn;
            }
          });
          document.addEventListener("keydown", (event) => {
            const isWriting = event.target.closest("input, select, textarea");
            const field = document.querySelector("[data-key=\"" + CSS.escape(event.key) + "\"]");
            if (!field || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            field.focus();
          });
          if (freshness) {
            document.addEventListener("visibilitychange", refresh);
            setInterval(refresh, 5000);
          }
        })();

        """#
}

/// Godwit's mark: a wader with a long bill, drawn with one path and a leg.
enum Mark {
    static let svg: HTML = """
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">\
        <rect width="32" height="32" rx="8" class="ground"/>\
        <path class="bird" d="M3.5 9.2 14.6 10.9C15 8.6 17 7 19.1 7.4c2 .4 3.2 2.2 2.9 4.2l-.5 2.6c3.3 1.1 5.7 3.5 \
        7 7-3.8 1.2-9.7 1.4-13.4-.3-2.7-1.3-3-4.1-1.3-6.2.7-.9 1.2-1.7 1.3-2.5L3.5 9.2Z"/>\
        <path class="leg" d="M18.5 22v5.5M22 21.8v5.7"/></svg>
        """

    /// The same as a file, with colours of its own.
    static let file = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">\
        <rect width="32" height="32" rx="8" fill="#0b5cad"/>\
        <path fill="#fff" d="M3.5 9.2 14.6 10.9C15 8.6 17 7 19.1 7.4c2 .4 3.2 2.2 2.9 4.2l-.5 2.6c3.3 1.1 5.7 3.5 \
        7 7-3.8 1.2-9.7 1.4-13.4-.3-2.7-1.3-3-4.1-1.3-6.2.7-.9 1.2-1.7 1.3-2.5L3.5 9.2Z"/>\
        <path fill="none" stroke="#fff" stroke-width="1.4" d="M18.5 22v5.5M22 21.8v5.7"/></svg>

        """
}
