import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge
import Logging

/// The page of one consumer.
///
/// All buttons belong to one form with one token field, so that everything works without the script too.
enum ConsumerPage {
    private static let form = "orders"

    static func html(
        _ report: ConsumerReport, _ details: ConsumerDetails, _ model: DashboardModel, note: String?
    ) -> HTML {
        let name = report.consumer.name
        return PageFrame.page(
            "\(name) · Godwit",
            """
            <nav><a href="/">All consumers</a></nav>
            <div id="standing" data-live>\(snapshot(report, model))</div>
            \(note.map { "<p class=\"done\" role=\"status\">\(done($0))</p>" } ?? HTML.empty)
            <section aria-labelledby="orders-title"><h2 id="orders-title">Orders</h2>\(orders(report, model))</section>
            <section aria-labelledby="parked-title"><h2 id="parked-title">Waiting for a decision</h2>
            <div id="parked" data-live>\(parked(details, report, model))</div></section>
            <section aria-labelledby="segments-title"><h2 id="segments-title">Segments</h2>
            <div id="segments" data-live>\(segments(report.consumer, model))</div></section>
            <section aria-labelledby="messages-title"><h2 id="messages-title">Recent warnings and errors here</h2>
            <div id="messages" data-live>\(messages(details.messages))</div></section>
            """)
    }

    private static func snapshot(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        let (lag, history) = (report.consumer.lag, model.rates[report.consumer.name])
        let control = report.consumer.order?.control
        return """
            <header><h1>\(report.consumer.name) \(PageFrame.badge(report))</h1>\(PageFrame.reasons(report))
            <dl class="facts">
            <div><dt>Lag</dt><dd>\(StatusReport.events(lag)) events</dd></div>
            <div><dt>Oldest waits</dt><dd>\(StatusReport.age(lag))</dd></div>
            <div><dt>Events/s here</dt><dd class="rate">\(Sparkline.html(history))</dd></div>
            <div><dt>Rate allowed</dt><dd>\(control?.rate.map { "\(RateText.format($0)) events/s" } ?? "any")</dd></div>
            <div><dt>Parked</dt><dd>\(CountText.format(report.deadLetters?.open ?? 0))</dd></div>
            \(report.audit.map { audit($0) } ?? HTML.empty)
            </dl></header>
            """
    }

    private static func audit(_ audit: AuditRecord) -> HTML {
        let counts = audit.counts
        let found =
            audit.hasFindings
            ? "\(CountText.format(counts.missing)) missing, \(CountText.format(counts.disordered)) out of order"
            : "none missing"
        let text = "to \(CountText.format(audit.position)), \(AgeText.format(audit.age)) ago: \(found)"
        return "<div><dt>Audited</dt><dd class=\"\(audit.needsAttention ? "bad" : "")\">\(text)</dd></div>"
    }

    // MARK: Orders

    private static func orders(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        guard model.canChange else {
            return """
                <p>Nothing can be changed here: no <code>admin.token_file</code> is configured. Use <code>godwit pause</code>, \
                <code>godwit resume</code>, <code>godwit rate</code> and <code>godwit parked</code>.</p>
                """
        }
        let api = "/api/consumers/\(PercentCoding.encode(report.consumer.name))"
        let isPaused = report.consumer.order?.control.isPaused ?? false
        let rate = report.consumer.order?.control.rate
        // The first button is what Enter presses; a disabled one has it press nothing.
        return """
            <form id="\(form)" method="post">
            <button type="submit" disabled hidden></button>
            <p class="field"><label for="actor">Your name, for the audit</label>
            <input id="actor" name="actor" maxlength="80" autocomplete="username"></p>
            <p class="field"><label for="token">Token</label>
            <input id="token" name="token" type="password" autocomplete="current-password" required></p>
            <p class="field"><label for="rate">Events per second, over all processes</label>
            <input id="rate" name="rate" inputmode="decimal" autocomplete="off" \
            value="\(rate.map { RateText.format($0) } ?? "")"></p>
            <p class="buttons">\(button("Set the rate", api + "/rate"))\
            \(rate == nil ? HTML.empty : button("Lift the bound", api + "/rate/off"))</p>
            <p class="buttons all">\(isPaused
                ? button("Resume", api + "/resume", kind: "main") : button("Pause", api + "/pause", kind: "main"))</p>
            </form>
            """
    }

    private static func button(
        _ title: String, _ action: String, kind: String = "", label: String? = nil, confirm: String? = nil
    ) -> HTML {
        let question: HTML = confirm.map { " data-confirm=\"\($0)\"" } ?? HTML.empty
        let name: HTML = label.map { " aria-label=\"\($0)\"" } ?? HTML.empty
        return """
            <button type="submit" form="\(form)" formaction="\(action)" class="\(kind)"\(name)\(question)>\(title)</button>
            """
    }

    /// Fixed texts, so that a link can put no words on the page.
    private static func done(_ note: String) -> String {
        switch note {
        case "pause": "Paused. What was handed over before is finished."
        case "resume": "Resumed."
        case "rate": "The rate is ordered."
        case "redrive": "To be delivered again, in order; that takes moments."
        case "discard": "Discarded: it will not be delivered."
        default: "Done."
        }
    }

    // MARK: Parked

    private static func parked(
        _ details: ConsumerDetails, _ report: ConsumerReport, _ model: DashboardModel
    ) -> HTML {
        guard let letters = details.deadLetters else { return "<p>The database does not tell at the moment.</p>" }
        if letters.isEmpty { return "<p class=\"quiet\">Nothing is parked, and no segment stands at an event.</p>" }
        let (open, shown) = (report.deadLetters?.open ?? 0, letters.count)
        let more: HTML =
            open > shown
            ? "<p>These are the first \(shown) of \(CountText.format(open)); <code>godwit parked list</code> shows all.</p>"
            : HTML.empty
        return "<ol class=\"letters\">\(letters.map { letter($0, canChange: model.canChange) })</ol>\(more)"
    }

    private static func letter(_ letter: DeadLetter, canChange: Bool) -> HTML {
        let api = "/api/consumers/\(PercentCoding.encode(letter.consumer))/parked/\(letter.position)"
        let attempts =
            !letter.isCause
            ? "" : ", \(CountText.format(letter.attempts)) \(letter.attempts == 1 ? "attempt" : "attempts")"
        let isAsked = letter.isRedriveRequested ? ", to be delivered again" : ""
        let buttons: HTML =
            canChange
            ? """
            <p class="buttons">\(button(
                "Redrive", api + "/redrive", label: "Redrive the event at position \(letter.position) and those after it"))\
            \(button(
                "Discard", api + "/discard", kind: "danger", label: "Discard the event at position \(letter.position)",
                confirm: "Discard the event at position \(letter.position)? It will not be delivered."))</p>
            """ : HTML.empty
        return """
            <li><p class="title"><strong>\(letter.eventType)</strong> <span class="badge \
            \(letter.isCause ? "bad" : "note")">\(letter.isCause ? letter.state.rawValue : "waits behind another")</span></p>
            <p>\(letter.aggregate.boundedContext) / \(letter.aggregate.aggregateType) / \
            <span class="id">\(letter.aggregate.aggregateID)</span>, version \(letter.aggregateVersion)</p>
            <p class="quiet">position \(CountText.format(letter.position)), segment \(letter.segment), event \
            <span class="id">\(letter.eventID.uuidString.lowercased())</span>\(attempts)\(isAsked)</p>
            \(letter.isCause ? "<p class=\"error\">\(letter.error)</p>" : HTML.empty)\(buttons)</li>
            """
    }

    // MARK: Segments and messages

    private static func segments(_ consumer: StoreStatus.Consumer, _ model: DashboardModel) -> HTML {
        if consumer.segments.isEmpty { return "<p>None yet: the consumer was never started.</p>" }
        let rows = consumer.segments.map { segment -> HTML in
            let owner = segment.owner.map { model.workers.contains($0) ? "\($0) (this process)" : $0 }
            return """
                <tr><th scope="row">\(segment.id)</th>\
                <td data-label="Owner" class="\(owner == nil ? "bad" : "id")">\(owner ?? "nobody")</td>\
                <td data-label="Checkpoint" class="number">\(CountText.format(segment.checkpoint))</td>\
                <td data-label="Lag" class="number">\(StatusReport.events(segment.lag))</td>\
                <td data-label="Oldest waits" class="number">\(StatusReport.age(segment.lag))</td></tr>

                """
        }
        return """
            <table class="segments"><thead><tr><th scope="col">Segment</th><th scope="col">Owner</th>\
            <th scope="col" class="number">Checkpoint</th><th scope="col" class="number">Lag</th>\
            <th scope="col" class="number">Oldest waits</th></tr></thead><tbody>
            \(rows)</tbody></table>
            """
    }

    private static func messages(_ messages: [RecentMessages.Message]) -> HTML {
        if messages.isEmpty { return "<p class=\"quiet\">None since this process started.</p>" }
        let items = messages.map { message -> HTML in
            """
            <li><time datetime="\(message.time)">\(message.time)</time> \
            <span class="badge \(message.level > .warning ? "bad" : "note")">\(message.level.rawValue)</span> \
            \(message.text)</li>
            """
        }
        return "<ul class=\"messages\">\(items)</ul>"
    }
}
