import Testing

@testable import Appliance
@testable import Consumers
@testable import KafkaBridge

/// What pages say where something is not known, and how their forms are laid out.
@Suite struct PageModelTests {
    private let context = PageContext(
        caller: AdminCaller(role: .operator, name: "Ada", formToken: "token", canSignIn: true), route: .consumer,
        path: "/consumers/a", isChangeable: true)

    private func report(
        _ name: String, age: Duration?, heartbeat: Duration = .zero, audit: AuditRecord? = nil
    ) -> ConsumerReport {
        var report = ConsumerReport(
            consumer: StoreStatus.Consumer(
                name: name,
                segments: [
                    StoreStatus.Segment(id: 0, owner: "w", checkpoint: 5, lag: SegmentLag(counted: 0, uncounted: 0))
                ], workers: [StoreStatus.Worker(id: "w", lastHeartbeat: heartbeat)], order: nil), deadLetters: nil,
            issues: [], isConfigured: true)
        report.figuresAge = age
        report.audit = audit
        return report
    }

    @Test func `the first button of the form that a page's fields belong to is one that presses nothing`() throws {
        let page = PageFrame.page(
            "a", context,
            "<input name=\"rate\" form=\"\(PageForm.id)\">\(PageForm.button("Pause", "/api/consumers/a/pause"))"
        ).text
        let form = try #require(page.firstRange(of: "<form id=\"\(PageForm.id)\""))
        let disabled = try #require(page.firstRange(of: "<button type=\"submit\" disabled hidden>"))
        let pause = try #require(page.firstRange(of: "formaction=\"/api/consumers/a/pause\""))
        let field = try #require(page.firstRange(of: "name=\"rate\""))
        #expect(form.upperBound <= disabled.lowerBound && disabled.upperBound <= pause.lowerBound)
        #expect(disabled.upperBound <= field.lowerBound)
    }

    @Test func `a heartbeat is as old as the picture that shows it, and more`() {
        func state(_ age: Duration?, own: Set<String> = []) -> String? {
            ProcessList([report("a", age: age, heartbeat: .seconds(2))], own: own).processes.first?.state.word
        }
        #expect(state(.zero) == "alive" && state(.seconds(40)) == "silent")
        #expect(state(nil) == "not known" && state(nil, own: ["w"]) == "alive")
        let json = ProcessList([report("a", age: .seconds(40), heartbeat: .seconds(2))], own: []).json
        #expect(json["figures_age_seconds"] == .number(40, digits: 3))
        let unknown = ProcessList([report("a", age: nil), report("b", age: .zero)], own: [])
        #expect(unknown.age == nil && unknown.ownerless == nil && unknown.json["ownerless_segments"] == .null)
        // The newest of what is known counts.
        let several = ProcessList([report("a", age: nil), report("b", age: .seconds(1))], own: [])
        #expect(several.processes.first?.lastHeartbeat == .seconds(1))
    }

    @Test func `what the database was not asked for is not known, and not none`() {
        #expect(report("a", age: nil).members.first { $0.name == "parked_events" }?.value == .null)
        #expect(report("a", age: .zero).members.first { $0.name == "parked_events" }?.value == 0)
        #expect(JobsPage.section([], isSeen: false).text.contains("not known"))
        #expect(JobsPage.section([], isSeen: true).text.contains("none waits"))
        let json = CompletenessPage.json([report("a", age: nil)])
        #expect(json == [["consumer": "a", "audit": .null, "known": false]])
    }

    @Test func `links to what is parked name the source where there are several`() {
        #expect(ParkedPage.path(consumer: "a b", source: "s&t") == "/parked?source=s%26t&consumer=a%20b")
        #expect(ParkedPage.path(consumer: "a", source: nil) == "/parked?consumer=a")
        #expect(ParkedPage.path(source: nil) == "/parked")
    }

    @Test func `no consumer is complete of whose events some cannot be known`() {
        var audit = AuditRecord(consumer: "a", beganAfter: 0, reason: .first)
        audit.counts.committed = 10
        audit.counts.delivered = 9
        func page() -> String {
            let badge = CompletenessPage.badge(audit)
            return badge.text
        }
        #expect(page().contains(">complete<"))
        audit.counts.unknowable = 1
        #expect(!page().contains(">complete<") && !page().contains("good") && page().contains("some cannot be known"))
    }
}
