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

    @Test func `delivery does not flow for a process whose database is away, or that reads nothing`() {
        func delivery(_ standing: WorkerSnapshot, _ condition: ConsumerCondition = .flowing) -> ConsumerCondition? {
            RelayStatus(worker: "w", standing: standing, conditions: ["a": condition]).deliveries["a"]
        }
        #expect(delivery(standing()) == .flowing)
        #expect(delivery(standing(isConnected: false, outage: "no server")) == .waiting("no server"))
        let refusal = SourceProblem(text: "the sequence was reset", isRefusal: true)
        #expect(delivery(standing(problem: refusal)) == .waiting("nothing is read: the sequence was reset"))
        #expect(delivery(standing(isConnected: false), .halted("too large")) == .halted("too large"))
        let status = RelayStatus(
            worker: "w", standing: standing(isConnected: false, outage: "no server"), conditions: ["a": .flowing])
        guard case .array(let consumers)? = status.json["consumers"] else { return #expect(Bool(false)) }
        #expect(consumers.first?["delivery"]?["status"] == "waiting")
    }

    // MARK: Generated worlds

    /// A world as the database has it, and as one of its processes knows it.
    private struct World {
        var store: StoreStatus
        var letters: [String: DeadLetters.Count] = [:]
        var standing: WorkerSnapshot
        var conditions: [String: ConsumerCondition] = [:]

        init(seed: UInt64) {
            var random = Seeded(seed)
            func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }
            func condition() -> ConsumerCondition {
                [.flowing, .flowing, .waiting("w"), .refused("r"), .stalled("s"), .halted("h")]
                    .randomElement(using: &random) ?? .flowing
            }
            var consumers: [StoreStatus.Consumer] = []
            var known: [WorkerSnapshot.Consumer] = []
            for number in 0..<Int.random(in: 1...4, using: &random) {
                let name = "consumer-\(number)"
                let isOwn = !chance(4)
                let own = isOwn ? condition() : .flowing
                conditions[name] = own
                let lag = SegmentLag(
                    counted: chance(2) ? 0 : 7, oldest: .seconds(Int.random(in: 0...90, using: &random)))
                let owner = isOwn ? "w" : chance(2) ? "other" : nil
                var workers = [StoreStatus.Worker(id: "w", lastHeartbeat: .zero, condition: own)]
                if chance(2) {
                    workers.append(
                        StoreStatus.Worker(
                            id: "other", lastHeartbeat: .seconds(chance(2) ? 1 : 60), isGone: chance(4),
                            condition: condition(), hasStopped: chance(4)))
                }
                consumers.append(
                    StoreStatus.Consumer(
                        name: name,
                        segments: chance(8)
                            ? [] : (0..<2).map { .init(id: $0, owner: owner, checkpoint: 3, lag: lag) },
                        workers: workers,
                        order: chance(3)
                            ? .init(
                                control: ConsumerControl(isPaused: chance(2), rate: chance(2) ? 5 : nil),
                                age: .seconds(9), actor: "ada") : nil))
                known.append(
                    WorkerSnapshot.Consumer(
                        name: name, scope: .all, totalSegments: 2, done: 0, share: isOwn ? 2 : 0,
                        own: ConsumerProgress(segments: isOwn ? [0: 3, 1: 3] : [:], latest: 9), owners: [:]))
            }
            store = StoreStatus(latest: 9, lastDrawn: 9, writers: [], consumers: consumers)
            standing = WorkerSnapshot(
                isConnected: !chance(6), databaseOutage: chance(6) ? "locked" : nil, holdsLease: !chance(6),
                isStopping: false, horizon: HorizonStatus(position: 5, latest: 9, waiting: nil, problem: nil),
                consumers: known)
        }
    }

    @Test(arguments: seeds(300, of: "worlds that are diagnosed"))
    func `in generated worlds no surface is more optimistic than another`(seed: UInt64) throws {
        let world = World(seed: seed)
        let picture = StatusSource.Picture(store: world.store, deadLetters: world.letters)
        let names = Set(world.store.consumers.map(\.name))
        let command = Diagnosis(reports: ConsumerDiagnosis().reports(picture, configured: names))
        let process = RelayStatus(
            worker: "w", standing: world.standing, conditions: world.conditions, picture: picture, pictureAge: .zero)
        let own = process.diagnosis

        // What the database has, the process has too; it may know more.
        for (one, other) in zip(command.reports, own.reports) {
            #expect(Set(one.issues).isSubset(of: Set(other.issues)), "\(one.issues) \(other.issues)")
            #expect(one.isHealthy || !other.isHealthy)
        }
        #expect(command.isHealthy || !own.isHealthy)
        for diagnosis in [command, own] {
            // Each is once in the list, and all of them are.
            let listed = diagnosis.problems
            #expect(Set(listed.map(\.issue)).count == listed.count)
            #expect(Set(listed.map(\.issue)) == Set(diagnosis.process + diagnosis.reports.flatMap(\.issues)))
            #expect(diagnosis.isHealthy == !listed.contains { $0.issue.kind.isUnhealthy })
            for report in diagnosis.reports {
                #expect(report.isHealthy == !report.issues.contains { $0.kind.isUnhealthy })
                #expect((report.state == "up to date" || report.state == "flowing") == report.issues.isEmpty)
            }
        }
        // JSON, probe and page are made of the same.
        let json = process.json
        #expect(json["healthy"] == .boolean(own.isHealthy) && json["ready"] == .boolean(own.reasonsNotReady.isEmpty))
        #expect(json["problems"]?.items.compactMap { $0["code"]?.string } == own.problems.map(\.issue.kind.code))
        let page = OverviewPage.html(
            DashboardModel(ProcessStatus([(nil, process)]), rates: [:]),
            PageContext(caller: .anyone, route: .overview, path: "/"), filter: OverviewFilter(), span: .hour
        ).text
        for problem in own.problems { #expect(page.contains(problem.issue.kind.code)) }
        #expect(
            page.contains(">unhealthy<") == !own.isHealthy && page.contains(">not ready<") == (json["ready"] == false))
        // Who cannot do its work is neither ready nor healthy.
        let cannotWork =
            !world.standing.isConnected || world.standing.databaseOutage != nil || !world.standing.holdsLease
        if cannotWork { #expect(!own.reasonsNotReady.isEmpty && !own.isHealthy) }
        for (name, condition) in world.conditions {
            switch condition {
            case .waiting, .stalled, .refused: #expect(!own.reasonsNotReady.isEmpty, "\(name)")
            case .flowing, .halted: break
            }
        }
    }
}
