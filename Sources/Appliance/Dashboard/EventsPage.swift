import EventSourcing
import FoundationEssentials

/// The page at `/events`: a search, and what it found, the newest first.
enum EventsPage {
    static func html(
        _ search: Result<EventSearch, Failure>, _ found: Result<FoundEvents, Failure>?, query: [String: String],
        sources: [String], _ context: PageContext
    ) -> HTML {
        PageFrame.page(
            "Events", context,
            """
            <header><h1>Events</h1></header>
            \(form(query, sources))
            <div id="found"\(isLive(search) ? " data-live" : HTML.empty)>\(body(search, found))</div>
            """)
    }

    /// The newest events follow what happens; what was searched for stays.
    private static func isLive(_ search: Result<EventSearch, Failure>) -> Bool {
        guard case .success(let search) = search else { return false }
        return !search.isNarrowed && search.before == nil
    }

    private static func form(_ query: [String: String], _ sources: [String]) -> HTML {
        let choices = sources.map { name -> HTML in
            "<option value=\"\(name)\"\(query["source"] == name ? " selected" : HTML.empty)>\(name)</option>"
        }
        let source: HTML =
            sources.isEmpty
            ? HTML.empty
            : """
            <p class="field"><label for="source">Source</label><select id="source" name="source">\(choices)</select></p>
            """
        return """
            <form class="search card" method="get" action="/events" role="search">
            \(source)
            \(field("id", "Position or event id", query, "data-key=\"/\""))
            \(field("aggregate", "Aggregate id", query))
            \(field("type", "Event type", query))
            \(field("context", "Bounded context", query))
            \(field("since", "Since, in UTC", query, "placeholder=\"2h, 2026-11-22 10:00\""))
            \(field("until", "Until, in UTC", query, "placeholder=\"30m, today\""))
            <p class="buttons"><button type="submit" class="main">Search</button> <a href="/events">Newest</a></p>
            </form>
            """
    }

    private static func field(_ name: String, _ label: String, _ query: [String: String], _ more: HTML = .empty) -> HTML
    {
        """
        <p class="field"><label for="\(name)">\(label)</label>
        <input id="\(name)" name="\(name)" value="\(query[name] ?? "")" autocomplete="off" spellcheck="false" \(more)></p>
        """
    }

    private static func body(_ search: Result<EventSearch, Failure>, _ found: Result<FoundEvents, Failure>?) -> HTML {
        switch (search, found) {
        case (.failure(let failure), _), (_, .failure(let failure)?):
            return "<p class=\"failed\" role=\"alert\">\(failure.message)</p>"
        case (_, nil): return .empty
        case (.success(let search), .success(let found)?): return list(search, found)
        }
    }

    private static func list(_ search: EventSearch, _ found: FoundEvents) -> HTML {
        let ended: HTML =
            found.searchedFrom.map { from in
                """
                <p class="quiet">The search ended after 3 seconds at position \(CountText.format(from)): \
                <a href="/events\(search.query(before: from))">search on from there</a>.</p>
                """
            } ?? .empty
        if found.events.isEmpty {
            let latest = CountText.format(found.latest)
            let nothing: HTML =
                found.latest == 0
                ? "<p class=\"quiet\">There are no events yet.</p>"
                : found.searchedFrom == nil
                    ? "<p class=\"quiet\">No event was found. The last position is \(latest).</p>"
                    : "<p class=\"quiet\">No event was found so far.</p>"
            return "\(nothing)\(ended)"
        }
        let more: HTML =
            found.searchedFrom == nil
            ? found.before.map {
                "<p class=\"pages\"><a href=\"/events\(search.query(before: $0))\">Older events</a></p>"
            } ?? .empty
            : .empty
        return """
            <table class="events"><caption class="hidden">Events, the newest first</caption><thead><tr><th scope="col">Position</th>\
            <th scope="col">Event</th><th scope="col">Aggregate</th><th scope="col" class="number">Version</th>\
            <th scope="col">Time (UTC)</th></tr></thead><tbody>
            \(found.events.map { row($0, search, found.settled) })</tbody></table>\(ended)\(more)
            """
    }

    private static func row(_ event: EventRow, _ search: EventSearch, _ settled: Int64?) -> HTML {
        let isOpen = settled.map { event.position > $0 } ?? false
        let aggregate = event.aggregate
        var own = search
        (own.position, own.eventID, own.before) = (nil, nil, nil)
        (own.aggregate, own.contexts, own.eventTypes, own.since, own.until) = (aggregate.aggregateID, [], [], nil, nil)
        return """
            <tr><th scope="row" class="number"><a href="\(EventPage.path(event.position, source: search.source))">\
            \(CountText.format(event.position))</a></th>\
            <td data-label="Event"><strong>\(event.type)</strong>\(isOpen ? " <span class=\"badge note\">not settled</span>" : HTML.empty)\
            <small class="id">\(event.id)</small></td>\
            <td data-label="Aggregate"><a href="/events\(own.query(before: nil))" class="id">\(aggregate.aggregateID)</a>\
            <small>\(aggregate.boundedContext.isEmpty ? "" : "\(aggregate.boundedContext) / ")\(aggregate.aggregateType)</small></td>\
            <td data-label="Version" class="number">\(event.version.map { CountText.format($0) } ?? "–")</td>\
            <td data-label="Time (UTC)">\(event.createdAt.map { TimeWords.html($0) } ?? "–")</td></tr>

            """
    }
}
