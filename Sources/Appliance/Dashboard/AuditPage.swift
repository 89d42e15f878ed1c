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
            let of: HTML =
                search.source.map {
                    "<p class=\"quiet\">Of the source \($0); others are not shown: choose one above.</p>"
                }
                ?? .empty
            let more = more(search, trail)
            if trail.entries.isEmpty {
                let end =
                    trail.lookedFrom == nil ? " as far as the audit goes back" : " among those that were looked at"
                return
                    "\(of)<p class=\"empty\">Nothing was changed\(search.text.isEmpty ? "" : " that matches")\(end).</p>\(more)"
            }
            let rows = trail.entries.map { entry -> HTML in
                """
                <tr><th scope="row">\(TimeWords.html(entry.time))</th><td data-label="What"><span class="badge">\(entry.entry.action)</span></td>\
                <td data-label="Of">\(subject(entry.entry.subject))</td><td data-label="Who" class="id">\(entry.entry.actor)</td>\
                <td data-label="Details" class="id">\(entry.entry.details.isEmpty ? "–" : entry.entry.details)</td></tr>

                """
            }
            return """
                \(of)<table class="audit"><caption class="hidden">Audit, the newest first</caption><thead><tr><th scope="col">Time (UTC)</th>\
                <th scope="col">What</th><th scope="col">Of</th><th scope="col">Who</th><th scope="col">Details</th></tr></thead>\
                <tbody>\(rows)</tbody></table>\(more)
                """
        }
    }

    private static func more(_ search: AuditTrail.Search, _ trail: AuditTrail) -> HTML {
        guard let before = trail.before else { return .empty }
        let end: HTML =
            trail.lookedFrom == nil
            ? HTML.empty
            : """
            <p>So far the \(CountText.format(AuditTrail.mostLookedAt)) entries before \
            \(search.before == .max ? "now" : "the entry \(search.before)") were looked at; there are older ones.</p>
            """
        let title = trail.lookedFrom == nil ? "Earlier entries" : "Look further back"
        return "\(end)<p class=\"pages\"><a href=\"/audit\(search.query(before: before))\">\(title)</a></p>"
    }

    private static func subject(_ subject: String) -> HTML {
        guard subject.hasPrefix("consumer ") else { return "\(subject)" }
        let name = String(subject.dropFirst(9))
        return "consumer <a href=\"\(PageFrame.path(of: name))\">\(name)</a>"
    }
}
