import Consumers
import KafkaBridge

/// The page at `/`: what is the matter, how much flows, and a row per consumer.
enum OverviewPage {
    static func html(
        _ model: DashboardModel, _ context: PageContext, filter: OverviewFilter, span: FlowHistory.Span
    ) -> HTML {
        PageFrame.page(
            "Godwit", context,
            """
            <div id="overview" data-live>
            \(header(model))
            \(problems(model))
            </div>
            <section class="flow" aria-label="Flow"><div id="flow" data-live>\(FlowGraph.html(model.flow.all, span, path: "/"))</div></section>
            <section class="list" aria-labelledby="consumers-title"><h2 id="consumers-title">Consumers</h2>
            \(controls(filter))
            <div id="consumers" data-live>\(consumers(model, filter))</div></section>
            <div id="jobs" data-live>\(JobsPage.section(model.jobs, isSeen: model.isSeen))</div>
            """)
    }

    private static func header(_ model: DashboardModel) -> HTML {
        let reasons = model.diagnosis.reasonsNotReady
        let ready: HTML =
            reasons.isEmpty
            ? "<span class=\"badge good\">ready</span>"
            : "<span class=\"badge bad\">not ready</span> \(reasons.joined(separator: "; "))"
        let rate = model.rates.values.reduce(0) { $0 + $1.current }
        let configured = model.reports.filter(\.isConfigured)
        // A sum without some of its parts is not the sum.
        let isSeen = configured.allSatisfy(\.isSeen)
        let waiting =
            isSeen ? CountText.format(configured.reduce(0) { $0 + ($1.consumer.lag?.events ?? 0) }) : "not known"
        let parked = model.reports.reduce(0) { $0 + ($1.deadLetters?.open ?? 0) }
        let first = model.reports.first { ($0.deadLetters?.open ?? 0) > 0 }
        let link = ParkedPage.path(source: first.flatMap { model.ways[$0.consumer.name]?.sourceName })
        let parkedText: HTML =
            parked == 0
            ? (isSeen ? "0" : "not known")
            : "<a href=\"\(link)\" class=\"bad\">\(isSeen ? "" : "at least ")\(CountText.format(parked))</a>"
        return """
            <header>
            <h1>Overview <span class="badge \(model.diagnosis.isHealthy ? "good" : "bad")">\
            \(model.diagnosis.isHealthy ? "healthy" : "unhealthy")</span></h1>
            <dl class="facts tiles">
            <div><dt>Events/s here</dt><dd>\(Sparkline.rate(rate))</dd></div>
            <div><dt>Events waiting</dt><dd>\(waiting)</dd></div>
            <div><dt>Parked</dt><dd>\(parkedText)</dd></div>
            \(model.sources.map { positions($0.source, $0.status) })
            <div><dt>This process</dt><dd>\(ready)</dd></div>
            </dl>
            </header>
            """
    }

    private static func positions(_ source: String?, _ status: RelayStatus) -> HTML {
        let of = source.map { " of \($0)" } ?? ""
        let (latest, settled) = (status.standing.horizon.latest, status.standing.horizon.position)
        let horizon =
            !status.hasHorizon
            ? "settled: unknown" : settled >= latest ? "all settled" : "settled to \(CountText.format(settled))"
        return """
            <div><dt>Latest position\(of)</dt><dd>\(CountText.format(latest)) <small>\(horizon)</small></dd></div>
            """
    }

    /// What is the matter, each cause once, with whom it affects.
    private static func problems(_ model: DashboardModel) -> HTML {
        let problems = model.diagnosis.problems
        if problems.isEmpty { return .empty }
        let all = model.reports.count(where: \.isConfigured)
        let items = problems.map { problem -> HTML in
            """
            <li class="\(problem.issue.kind.isUnhealthy ? "bad" : "note")">\(subject(problem, of: all)): \
            \(PageFrame.withCode(problem.issue.text)) <span class="code">\(problem.issue.kind.code)</span></li>
            """
        }
        return """
            <section class="problems" aria-labelledby="problems-title"><h2 id="problems-title">What is the matter</h2>
            <ul class="why">\(items)</ul></section>
            """
    }

    /// Links where they are few.
    private static func subject(_ problem: Diagnosis.Problem, of all: Int) -> HTML {
        let isShort = problem.consumers.count <= 6 && (problem.consumers.count < all || all <= 3)
        if problem.consumers.isEmpty || !isShort { return "<strong>\(problem.subject(of: all))</strong>" }
        var links = HTML.empty
        for (index, name) in problem.consumers.enumerated() {
            links += index == 0 ? HTML.empty : ", "
            links += "<a href=\"\(PageFrame.path(of: name))\">\(name)</a>"
        }
        return "<strong>\(links)</strong>"
    }

    private static func controls(_ filter: OverviewFilter) -> HTML {
        let choices = OverviewFilter.Show.allCases.map { show -> HTML in
            "<option value=\"\(show.rawValue)\"\(show == filter.show ? " selected" : HTML.empty)>\(show.title)</option>"
        }
        return """
            <form class="filter" method="get" action="/" role="search">
            <p class="field"><label for="q">Name, context or topic</label>
            <input id="q" name="q" value="\(filter.text)" type="search" autocomplete="off" data-key="/"></p>
            <p class="field"><label for="show">Show</label><select id="show" name="show">\(choices)</select></p>
            <p class="buttons"><button type="submit">Filter</button></p></form>
            """
    }

    private static func consumers(_ model: DashboardModel, _ filter: OverviewFilter) -> HTML {
        if model.reports.isEmpty { return "<p>No consumer is configured or known to the database.</p>" }
        let reports = filter.apply(model.reports, model.ways)
        if reports.isEmpty {
            return "<p class=\"quiet\">None of \(model.reports.count) consumers matches. <a href=\"/\">Show all</a></p>"
        }
        return """
            <table class="consumers">
            <caption class="hidden">Consumers</caption>
            <thead><tr><th scope="col">Consumer</th><th scope="col">State</th>\
            <th scope="col" class="number">Waiting</th><th scope="col" class="number">Oldest waits</th>\
            <th scope="col" class="number">Events/s here</th>\
            <th scope="col">Segments</th><th scope="col" class="number">Parked</th></tr></thead>
            <tbody>
            \(reports.map { row($0, model) })
            </tbody>
            </table>
            """
    }

    private static func row(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        let (consumer, history) = (report.consumer, model.rates[report.consumer.name])
        let (lag, parked) = (consumer.lag, report.deadLetters?.open ?? 0)
        let link: HTML =
            parked == 0
            ? (report.isSeen ? "0" : "not known")
            : "<a href=\"\(ParkedPage.path(consumer: consumer.name, source: model.ways[consumer.name]?.sourceName))\">\(CountText.format(parked))</a>"
        return """
            <tr>
            <th scope="row"><a href="\(PageFrame.path(of: consumer.name))">\(consumer.name)</a>\
            \(model.ways[consumer.name]?.html ?? HTML.empty)</th>
            <td data-label="State">\(PageFrame.badge(report))\(report.isConfigured ? HTML.empty : PageFrame.reasons(report))</td>
            <td data-label="Waiting" class="number">\(report.isSeen ? StatusReport.events(lag) : "not known")</td>
            <td data-label="Oldest waits" class="number">\(report.isSeen ? StatusReport.age(lag) : "not known")</td>
            <td data-label="Events/s here" class="number rate">\(Sparkline.html(history))</td>
            <td data-label="Segments">\(owners(consumer, model.workers))</td>
            <td data-label="Parked" class="number">\(link)</td>
            </tr>

            """
    }

    /// Who owns what, a line per owner.
    static func owners(_ consumer: StoreStatus.Consumer, _ own: Set<String>) -> HTML {
        if consumer.segments.isEmpty { return "none yet" }
        var byOwner: [(owner: String?, segments: [Int])] = []
        for segment in consumer.segments {
            if let index = byOwner.firstIndex(where: { $0.owner == segment.owner }) {
                byOwner[index].segments.append(segment.id)
            } else {
                byOwner.append((segment.owner, [segment.id]))
            }
        }
        let lines = byOwner.map { entry -> HTML in
            let name = entry.owner.map { own.contains($0) ? "this process" : $0 } ?? "nobody"
            let numbers = SegmentText.format(entry.segments).drop { $0 != " " }.dropFirst()
            return """
                <li><span class="numbers">\(String(numbers))</span> \
                <span class="\(entry.owner == nil ? "bad" : "")">\(name)</span></li>
                """
        }
        return "<ul class=\"owners\">\(lines)</ul>"
    }
}
