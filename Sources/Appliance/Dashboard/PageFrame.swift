/// What all pages have around them.
enum PageFrame {
    static func page(_ title: String, _ body: HTML) -> HTML {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title)</title>
        <link rel="stylesheet" href="/assets/style.css">
        <script src="/assets/script.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to the content</a>
        <main id="main">
        <p id="stale" role="alert" hidden></p>
        \(body)
        </main>
        <footer><span id="freshness" role="status">Updated when loaded</span></footer>
        </body>
        </html>

        """
    }

    /// A short page that says one thing.
    static func message(_ title: String, _ text: String, back: String) -> HTML {
        page(title + " · Godwit", "<h1>\(title)</h1><p>\(text)</p><p><a href=\"\(back)\">Back</a></p>")
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
}
