/// What all pages have around them.
enum PageFrame {
    static func page(_ title: String, _ context: PageContext, _ body: HTML) -> HTML {
        document(
            title,
            """
            <header class="bar"><div class="inside">
            <a class="brand" href="/">\(Mark.svg)<span>Godwit</span></a>
            \(navigation(context))
            \(user(context))
            </div></header>
            <main id="main">
            \(PageForm.form(context))
            <p id="stale" role="alert" hidden></p>
            \(note(context))
            \(body)
            </main>
            <footer><span id="freshness" role="status">Updated when loaded</span></footer>
            """)
    }

    /// A page without navigation, for callers that have not signed in.
    static func plain(_ title: String, _ body: HTML, refresh: String? = nil) -> HTML {
        document(
            title,
            """
            <main id="main" class="narrow">
            <p class="brand">\(Mark.svg)<span>Godwit</span></p>
            \(body)
            </main>
            """, refresh: refresh)
    }

    private static func document(_ title: String, _ body: HTML, refresh: String? = nil) -> HTML {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        \(refresh.map { "<meta http-equiv=\"refresh\" content=\"0; url=\($0)\">" } ?? HTML.empty)
        <title>\(title == "Godwit" ? title : "\(title) · Godwit")</title>
        <link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/assets/style.css">
        <script src="/assets/script.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to the content</a>
        \(body)
        </body>
        </html>

        """
    }

    /// A short page that says one thing.
    static func message(_ title: String, _ text: String, back: String) -> HTML {
        plain(title, "<h1>\(title)</h1><p>\(text)</p><p><a href=\"\(back)\">Back</a></p>")
    }

    private static let places: [(AdminRoute, String)] = [
        (.overview, "Overview"), (.events, "Events"), (.parked, "Parked"), (.jobs, "Jobs"), (.processes, "Processes"),
        (.completeness, "Completeness"), (.audit, "Audit"),
    ]

    private static func navigation(_ context: PageContext) -> HTML {
        let current: AdminRoute =
            switch context.route {
            case .consumer: .overview
            case .event: .events
            default: context.route
            }
        let links = places.map { route, title -> HTML in
            "<a href=\"\(route.template)\"\(route == current ? " aria-current=\"page\"" : HTML.empty)>\(title)</a>"
        }
        return "<nav aria-label=\"Pages\">\(links)</nav>"
    }

    private static func user(_ context: PageContext) -> HTML {
        let caller = context.caller
        guard caller.canSignIn else { return .empty }
        guard caller.isSignedIn else { return "<div class=\"user\"><a href=\"/signin\">Sign in</a></div>" }
        let name = caller.name.isEmpty ? "" : "\(caller.name), "
        return """
            <form class="user" method="post" action="/signout">\(PageForm.hidden(context))\
            <span>\(name)\(caller.role.name)</span> <button type="submit" class="link">Sign out</button></form>
            """
    }

    private static func note(_ context: PageContext) -> HTML {
        guard let note = context.note else { return .empty }
        return "<p class=\"done\" role=\"status\">\(DoneNote.text(note))</p>"
    }

    static func path(of consumer: String) -> String { "/consumers/" + PercentCoding.encode(consumer) }

    /// The state in words, with a colour that only repeats them.
    static func badge(_ report: ConsumerReport) -> HTML {
        let kind = !report.isHealthy ? "bad" : report.issues.isEmpty ? "good" : "note"
        return "<span class=\"badge \(kind)\">\(report.state)</span>"
    }

    /// What stands between backticks as code.
    static func withCode(_ text: String) -> HTML {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        // An odd backtick opens nothing.
        guard parts.count % 2 == 1 else { return "\(text)" }
        var html = HTML.empty
        for (index, part) in parts.enumerated() {
            html += index.isMultiple(of: 2) ? "\(String(part))" : "<code>\(String(part))</code>"
        }
        return html
    }

    static func reasons(_ report: ConsumerReport) -> HTML {
        if report.issues.isEmpty { return .empty }
        let items = report.issues.map { issue -> HTML in
            """
            <li class="\(issue.kind.isUnhealthy ? "bad" : "note")">\(withCode(issue.text)) \
            <span class="code">\(issue.kind.code)</span></li>
            """
        }
        return "<ul class=\"why\">\(items)</ul>"
    }

    /// A table of names and values.
    static func facts(_ facts: [(String, HTML)]) -> HTML {
        "<dl class=\"facts\">\(facts.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" as HTML })</dl>"
    }

    static func section(_ id: String, _ title: HTML, _ body: HTML, isLive: Bool = false) -> HTML {
        """
        <section aria-labelledby="\(id)-title"><h2 id="\(id)-title">\(title)</h2>
        <div id="\(id)"\(isLive ? " data-live" : HTML.empty)>\(body)</div></section>
        """
    }
}

/// What a page says was done. Fixed texts, so that a link can put no words on a page.
enum DoneNote {
    static func text(_ note: String) -> String {
        switch note {
        case "pause": "Paused. What was handed over before is finished."
        case "resume": "Resumed."
        case "rate": "The rate holds from now on."
        case "redrive": "To be delivered again, in order; that takes moments."
        case "discard": "Discarded: it will not be delivered."
        case "park": "Parked: the segments go on without these aggregates."
        case "made", "again": "Queued: the first relay with a hand free runs it."
        case "exists":
            "There is a job of that name already, and it is the same one: nothing was queued. See below how it is doing."
        case "stop": "To be stopped, within a second or so."
        case "job-resume": "Queued: a relay goes on with it."
        case "cancel": "Cancelled for good."
        default: "Done."
        }
    }
}
