import EventSourcing
import FoundationEssentials
import Kafka
import KafkaBridge

/// The page of one event: what it holds, and what became of it.
enum EventPage {
    static func path(_ position: Int64, source: String?) -> String {
        "/events/\(position)" + (source.map { "?source=\(PercentCoding.encode($0))" } ?? "")
    }

    static func html(_ inspection: EventInspection, source: String?, _ context: PageContext) -> HTML {
        let event = inspection.event
        var search = "/events?aggregate=\(PercentCoding.encode(event.aggregate.aggregateID))"
        if let source { search += "&source=\(PercentCoding.encode(source))" }
        let aggregate: HTML = """
            \(event.aggregate.boundedContext.isEmpty ? "" : "\(event.aggregate.boundedContext) / ")\(event.aggregate.aggregateType) / \
            <a class="id" href="\(search)">\(event.aggregate.aggregateID)</a>
            """
        var facts: [(String, HTML)] = [
            ("Aggregate", aggregate), ("Version", "\(event.version.map { CountText.format($0) } ?? "none")"),
            ("Time (UTC)", event.createdAt.map { TimeWords.html($0) } ?? "none"),
            ("Event id", "<span class=\"id\">\(event.id)</span>"), ("Event type's version", "\(event.typeVersion)"),
        ]
        let ids = [
            ("Trace", inspection.trace), ("Correlation", inspection.correlation), ("Causation", inspection.causation),
        ]
        for (name, id) in ids { if let id { facts.append((name, "<span class=\"id\">\(id)</span>")) } }
        let notes = inspection.notes.map { "<li class=\"note\">\($0)</li>" as HTML }
        return PageFrame.page(
            "Event \(event.position)", context,
            """
            <p class="steps">\(step(event.position - 1, "Position before", source))\(step(event.position.addingReportingOverflow(1).partialValue, "Position after", source))</p>
            <header><h1>\(event.type) <small>at position \(CountText.format(event.position))</small></h1>\(PageFrame.facts(facts))</header>
            \(notes.isEmpty ? HTML.empty : "<ul class=\"why\">\(notes)</ul>")
            <div class="halves">
            \(PageFrame.section("payload", "Payload", inspection.payloadView(isHidden: context.hidesPayloads).html))
            \(PageFrame.section("metadata", "Metadata", inspection.metadataView(isHidden: context.hidesPayloads).html))
            </div>
            <div id="accounts">\(accounts(inspection, context))</div>
            """)
    }

    private static func step(_ position: Int64, _ title: String, _ source: String?) -> HTML {
        position < 1 ? HTML.empty : "<a href=\"\(path(position, source: source))\">\(title)</a> "
    }

    // MARK: What became of it

    private static func accounts(_ inspection: EventInspection, _ context: PageContext) -> HTML {
        let (taken, left) = (
            inspection.accounts.filter { $0.fate.kind != .notTaken },
            inspection.accounts.filter { $0.fate.kind == .notTaken }
        )
        let others: HTML =
            left.isEmpty
            ? HTML.empty
            : """
            <section><details><summary>\(left.count) \(left.count == 1 ? "consumer does" : "consumers do") not take it</summary>
            <ul class="why">\(left.map { "<li><a href=\"\(PageFrame.path(of: $0.consumer))\">\($0.consumer)</a>: \(PageFrame.withCode($0.fate.text))</li>" as HTML })</ul>
            </details></section>
            """
        let nobody: HTML =
            taken.isEmpty ? "<p class=\"quiet\">No consumer of this process takes this event.</p>" : HTML.empty
        return "\(taken.map { account($0, inspection.payload, context) })\(nobody)\(others)"
    }

    private static func account(
        _ account: EventInspection.Account, _ payload: [UInt8], _ context: PageContext
    ) -> HTML {
        let record: HTML =
            account.preview.record.map { record in
                """
                <details><summary>The record, as it \(
                    account.fate.kind == .delivered ? "is" : "would be") published</summary>\(RecordTable.html(record, payload: payload, isHidden: context.hidesPayloads))</details>
                """
            } ?? .empty
        let letter =
            account.letter.flatMap { $0.state.isOpen ? ParkedPage.decision($0, context, saysWhy: false) : nil }
            ?? HTML.empty
        return """
            <section class="account"><h2><a href="\(PageFrame.path(of: account.consumer))">\(account.consumer)</a> \
            <span class="badge \(account.fate.tone)">\(account.fate.title)</span></h2>
            <p>\(PageFrame.withCode(account.fate.text))</p>\(letter)\(record)</section>
            """
    }
}

/// A record as it is published.
enum RecordTable {
    /// - Parameter payload: of the event, which is not shown a second time.
    static func html(_ record: RecordPreview, payload: [UInt8], isHidden: Bool) -> HTML {
        let partition: HTML =
            switch record.partition {
            case .number(let number): "\(number)"
            case .unknown(let reason): "<span class=\"quiet\">not known: \(reason)</span>"
            }
        let size = "\(CountText.format(record.size)) bytes" + (record.limit.map { " of \(CountText.format($0))" } ?? "")
        let facts = PageFrame.facts([
            (
                "Topic",
                "<code>\(record.topic)</code>\(record.isTopicAbsent ? " <span class=\"badge note\">to be made</span>" : HTML.empty)"
            ),
            ("Partition", partition),
            ("Key", record.key.map { text($0, isHidden: isHidden) } ?? "<span class=\"quiet\">none</span>"),
            ("Size", "\(size)"), ("Time", record.timeText.map { "\(TimeWords.short($0))" } ?? "of its sending"),
        ])
        let headers = record.headers.map { header -> HTML in
            "<tr><th scope=\"row\">\(header.name)</th><td data-label=\"Value\">\(text(header.value, isHidden: isHidden))</td></tr>"
        }
        let value: HTML =
            record.omittedBytes.map { BytesView(withheld: $0, isHidden: isHidden).html }
            ?? record.value.map { value -> HTML in
                value == payload && !payload.isEmpty
                    ? "<p class=\"quiet\">The payload, byte for byte.</p>" : BytesView(value, isHidden: isHidden).html
            } ?? "<p class=\"quiet\">No value: a tombstone.</p>"
        let table: HTML =
            headers.isEmpty
            ? "<p class=\"quiet\">None.</p>"
            : """
            <table class="plain settings"><thead class="hidden"><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>\
            <tbody>\(headers)</tbody></table>
            """
        return "\(facts)<h3>Headers</h3>\(table)<h3>Value</h3>\(value)"
    }

    private static func text(_ bytes: [UInt8], isHidden: Bool) -> HTML {
        if isHidden { return "<span class=\"quiet\">hidden</span>" }
        let text = String(validating: bytes.prefix(2_000), as: UTF8.self) ?? BytesView(bytes).text
        return "<code>\(text)</code>"
    }
}
