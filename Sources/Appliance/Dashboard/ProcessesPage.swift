import Consumers

/// The page at `/processes`: who serves what, and how it is.
enum ProcessesPage {
    static func html(_ model: DashboardModel, _ context: PageContext, uptime: Duration) -> HTML {
        let list = ProcessList(model.reports, own: model.workers)
        let memory =
            model.sources.first?.status.residentMemory.map { "\(CountText.format($0 / 1_048_576)) MiB" } ?? "not known"
        let reasons = model.diagnosis.reasonsNotReady
        let ready: HTML =
            reasons.isEmpty
            ? "<span class=\"badge good\">ready</span>"
            : "<span class=\"badge bad\">not ready</span> \(reasons.joined(separator: "; "))"
        return PageFrame.page(
            "Processes", context,
            """
            <div id="processes" data-live>
            <header><h1>Processes</h1>
            \(PageFrame.facts([
                ("Alive", "\(list.processes.count(where: \.isAlive)) of \(list.processes.count)\(list.age == nil ? " that are known" : "")"),
                ("Segments without an owner", list.ownerless.map { "<span class=\"\($0 > 0 ? "bad" : "")\">\($0)</span>" } ?? "not known"),
                ("This process", ready), ("Its memory", "\(memory)"), ("Runs for", "\(AgeText.format(uptime))"),
                ("These figures are", "\(list.age.map { "\(AgeText.format($0)) old" } ?? "not known yet")"),
            ]))</header>
            \(table(list))</div>
            """)
    }

    private static func table(_ list: ProcessList) -> HTML {
        if list.processes.isEmpty { return "<p class=\"empty\">No process is known to the database.</p>" }
        let rows = list.processes.map { process -> HTML in
            let owned = process.segments.filter { $0.count > 0 }
            let shown = owned.prefix(8).map { consumer, count -> HTML in
                "<li><a href=\"\(PageFrame.path(of: consumer))\">\(consumer)</a> <span class=\"numbers\">\(count)</span></li>"
            }
            let rest: HTML = owned.count > 8 ? "<li class=\"quiet\">and \(owned.count - 8) more consumers</li>" : .empty
            let idle: HTML = owned.isEmpty ? "<li class=\"quiet\">none: others have them all</li>" : .empty
            let troubles = process.troubles.prefix(5).map { consumer, condition -> HTML in
                "<li class=\"bad\">\(consumer): \(PageFrame.withCode(condition.reason.isEmpty ? condition.name : condition.reason))</li>"
            }
            return """
                <tr><th scope="row" class="id">\(process.id)\(process.isThis ? "<small>this process</small>" : HTML.empty)\
                \(process.isOneOff ? "<small>ends when it has done what was there at its start</small>" : HTML.empty)</th>\
                <td data-label="State"><span class="badge \(process.state.tone)">\(process.state.word)</span>\
                \(troubles.isEmpty ? HTML.empty : "<ul class=\"why\">\(troubles)</ul>")</td>\
                <td data-label="Heartbeat" class="number">\(process.lastHeartbeat.map { "\(AgeText.format($0)) ago" } ?? "not known")</td>\
                <td data-label="Segments" class="number">\(CountText.format(process.segments.reduce(0) { $0 + $1.count }))</td>\
                <td data-label="Of consumers"><ul class="owners">\(shown)\(rest)\(idle)</ul></td></tr>

                """
        }
        return """
            <table class="processes"><caption class="hidden">Processes</caption><thead><tr><th scope="col">Process</th>\
            <th scope="col">State</th><th scope="col" class="number">Heartbeat</th><th scope="col" class="number">Segments</th>\
            <th scope="col">Of consumers</th></tr></thead><tbody>\(rows)</tbody></table>
            """
    }
}
