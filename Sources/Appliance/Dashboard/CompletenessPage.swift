import Consumers
import KafkaBridge

/// The page at `/completeness`: what audits found of what was committed. "Nothing found" and "nothing looked at" read differently.
enum CompletenessPage {
    static func html(_ model: DashboardModel, _ context: PageContext) -> HTML {
        PageFrame.page(
            "Completeness", context,
            """
            <div id="completeness" data-live><header><h1>Account of completeness</h1>
            <p class="quiet">Whether each committed event is in its topic, as audits have compared it (<code>audit.interval</code>). \
            <code>godwit verify</code> compares a range at once.</p></header>
            \(body(model.reports.filter(\.isConfigured)))</div>
            """)
    }

    private static func body(_ reports: [ConsumerReport]) -> HTML {
        if reports.isEmpty { return "<p class=\"empty\">No consumer is configured.</p>" }
        let audited = reports.filter { $0.audit != nil }.sorted {
            $0.audit?.needsAttention ?? false && !($1.audit?.needsAttention ?? false)
        }
        let others = reports.filter { $0.audit == nil && $0.isSeen }
        let unseen = reports.filter { $0.audit == nil && !$0.isSeen }
        let unknown: HTML =
            unseen.isEmpty
            ? HTML.empty
            : "<section><h2>Not known</h2><p>The database was not seen yet: whether audits have run is not known of \(names(unseen)).</p></section>"
        let none: HTML =
            others.isEmpty
            ? HTML.empty
            : """
            <section><h2>Not looked at</h2><p>Nothing is known of the completeness of \(others.count) \
            \(others.count == 1 ? "consumer" : "consumers"), since no audit has run: \
            \(names(others)).</p></section>
            """
        let table: HTML =
            audited.isEmpty
            ? HTML.empty
            : """
            <table class="audits"><caption class="hidden">Audits</caption><thead><tr><th scope="col">Consumer</th><th scope="col">Found</th>\
            <th scope="col" class="number">Committed</th><th scope="col" class="number">Delivered</th>\
            <th scope="col" class="number">Missing</th><th scope="col" class="number">Looked for</th><th scope="col" class="number">Set aside</th>\
            <th scope="col" class="number">Not to be known</th><th scope="col" class="number">Doubled</th>\
            <th scope="col" class="number">Out of order</th></tr></thead><tbody>\(audited.map(row))</tbody></table>
            <p class="quiet">Looked for: not found yet, and asked for again, since they may be under way or held up. Set aside: parked, discarded, dead-lettered, or before the consumer's beginning or scope. Not to be known: \
            records of their time are deleted, or nothing shows whether they were there.</p>
            """
        return "\(table)\(none)\(unknown)"
    }

    private static func names(_ reports: [ConsumerReport]) -> String {
        reports.prefix(20).map(\.consumer.name).joined(separator: ", ")
            + (reports.count > 20 ? " and \(reports.count - 20) more" : "")
    }

    private static func row(_ report: ConsumerReport) -> HTML {
        guard let audit = report.audit else { return .empty }
        let counts = audit.counts
        let suspects = Int64(audit.suspects.count)
        func number(_ label: String, _ value: Int64, isBad: Bool = false) -> HTML {
            "<td data-label=\"\(label)\" class=\"number\(isBad && value > 0 ? " bad" : "")\">\(CountText.format(value))</td>"
        }
        return """
            <tr><th scope="row"><a href="\(PageFrame.path(of: audit.consumer))">\(audit.consumer)</a>\
            <small>positions \(CountText.format(audit.beganAfter + 1)) to \(CountText.format(audit.position)), \
            \(AgeText.format(audit.age)) ago</small></th>\
            <td data-label="Found">\(badge(audit))</td>\(number("Committed", counts.committed))\(number("Delivered", counts.delivered))\
            \(number("Missing", counts.missing, isBad: true))\(number("Looked for", suspects))\
            \(number("Set aside", counts.parked + counts.discarded + counts.deadLettered + counts.passedOver))\
            \(number("Not to be known", counts.unknowable + counts.unproven))\(number("Doubled", counts.doubled))\
            \(number("Out of order", counts.disordered + counts.misplaced, isBad: true))</tr>

            """
    }

    /// What was found, in a word.
    static func badge(_ audit: AuditRecord) -> HTML {
        let counts = audit.counts
        return if audit.hasFindings {
            "<span class=\"badge bad\">loss found</span>"
        } else if audit.needsAttention || counts.unproven > 0 {
            "<span class=\"badge note\">to be looked at</span>"
        } else if !audit.suspects.isEmpty {
            "<span class=\"badge note\">not all seen yet</span>"
        } else if counts.unknowable > 0 {
            "<span class=\"badge note\">some cannot be known</span>"
        } else if counts.committed == 0 {
            "<span class=\"badge\">no event yet</span>"
        } else {
            "<span class=\"badge good\">complete</span>"
        }
    }

    static func json(_ reports: [ConsumerReport]) -> JSONValue {
        .array(
            reports.filter(\.isConfigured).map {
                [
                    "consumer": .string($0.consumer.name), "audit": $0.audit?.json ?? .null,
                    "known": .boolean($0.isSeen),
                ]
            })
    }
}
