import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge
import Logging

/// The page of one consumer.
enum ConsumerPage {
    static func html(
        _ report: ConsumerReport, _ details: ConsumerDetails, _ model: DashboardModel, _ context: PageContext,
        span: FlowHistory.Span
    ) -> HTML {
        let name = report.consumer.name
        let path = PageFrame.path(of: name)
        return PageFrame.page(
            name, context,
            """
            <div id="snapshot" data-live>\(snapshot(report, model))</div>
            \(orders(report, context))
            <section class="flow" aria-label="Flow"><div id="flow" data-live>\(FlowGraph.html(model.flow[name], span, path: path))</div></section>
            \(PageFrame.section("parked", "Waiting for a decision", parked(details, report, model, context), isLive: true))
            \(PageFrame.section("delay", "Where events wait", delay(details.stages), isLive: true))
            \(PageFrame.section("segments", "Segments", segments(report, model), isLive: true))
            \(PageFrame.section("messages", "Recent warnings and errors of this process", messages(details.messages), isLive: true))
            \(configuration(details.entries))
            """)
    }

    private static func snapshot(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        let (lag, history) = (report.consumer.lag, model.rates[report.consumer.name])
        let control = report.consumer.order?.control
        return """
            <header><h1>\(report.consumer.name) \(PageFrame.badge(report))</h1>
            \(model.ways[report.consumer.name].map { "<p class=\"wayline\">\($0.html)</p>" } ?? HTML.empty)
            \(PageFrame.reasons(report))
            <dl class="facts tiles">
            <div><dt>Waiting</dt><dd>\(report.isSeen ? "\(StatusReport.events(lag)) \(lag?.events == 1 ? "event" : "events")" : "not known")</dd></div>
            <div><dt>Oldest waits</dt><dd>\(report.isSeen ? StatusReport.age(lag) : "not known")</dd></div>
            <div><dt>Events/s here</dt><dd class="rate">\(Sparkline.html(history))</dd></div>
            <div><dt>Rate allowed</dt><dd>\(report.isSeen ? control?.rate.map { "\(RateText.format($0)) events/s" } ?? "any" : "not known")</dd></div>
            <div><dt>Parked</dt><dd>\(report.isSeen ? CountText.format(report.deadLetters?.open ?? 0) : "not known")</dd></div>
            <div><dt>Delivery</dt><dd>\(report.delivery.map { $0.name.replacing("_", with: " ") } ?? "not known here")</dd></div>
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
        return """
            <div><dt>Audited</dt><dd class="\(audit.needsAttention ? "bad" : "")">\(found) <small>to position \
            \(CountText.format(audit.position)), \(AgeText.format(audit.age)) ago</small></dd></div>
            """
    }

    // MARK: Orders

    private static func orders(_ report: ConsumerReport, _ context: PageContext) -> HTML {
        guard context.canChange else {
            return PageForm.whyNot(context, ["godwit pause", "godwit resume", "godwit rate", "godwit parked"])
        }
        let api = "/api/consumers/\(PercentCoding.encode(report.consumer.name))"
        let isPaused = report.consumer.order?.control.isPaused ?? false
        let rate = report.consumer.order?.control.rate
        return """
            <section class="orders" aria-label="Orders">
            <p class="buttons">\(isPaused
                ? PageForm.button("Resume", api + "/resume", kind: "main")
                : PageForm.button("Pause", api + "/pause"))</p>
            <p class="field"><label for="rate">Events per second, over all processes</label>
            <input id="rate" name="rate" form="\(PageForm.id)" inputmode="decimal" autocomplete="off" \
            value="\(rate.map { RateText.format($0) } ?? "")"></p>
            <p class="buttons">\(PageForm.button("Set the rate", api + "/rate"))\
            \(rate == nil ? HTML.empty : PageForm.button("Lift the bound", api + "/rate/off"))</p>
            </section>
            """
    }

    // MARK: Parked

    private static func parked(
        _ details: ConsumerDetails, _ report: ConsumerReport, _ model: DashboardModel, _ context: PageContext
    ) -> HTML {
        guard let letters = details.deadLetters else { return "<p>The database does not answer at the moment.</p>" }
        if letters.isEmpty { return "<p class=\"quiet\">Nothing is parked, and no segment halts at an event.</p>" }
        let open = report.deadLetters?.open ?? 0
        let source = model.ways[report.consumer.name]?.sourceName
        let link = ParkedPage.path(consumer: report.consumer.name, source: source)
        let more: HTML =
            open > letters.count
            ? "<p><a href=\"\(link)\">All \(CountText.format(open)) parked events</a></p>"
            : "<p><a href=\"\(link)\">Decide about several at once</a></p>"
        return "<ol class=\"letters\">\(letters.map { ParkedPage.letter($0, source: source, context) })</ol>\(more)"
    }

    // MARK: Delay, segments, messages, configuration

    private static func delay(_ stages: StageTimes?) -> HTML {
        guard let stages, stages.count > 0 else {
            return "<p class=\"quiet\">This process has delivered no batch of it yet.</p>"
        }
        let total = max(stages.settle + stages.queue + stages.deliver, 1e-9)
        let rows = [
            ("Open transactions", "the events' own, and those that they waited for", stages.settle),
            ("Reading and queue", "reading, a pause, a rate, or what was under way before", stages.queue),
            ("Brokers and retries", "acknowledgements, retries and halts", stages.deliver),
        ].map { title, meaning, seconds -> HTML in
            """
            <tr><th scope="row">\(title)<small>\(meaning)</small></th>\
            <td data-label="On average" class="number">\(FlowGraph.seconds(seconds / stages.count))</td>\
            <td data-label="Share" class="number"><meter min="0" max="100" value="\(Int(seconds / total * 100))"></meter> \
            \(Int((seconds / total * 100).rounded())) %</td></tr>
            """
        }
        return """
            <table class="plain"><thead><tr><th scope="col">Stage</th><th scope="col" class="number">On average</th>\
            <th scope="col" class="number">Share</th></tr></thead><tbody>\(rows)</tbody></table>
            <p class="quiet">Of \(CountText.format(Int64(min(stages.count, 1e15)))) batches that this process has delivered.</p>
            """
    }

    private static func segments(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        guard report.isSeen else { return "<p>Not known: the database was not seen yet.</p>" }
        let consumer = report.consumer
        if consumer.segments.isEmpty { return "<p>None yet: the consumer was never started.</p>" }
        let rows = consumer.segments.map { segment -> HTML in
            let owner = segment.owner.map { model.workers.contains($0) ? "\($0) (this process)" : $0 }
            return """
                <tr><th scope="row">\(segment.id)</th>\
                <td data-label="Owner" class="\(owner == nil ? "bad" : "id")">\(owner ?? "nobody")</td>\
                <td data-label="Checkpoint" class="number">\(CountText.format(segment.checkpoint))</td>\
                <td data-label="Waiting" class="number">\(StatusReport.events(segment.lag))</td>\
                <td data-label="Oldest waits" class="number">\(StatusReport.age(segment.lag))</td></tr>

                """
        }
        return """
            <table class="segments plain"><thead><tr><th scope="col">Segment</th><th scope="col">Owner</th>\
            <th scope="col" class="number">Checkpoint</th><th scope="col" class="number">Waiting</th>\
            <th scope="col" class="number">Oldest waits</th></tr></thead><tbody>
            \(rows)</tbody></table>
            """
    }

    private static func messages(_ groups: [MessageGroup]) -> HTML {
        if groups.isEmpty { return "<p class=\"quiet\">None since this process started.</p>" }
        let items = groups.map { group -> HTML in
            let message = group.newest
            let times: HTML =
                group.count == 1
                ? HTML.empty
                : " <span class=\"quiet\">\(group.count) times since \(TimeWords.short(group.first))</span>"
            return """
                <li><time datetime="\(message.time)">\(TimeWords.short(message.time))</time> \
                <span class="badge \(message.level > .warning ? "bad" : "note")">\(message.level.rawValue)</span> \
                \(PageFrame.withCode(message.text))\(times)</li>
                """
        }
        return "<ul class=\"messages\">\(items)</ul>"
    }

    private static func configuration(_ entries: [ConfigurationEntry]) -> HTML {
        if entries.isEmpty { return .empty }
        let rows = entries.map { entry -> HTML in
            let value: HTML =
                switch entry.value {
                case .text(let text): "<code>\(text)</code>"
                case .list(let list):
                    list.isEmpty ? "<span class=\"quiet\">none</span>" : "<code>\(list.joined(separator: ", "))</code>"
                case .hidden: "<span class=\"quiet\">hidden</span>"
                }
            return """
                <tr><th scope="row">\(entry.path.dropFirst(2).joined(separator: "."))</th>\
                <td data-label="Value">\(value)</td><td data-label="From" class="quiet">\(entry.source.description)</td></tr>
                """
        }
        return """
            <section aria-labelledby="configuration-title"><details><summary><h2 id="configuration-title">Configuration</h2></summary>
            <table class="plain settings"><thead><tr><th scope="col">Key</th><th scope="col">Value</th><th scope="col">From</th></tr></thead>\
            <tbody>\(rows)</tbody></table></details></section>
            """
    }
}
