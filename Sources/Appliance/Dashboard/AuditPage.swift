import EventSourcing

/// The page at `/audit`: who changed what, and when.
enum AuditPage {
    static func html(
        _ search: Result<AuditTrail.Search, Failure>, _ trail: Result<AuditTrail, Failure>?, query: [String: String],
        sources: [String], _ context: PageContext
    ) -> HTML {
        let choices = sources.map { name -> HTML in
            "<option value=\"\(name)\"\(query["source"] == name ? " selected" : HTML.empty)>\(name)</option>"
        }
        let source: HTML =
            sources.isEmpty
            ? HTML.empty
            : "<p class=\"field\"><label for=\"source\">Source</label><select id=\"source\" name=\"source\">\(choices)</select></p>"
        return PageFrame.page(
            "Audit", context,
            """
            <header><h1>Audit</h1><p class="quiet">Who changed what of the running relays. Names are what callers gave; \
            the address, or the system's user, is what Godwit saw.</p></header>
            <form class="filter card" method="get" action="/audit" role="search">\(source)
            <p class="field"><label for="q">Who, what or whose</label>
            <input id="q" name="q" type="search" value="\(query["q"] ?? "")" autocomplete="off" data-key="/"></p>
            <p class="buttons"><button type="submit">Filter</button></p></form>
            \(body(search, trail))
            """)
    }

    private static func body(_ search: Result<AuditTrail.Search, Failure>, _ trail: Result<AuditTrail, Failure>?)
        -> HTML
    {
        switch (search, trail) {
        case (.failure(let failure), _), (_, .failure(let failure)?):
            return "<p class=\"failed\" role=\"alert\">\(failure.message)</p>"
        case (_, nil): return .empty
        case (.success(let search), .success(let trail)?):
            if trail.entries.isEmpty {
                return
                    "<p class=\"empty\">Nothing was changed\(search.text.isEmpty ? "" : " that matches") as far as the audit goes back.</p>"
            }
            let rows = trail.entries.map { entry -> HTML in
                """
                <tr><th scope="row">\(TimeWords.html(entry.time))</th><td data-label="What"><span class="badge">\(entry.entry.action)</span></td>\
                <td data-label="Of">\(subject(entry.entry.subject))</td><td data-label="Who" class="id">\(entry.entry.actor)</td>\
                <td data-label="Details" class="id">\(entry.entry.details.isEmpty ? "–" : entry.entry.details)</td></tr>

                """
            }
            let more: HTML =
                trail.before.map {
                    "<p class=\"pages\"><a href=\"/audit\(search.query(before: $0))\">Earlier entries</a></p>"
                } ?? .empty
            return """
                <table class="audit"><caption class="hidden">Audit, the newest first</caption><thead><tr><th scope="col">Time (UTC)</th>\
                <th scope="col">What</th><th scope="col">Of</th><th scope="col">Who</th><th scope="col">Details</th></tr></thead>\
                <tbody>\(rows)</tbody></table>\(more)
                """
        }
    }

    private static func subject(_ subject: String) -> HTML {
        guard subject.hasPrefix("consumer ") else { return "\(subject)" }
        let name = String(subject.dropFirst(9))
        return "consumer <a href=\"\(PageFrame.path(of: name))\">\(name)</a>"
    }
}
