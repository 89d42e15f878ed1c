import KafkaBridge

/// The page at `/jobs`: all jobs with what can be done with them, and a form for another.
///
/// All buttons belong to one form, so that everything works without the script too.
enum JobsPage {
    static let path = "/jobs"
    /// The newest are shown; `godwit jobs` shows all.
    private static let most = 100

    static func html(
        _ jobs: Result<[Job], Failure>, consumers: [String], _ context: PageContext
    ) -> HTML {
        PageFrame.page(
            "Jobs", context,
            """
            <header><h1>Jobs</h1></header>
            \(PageFrame.section("jobs", "All jobs", list(jobs, canChange: context.canChange), isLive: true))
            <section aria-labelledby="orders-title"><h2 id="orders-title">Publish events again</h2>
            \(orders(consumers, context))</section>
            """)
    }

    /// The open jobs, for the overview.
    static func section(_ jobs: [Job], isSeen: Bool = true) -> HTML {
        if jobs.isEmpty {
            guard isSeen else {
                return "<p class=\"quiet\"><a href=\"\(path)\">Jobs</a>: not known, the database was not seen yet.</p>"
            }
            return "<p class=\"quiet\"><a href=\"\(path)\">Jobs</a>: none waits, runs or has failed.</p>"
        }
        return """
            <section aria-labelledby="jobs-title"><h2 id="jobs-title"><a href="\(path)">Jobs</a></h2>
            \(table(jobs, canChange: false))</section>
            """
    }

    /// What a job would publish.
    static func count(_ report: JSONValue, _ context: PageContext) -> HTML {
        func text(_ value: JSONValue?) -> String {
            switch value {
            case .number(let digits)?: digits
            case .string(let text)?: text
            default: "?"
            }
        }
        var items: [HTML] = []
        if case .array(let topics)? = report["topics"] {
            items += topics.map { "<li>\(text($0["events"])) to <code>\(text($0["topic"]))</code></li>" }
        }
        if case .array(let flaws)? = report["cannot_be_published"] {
            items += flaws.map { "<li class=\"bad\">\(text($0["events"])) cannot be: \(text($0["reason"]))</li>" }
        }
        let end = text(report["counted_to_position"])
        let rest: HTML =
            report["complete"] == true
            ? HTML.empty
            : """
            <p>There are more: in the time of a request they were counted up to position \(end). \
            <code>godwit republish --dry-run</code> counts all.</p>
            """
        return PageFrame.page(
            "Counted", context,
            """
            <h1>\(text(report["events"])) events would be published</h1>
            <ul class="why">\(items)</ul>\(rest)
            <p>Positions \(text(report["from_position"])) to \(text(report["to_position"])). Nothing was published.</p>
            <p><a href="\(path)">Back</a></p>
            """)
    }

    // MARK: The list

    private static func list(_ jobs: Result<[Job], Failure>, canChange: Bool) -> HTML {
        switch jobs {
        case .failure(let failure): return "<p>The database does not tell at the moment: \(failure.message)</p>"
        case .success(let jobs):
            if jobs.isEmpty { return "<p class=\"quiet\">There are no jobs.</p>" }
            let more: HTML =
                jobs.count > most
                ? "<p>These are the newest \(most) of \(CountText.format(jobs.count)); <code>godwit jobs</code> shows all.</p>"
                : HTML.empty
            return "\(table(Array(jobs.prefix(most)), canChange: canChange))\(more)"
        }
    }

    private static func table(_ jobs: [Job], canChange: Bool) -> HTML {
        let rows = jobs.map { job -> HTML in
            """
            <tr><th scope="row">\(job.name)</th>\
            <td data-label="State"><span class="badge \(tone(job))">\(job.word)</span>\(why(job))</td>\
            <td data-label="Consumer">\(job.definition.consumer)</td>\
            <td data-label="Done" class="number"><progress max="100" value="\(Int(job.fraction * 100))"></progress> \
            \(Int(job.fraction * 100)) %</td>\
            <td data-label="Published" class="number">\(CountText.format(Int(job.published)))</td>\
            <td data-label="Left" class="number">\(left(job))</td>\
            \(canChange ? "<td data-label=\"Orders\">\(buttons(job))</td>" : HTML.empty)</tr>

            """
        }
        return """
            <table class="jobs"><thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col">Consumer</th>\
            <th scope="col" class="number">Done</th><th scope="col" class="number">Published</th>\
            <th scope="col" class="number">Left</th>\(canChange ? "<th scope=\"col\">Orders</th>" : HTML.empty)</tr></thead><tbody>
            \(rows)</tbody></table>
            """
    }

    private static func tone(_ job: Job) -> String {
        switch job.word {
        case "done": "good"
        case "failed": "bad"
        case "running", "queued": ""
        default: "note"
        }
    }

    private static func why(_ job: Job) -> HTML {
        let report = JobReport(job)
        guard let text = job.state == .failed ? job.error : report.waitsFor else { return .empty }
        return "<ul class=\"why\"><li class=\"\(job.state == .failed ? "bad" : "note")\">\(text)</li></ul>"
    }

    private static func left(_ job: Job) -> String {
        guard job.word == "running", let left = job.secondsLeft else { return "–" }
        return ProgressText.time(.seconds(min(left, 1e9)))
    }

    private static func buttons(_ job: Job) -> HTML {
        let api = "/api/jobs/\(PercentCoding.encode(job.name))"
        var buttons: [HTML] = []
        func add(_ title: String, _ action: String, kind: String = "", confirm: String? = nil) {
            let question: HTML = confirm.map { " data-confirm=\"\($0)\"" } ?? HTML.empty
            buttons.append(
                """
                <button type="submit" form="\(PageForm.id)" formaction="\(api)/\(action)" formnovalidate class="\(kind)" \
                aria-label="\(title) the job \(job.name)"\(question)>\(title)</button>
                """)
        }
        if job.state.isFinal {
            add("Again", "again", confirm: "Publish all events of \(job.name) again?")
        } else {
            if job.life.waitsForOperator || job.word == "stopping" { add("Resume", "resume", kind: "main") }
            if job.word == "queued" || job.word == "running" { add("Stop", "stop") }
            add("Cancel", "cancel", kind: "danger", confirm: "End \(job.name) for good? It cannot be resumed then.")
        }
        return "<p class=\"buttons\">\(buttons)</p>"
    }

    // MARK: Orders

    private static func orders(_ consumers: [String], _ context: PageContext) -> HTML {
        guard context.canChange else {
            return PageForm.whyNot(context, ["godwit republish --queue", "godwit jobs"])
        }
        let choices = consumers.map { "<option value=\"\($0)\"></option>" as HTML }
        // A form of its own: what is filled in here is nobody else's. Its first button is what Enter presses, and presses nothing.
        return """
            <form class="grid" method="post" action="/api/jobs">\(PageForm.hidden(context))
            <button type="submit" disabled hidden></button>
            \(field("name", "Name of the job", "maxlength=\"100\" autocomplete=\"off\""))
            \(field("consumer", "Consumer", "list=\"consumers\" autocomplete=\"off\" required"))
            <datalist id="consumers">\(choices)</datalist>
            \(field("since", "Events since, in UTC", "placeholder=\"7d, 2026-11-22 10:00\" autocomplete=\"off\""))
            \(field("until", "Until, in UTC", "placeholder=\"now\" autocomplete=\"off\""))
            \(field("event_types", "Event types, separated by commas", "placeholder=\"all\" autocomplete=\"off\""))
            \(field("aggregate_ids", "Aggregate ids, separated by commas", "placeholder=\"all\" autocomplete=\"off\""))
            \(field("topic", "To the topic", "placeholder=\"the consumer's own\" autocomplete=\"off\""))
            \(field("rate", "Events per second at most", "placeholder=\"courteous: stands back for the live flow\" inputmode=\"decimal\" autocomplete=\"off\""))
            <p class="buttons all"><button type="submit" name="dry_run" value="true">Count the events</button>\
            <button type="submit" class="main">Queue the job</button></p>
            </form>
            """
    }

    private static func field(_ name: String, _ label: String, _ attributes: HTML) -> HTML {
        """
        <p class="field"><label for="\(name)">\(label)</label>
        <input id="\(name)" name="\(name)" \(attributes)></p>
        """
    }
}
