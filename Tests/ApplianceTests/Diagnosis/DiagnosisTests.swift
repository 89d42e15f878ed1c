import EventSourcing
import Foundation
import KafkaBridge
import TestSupport
import Testing

@testable import Appliance
@testable import Consumers

/// That all surfaces are made of one diagnosis.
@Suite struct DiagnosisTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func report(_ name: String, _ issues: [HealthIssue], isConfigured: Bool = true) -> ConsumerReport {
        ConsumerReport(
            consumer: StoreStatus.Consumer(name: name, segments: [], workers: [], order: nil), deadLetters: nil,
            issues: issues, isConfigured: isConfigured)
    }

    @Test func `a cause is named once, with all that it affects, the worst first`() {
        let held = HealthIssue(.heldBack, "a transaction is open")
        let halted = HealthIssue(.halted, "an event is too large")
        let away = HealthIssue(.databaseAway, "away")
        let paused = HealthIssue(.paused, "paused")
        let diagnosis = Diagnosis(
            process: [away],
            reports: [
                report("a", [paused, held]), report("b", [halted, held]), report("c", [held]), report("d", [held]),
                report("other", [HealthIssue(.noOwner, "nobody")], isConfigured: false),
            ])
        #expect(diagnosis.problems.map(\.issue) == [away, halted, held, paused])
        #expect(diagnosis.problems.map(\.consumers) == [[], ["b"], ["a", "b", "c", "d"], ["a"]])
        #expect(diagnosis.problems.map { $0.subject(of: 4) } == ["this process", "b", "all 4 consumers", "a"])
        #expect(!diagnosis.isHealthy && diagnosis.reasonsNotReady == ["away"])
    }

    @Test(arguments: HealthIssue.Kind.allCases)
    func `no surface is more optimistic than another`(kind: HealthIssue.Kind) throws {
        let issue = HealthIssue(kind, "text")
        let diagnosis = Diagnosis(reports: [report("a", [issue])])
        let consumer = try #require(diagnosis.reports.first)
        #expect(diagnosis.isHealthy == !kind.isUnhealthy && consumer.isHealthy == !kind.isUnhealthy)
        #expect(diagnosis.problems.map(\.issue) == [issue])
        #expect(consumer.state == kind.rawValue.split(separator: "_").joined(separator: " "))
        let json = diagnosis.problems[0].json
        #expect(json["code"]?.string == kind.code && json["unhealthy"] == .boolean(kind.isUnhealthy))
        #expect(PageFrame.reasons(consumer).text.contains(kind.code))
        // Of the process itself, what keeps it from its work keeps traffic away too.
        #expect(Diagnosis(process: [issue], reports: []).reasonsNotReady == (kind.isOfProcess ? ["text"] : []))
        #expect(Diagnosis(process: [issue], reports: []).isHealthy == !kind.isUnhealthy)
    }

    @Test func `each code is explained on its page, as it is`() throws {
        let page = try String(
            contentsOf: Self.root.appendingPathComponent("Sources/godwit/Documentation.docc/Problems.md"),
            encoding: .utf8)
        #expect(Set(HealthIssue.Kind.allCases.map(\.code)).count == HealthIssue.Kind.allCases.count)
        for kind in HealthIssue.Kind.allCases {
            #expect(page.contains("\n## \(kind.code)\n"), "\(kind.code)")
            let row = "| \(kind.code) | \(kind.isUnhealthy ? "yes" : "no") | \(kind.isOfProcess ? "no" : "yes") |"
            #expect(page.contains(row), "\(row)")
        }
        let alert = try String(
            contentsOf: Self.root.appendingPathComponent("config/prometheus-rules.yml"), encoding: .utf8)
        let list = try #require(alert.split(separator: "code!~\"GW-(").dropFirst().first?.split(separator: ")").first)
        let quiet = Set(list.split(separator: "|").map { "GW-\($0)" })
        #expect(quiet == Set(HealthIssue.Kind.allCases.filter { !$0.isUnhealthy }.map(\.code)))
    }

    @Test func `a reason that names its state is not prefixed by it again`() {
        #expect(ConsumerDiagnosis.once("waiting", "waiting for x") == "waiting for x")
        #expect(ConsumerDiagnosis.once("waiting", "no broker answers") == "waiting: no broker answers")
    }

    // MARK: A process

    private func standing(
        isConnected: Bool = true, outage: String? = nil, holdsLease: Bool = true, isStopping: Bool = false,
        problem: SourceProblem? = nil, share: Int? = 1
    ) -> WorkerSnapshot {
        WorkerSnapshot(
            isConnected: isConnected, databaseOutage: outage, holdsLease: holdsLease, isStopping: isStopping,
            horizon: HorizonStatus(position: 5, latest: 9, waiting: nil, problem: problem),
            consumers: [
                WorkerSnapshot.Consumer(
                    name: "a", scope: .all, totalSegments: 1, done: 0, share: share,
                    own: ConsumerProgress(segments: share == 1 ? [0: 5] : [:], latest: 9), owners: [0: "w"])
            ])
    }

    private func reasons(_ standing: WorkerSnapshot, _ condition: ConsumerCondition = .flowing) -> [String] {
        RelayStatus(worker: "w", standing: standing, conditions: ["a": condition]).reasonsNotReady
    }

    @Test func `a process is ready that can do its work, whatever the events are`() {
        #expect(reasons(standing()).isEmpty)
        #expect(reasons(standing(), .halted("an event is too large")).isEmpty)
        #expect(
            reasons(standing(), .waiting("no Kafka broker answers")) == ["consumer a: waiting: no Kafka broker answers"]
        )
        #expect(reasons(standing(), .stalled("nothing")) == ["consumer a: stalled: nothing"])
        #expect(reasons(standing(), .refused("no right")).count == 1)
        #expect(reasons(standing(isConnected: false, outage: "too many clients")) == ["too many clients"])
        #expect(reasons(standing(outage: "a table is locked")) == ["a table is locked"])
        #expect(reasons(standing(holdsLease: false)).count == 1 && reasons(standing(isStopping: true)) == ["stopping"])
        #expect(reasons(standing(share: nil)).count == 1)
        let refusal = SourceProblem(text: "the sequence was reset", isRefusal: true)
        #expect(reasons(standing(problem: refusal)) == ["nothing is read: the sequence was reset"])
    }

    @Test func `figures of an earlier look say so, and a horizon that is not known is not 0`() {
        let store = StoreStatus(
            latest: 9, lastDrawn: 9, writers: [],
            consumers: [StoreStatus.Consumer(name: "a", segments: [], workers: [], order: nil)])
        let status = RelayStatus(
            worker: "w", standing: standing(isConnected: false), picture: .init(store: store, deadLetters: [:]),
            pictureAge: .seconds(25))
        let json = status.json
        #expect(json["horizon"]?["position"] == .null && json["figures_age_seconds"]?.text.hasPrefix("25") == true)
        #expect(json["healthy"] == false && json["ready"] == false)
        #expect(status.diagnosis.problems.map(\.issue.kind).first == .databaseAway)
        #expect(status.diagnosis.problems[0].issue.text.contains("25 s ago"))
    }
}
