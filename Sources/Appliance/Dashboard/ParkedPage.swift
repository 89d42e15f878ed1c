import EventSourcing
import FoundationEssentials
import KafkaBridge

/// The page at `/parked`: what could not be delivered, why, and what to do.
enum ParkedPage {
    static func path(consumer: String? = nil, source: String?) -> String {
        let words = [("source", source), ("consumer", consumer)].compactMap { name, value in
            value.map { "\(name)=\(PercentCoding.encode($0))" }
        }
        return "/parked" + (words.isEmpty ? "" : "?" + words.joined(separator: "&"))
    }

    static func html(
        _ search: Result<ParkedSearch, Failure>, _ found: Result<FoundParked, Failure>?, query: [String: String],
        sources: [String], _ context: PageContext
    ) -> HTML {
        PageFrame.page(
            "Parked", context,
            """
            <header><h1>Parked events</h1>
            <p class="quiet">Events that Kafka cannot take as they are, and events that wait behind them. Nothing of them is lost.</p></header>
            \(body(search, found, query, sources, context))
            """)
    }

    private static func body(
        _ search: Result<ParkedSearch, Failure>, _ found: Result<FoundParked, Failure>?, _ query: [String: String],
        _ sources: [String], _ context: PageContext
    ) -> HTML {
        switch (search, found) {
        case (.failure(let failure), _), (_, .failure(let failure)?):
            return "\(filter(query, [], sources))<p class=\"failed\" role=\"alert\">\(failure.message)</p>"
        case (_, nil): return .empty
        case (.success(let search), .success(let found)?):
            return "\(filter(query, found.counts, sources))\(list(search, found, context))"
        }
    }

    private static func filter(_ query: [String: String], _ counts: [DeadLetters.Count], _ sources: [String]) -> HTML {
        func options(_ values: [(String, String)], _ chosen: String?) -> [HTML] {
            values.map {
                "<option value=\"\($0.0)\"\($0.0 == chosen ?? "" ? " selected" : HTML.empty)>\($0.1)</option>"
            }
        }
        var consumers =
            [("", "All consumers")] + counts.map { ($0.consumer, "\($0.consumer) (\(CountText.format($0.open)))") }
        if let chosen = query["consumer"], !chosen.isEmpty, !consumers.contains(where: { $0.0 == chosen }) {
            consumers.append((chosen, "\(chosen) (0)"))
        }
        let states = [("", "Any state")] + DeadLetter.State.allCases.filter(\.isOpen).map { ($0.rawValue, $0.rawValue) }
        let source: HTML =
            sources.isEmpty
            ? HTML.empty
            : "<p class=\"field\"><label for=\"source\">Source</label><select id=\"source\" name=\"source\">\(options(sources.map { ($0, $0) }, query["source"]))</select></p>"
        return """
            <form class="filter card" method="get" action="/parked">
            \(source)
            <p class="field"><label for="consumer">Consumer</label><select id="consumer" name="consumer">\(options(consumers, query["consumer"]))</select></p>
            <p class="field"><label for="state">State</label><select id="state" name="state">\(options(states, query["state"]))</select></p>
            <p class="field"><label for="aggregate">Aggregate id</label>
            <input id="aggregate" name="aggregate" value="\(query["aggregate"] ?? "")" autocomplete="off" data-key="/"></p>
            <p class="check"><label><input type="checkbox" name="all" value="true"\(query["all"] == "true" ? " checked" : HTML.empty)> \
            with those that wait behind</label></p>
            <p class="buttons"><button type="submit">Filter</button></p></form>
            """
    }

    private static func list(_ search: ParkedSearch, _ found: FoundParked, _ context: PageContext) -> HTML {
        let of = search.source.map { " of the source \($0)" } ?? ""
        if found.entries.isEmpty {
            var others = search
            others.source = nil
            let isNarrowed = !others.query(after: nil).isEmpty
            return """
                <p class="empty">Nothing\(of) is parked\(isNarrowed ? " that matches" : ""), and no segment halts at \
                \(isNarrowed ? "such " : "")an event.\(search.source == nil ? "" : " Other sources are not shown: choose one above.")</p>
                """
        }
        let next: HTML =
            found.next.map { "<p class=\"pages\"><a href=\"/parked\(search.query(after: $0))\">Next page</a></p>" }
            ?? .empty
        let total = found.counts.filter { search.consumer == nil || $0.consumer == search.consumer }
        let (open, causes) = (total.reduce(0) { $0 + $1.open }, total.reduce(0) { $0 + $1.causes })
        return """
            <p>\(CountText.format(open)) \(open == 1 ? "event waits" : "events wait")\(of): \(CountText.format(causes)) could not be \
            delivered, the others wait behind them.</p>
            \(bulk(search, context))
            <ol class="letters card">\(found.entries.map { entry($0, search, context) })</ol>\(next)
            """
    }

    // MARK: Several

    private static func bulk(_ search: ParkedSearch, _ context: PageContext) -> HTML {
        guard context.canChange else {
            return PageForm.whyNot(context, ["godwit parked redrive", "godwit parked discard"])
        }
        let source: HTML =
            search.source.map { "<input type=\"hidden\" form=\"\(PageForm.id)\" name=\"source\" value=\"\($0)\">" }
            ?? .empty
        let all: HTML =
            search.consumer.map { consumer -> HTML in
                let what = search.aggregate.map { "of \($0) " } ?? ""
                return """
                    <input type="hidden" form="\(PageForm.id)" name="consumer" value="\(consumer)">\
                    \(search.aggregate.map { "<input type=\"hidden\" form=\"\(PageForm.id)\" name=\"aggregate\" value=\"\($0)\">" } ?? HTML.empty)\
                    \(PageForm.button(
                        "Redrive all \(what)", "/api/parked/redrive", confirm: "Redrive everything \(what)that is parked by \(consumer)?",
                        name: "every", value: "true"))
                    """
            } ?? .empty
        return """
            <p class="buttons bulk">\(source)<button type="button" class="link" data-check="event">Select all shown</button>\
            \(PageForm.button("Redrive selected", "/api/parked/redrive", kind: "main"))\
            \(PageForm.button("Park selected", "/api/parked/park", label: "Park the selected events that segments halt at"))\
            \(PageForm.button(
                "Discard selected", "/api/parked/discard", kind: "danger",
                confirm: "Discard the selected events? They will not be delivered."))\(all)</p>
            """
    }

    private static func entry(_ entry: DeadLetters.Entry, _ search: ParkedSearch, _ context: PageContext) -> HTML {
        let letter = entry.letter
        let box: HTML =
            context.canChange
            ? """
            <input type="checkbox" form="\(PageForm.id)" name="event" value="\(letter.position):\(letter.consumer)" \
            aria-label="Select the event at position \(letter.position) of \(letter.consumer)">
            """ : HTML.empty
        let others = entry.waiting - 1
        let behind: HTML =
            letter.isCause && others > 0
            ? "<p class=\"quiet\">\(others >= 999 ? "999 or more" : CountText.format(others)) \(others == 1 ? "event" : "events") of its aggregate \(others == 1 ? "waits" : "wait") behind it.</p>"
            : HTML.empty
        return
            "<li class=\"choice\">\(box)<div>\(about(letter, source: search.source, withConsumer: true))\(behind)\(decision(letter, context))</div></li>"
    }

    // MARK: One

    /// On a consumer's page.
    static func letter(_ letter: DeadLetter, source: String?, _ context: PageContext) -> HTML {
        "<li>\(about(letter, source: source, withConsumer: false))\(decision(letter, context))</li>"
    }

    private static func about(_ letter: DeadLetter, source: String?, withConsumer: Bool) -> HTML {
        let consumer: HTML =
            withConsumer ? "<a href=\"\(PageFrame.path(of: letter.consumer))\">\(letter.consumer)</a>, " : HTML.empty
        let aggregate = letter.aggregate
        return """
            <p class="title"><strong>\(letter.eventType)</strong> <span class="badge \
            \(letter.isCause ? "bad" : "note")">\(letter.isCause ? letter.state.rawValue : "waits behind another")</span></p>
            <p>\(aggregate.boundedContext) / \(aggregate.aggregateType) / \
            <span class="id">\(aggregate.aggregateID)</span>, version \(letter.aggregateVersion)</p>
            <p class="quiet">\(consumer)<a href="\(EventPage.path(letter.position, source: source))">position \
            \(CountText.format(letter.position))</a>, segment \(letter.segment), since \(TimeWords.html(letter.firstAt))\
            \(letter.isCause ? ", \(CountText.format(letter.attempts)) \(letter.attempts == 1 ? "attempt" : "attempts")" : "")</p>
            """
    }

    /// Why, what to do, when it is tried again, and the buttons.
    ///
    /// - Parameter saysWhy: whether the reason is not said elsewhere already.
    static func decision(_ letter: DeadLetter, _ context: PageContext, saysWhy: Bool = true) -> HTML {
        let api = "/api/consumers/\(PercentCoding.encode(letter.consumer))/parked/\(letter.position)"
        let buttons: HTML =
            context.canChange
            ? """
            <p class="buttons">\(PageForm.button(
                "Redrive", api + "/redrive", label: "Redrive the event at position \(letter.position) and those after it"))\
            \(PageForm.button(
                "Discard", api + "/discard", kind: "danger", label: "Discard the event at position \(letter.position)",
                confirm: "Discard the event at position \(letter.position)? It will not be delivered."))</p>
            """ : HTML.empty
        return """
            \(letter.isCause && saysWhy ? "<p class=\"error\">\(PageFrame.withCode(letter.error))</p>" : HTML.empty)\
            <p><strong>What to do</strong> \(PageFrame.withCode(ParkedRemedy.text(letter)))</p>\
            <p class="quiet">Next attempt: \(ParkedRemedy.nextRetry(letter, interval: nil)).</p>\(buttons)
            """
    }
}
