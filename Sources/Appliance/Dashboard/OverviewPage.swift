import Consumers
import KafkaBridge

/// The page at `/`: a row per consumer.
enum OverviewPage {
    static func html(_ model: DashboardModel) -> HTML {
        PageFrame.page(
            "Godwit",
            """
            <div id="overview" data-live>
            \(header(model))
            \(problems(model))
            <table class="consumers">
            <caption class="hidden">All consumers</caption>
            <thead><tr><th scope="col">Consumer</th><th scope="col">State</th><th scope="col" class="number">Lag</th>\
            <th scope="col" class="number">Oldest waits</th><th scope="col" class="number">Events/s here</th>\
            <th scope="col">Segments</th><th scope="col" class="number">Parked</th></tr></thead>
            <tbody>
            \(model.reports.map { row($0, model) })
            </tbody>
            </table>
            \(model.reports.isEmpty ? "<p>No consumer is configured or known to the database.</p>" : HTML.empty)
            \(JobsPage.section(model.jobs))
            </div>
            """)
    }

    private static func header(_ model: DashboardModel) -> HTML {
        let reasons = model.diagnosis.reasonsNotReady
        let memory =
            model.sources.first?.status.residentMemory.map { "\(CountText.format($0 / 1_048_576)) MiB" } ?? "?"
        let ready: HTML =
            reasons.isEmpty
            ? "<span class=\"badge good\">ready</span>"
            : "<span class=\"badge bad\">not ready</span> \(reasons.joined(separator: "; "))"
        return """
            <header>
            <h1>Godwit <span class="badge \(model.diagnosis.isHealthy ? "good" : "bad")">\
            \(model.diagnosis.isHealthy ? "healthy" : "unhealthy")</span></h1>
            <dl class="facts">
            <div><dt>Process</dt><dd class="id">\(model.workers.sorted().joined(separator: " "))</dd></div>
            <div><dt>This process</dt><dd>\(ready)</dd></div>
            \(model.sources.map { positions($0.source, $0.status) })
            <div><dt>Memory</dt><dd>\(memory)</dd></div>
            </dl>
            </header>
            """
    }

    private static func positions(_ source: String?, _ status: RelayStatus) -> HTML {
        let of = source.map { " of \($0)" } ?? ""
        return """
            <div><dt>Latest position\(of)</dt><dd>\(CountText.format(status.standing.horizon.latest))</dd></div>
            <div><dt>Settled horizon\(of)</dt><dd>\(status.hasHorizon
                ? CountText.format(status.standing.horizon.position) : "unknown")</dd></div>
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
            <section aria-labelledby="problems-title"><h2 id="problems-title">What is the matter</h2>
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

    private static func row(_ report: ConsumerReport, _ model: DashboardModel) -> HTML {
        let (consumer, history) = (report.consumer, model.rates[report.consumer.name])
        let lag = consumer.lag
        return """
            <tr>
            <th scope="row"><a href="\(PageFrame.path(of: consumer.name))">\(consumer.name)</a></th>
            <td data-label="State">\(PageFrame.badge(report))\(report.isConfigured ? HTML.empty : PageFrame.reasons(report))</td>
            <td data-label="Lag" class="number">\(StatusReport.events(lag))</td>
            <td data-label="Oldest waits" class="number">\(StatusReport.age(lag))</td>
            <td data-label="Events/s here" class="number rate">\(Sparkline.html(history))</td>
            <td data-label="Segments">\(owners(consumer, model.workers))</td>
            <td data-label="Parked" class="number">\(CountText.format(report.deadLetters?.open ?? 0))</td>
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
