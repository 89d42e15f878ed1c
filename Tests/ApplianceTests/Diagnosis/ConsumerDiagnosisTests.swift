import Consumers
import EventSourcing
import Testing

@testable import Appliance
@testable import KafkaBridge

@Suite struct ConsumerDiagnosisTests {
    private func consumer(
        owners: [String?] = ["w", "w"], workers: [StoreStatus.Worker]? = nil, order: ConsumerControl? = nil,
        waiting: Int64 = 5, oldest: Duration? = .seconds(3)
    ) -> StoreStatus.Consumer {
        StoreStatus.Consumer(
            name: "identity",
            segments: owners.enumerated().map { id, owner in
                StoreStatus.Segment(
                    id: id, owner: owner, checkpoint: 10, lag: SegmentLag(counted: waiting, oldest: oldest))
            },
            workers: workers ?? [StoreStatus.Worker(id: "w", lastHeartbeat: .seconds(1))],
            order: order.map { StoreStatus.Order(control: $0, age: .seconds(200), actor: "ada@here") })
    }

    private func judge(
        _ consumer: StoreStatus.Consumer, writers: [HorizonHold] = [], longestLag: Duration? = nil
    ) -> [HealthIssue] {
        let store = StoreStatus(latest: 20, lastDrawn: 20, writers: writers, consumers: [consumer])
        return ConsumerDiagnosis(longestLag: longestLag).issues(of: consumer, in: store)
    }

    private func worker(_ condition: ConsumerCondition, id: String = "w") -> StoreStatus.Worker {
        StoreStatus.Worker(id: id, lastHeartbeat: .seconds(1), condition: condition)
    }

    @Test func `a consumer that works has nothing in its way`() {
        #expect(judge(consumer()).isEmpty)
    }

    @Test func `a source that could not be read for a while says for how long`() {
        var waiting = consumer()
        waiting.problem = SourceProblem(
            text: "the connection is lost", isRefusal: false, duration: .milliseconds(7_900))
        let issues = judge(waiting)
        #expect(issues.map(\.kind) == [.waiting])
        #expect(issues.map(\.text) == ["nothing could be read for 7 s: the connection is lost"])
    }

    @Test func `an audit that does not move is a problem where one is asked for`() {
        let store = StoreStatus(latest: 20, lastDrawn: 20, writers: [], consumers: [consumer()])
        var audit = AuditRecord(consumer: "identity", beganAfter: 0, reason: .first)
        audit.owner = "w"
        func issues(_ age: Duration, interval: Duration?) -> [HealthIssue] {
            audit.age = age
            return ConsumerDiagnosis(auditInterval: interval).issues(of: consumer(), audit: audit, in: store)
        }
        #expect(issues(.seconds(89), interval: .seconds(10)).isEmpty && issues(.seconds(9_999), interval: nil).isEmpty)
        let late = issues(.seconds(91), interval: .seconds(10))
        #expect(late.map(\.kind) == [.auditBehind] && late[0].text.contains("see the log of w"))
    }

    @Test func `an audit that waits for a segment names it, unless that is paused`() {
        func issues(_ checkpoints: [Int64], audited position: Int64, paused: Bool = false) -> [HealthIssue] {
            let consumer = StoreStatus.Consumer(
                name: "identity",
                segments: checkpoints.enumerated().map {
                    StoreStatus.Segment(id: $0, owner: "w", checkpoint: $1, lag: SegmentLag(counted: 0))
                },
                workers: [StoreStatus.Worker(id: "w", lastHeartbeat: .seconds(1))],
                order: paused
                    ? StoreStatus.Order(control: ConsumerControl(isPaused: true), age: .seconds(5), actor: "ada") : nil)
            var audit = AuditRecord(consumer: "identity", beganAfter: 0, reason: .first)
            (audit.owner, audit.position, audit.age) = ("w", position, .seconds(300))
            let store = StoreStatus(latest: 20, lastDrawn: 20, writers: [], consumers: [consumer])
            return ConsumerDiagnosis(auditInterval: .seconds(10)).issues(of: consumer, audit: audit, in: store)
                .filter { $0.kind == .auditBehind }
        }
        let waits = issues([40, 12, 30, 12], audited: 12)
        #expect(waits.map(\.kind) == [.auditBehind])
        #expect(waits.first?.text.hasPrefix("the audit waits for segments 1, 3 at position 12") == true, "\(waits)")
        #expect(issues([40, 12, 30, 12], audited: 12, paused: true).isEmpty)
        #expect(issues([40, 12], audited: 5).first?.text.contains("see the log of w") == true, "it is behind itself")
        #expect(
            issues([40, 40], audited: 40).first?.text.contains("see the log of w") == true, "no segment is special")
    }

    @Test func `what an audit has found is a problem, but doubles are none`() {
        let store = StoreStatus(latest: 20, lastDrawn: 20, writers: [], consumers: [consumer()])
        var audit = AuditRecord(consumer: "identity", beganAfter: 0, reason: .first)
        audit.counts.doubled = 3
        audit.counts.unproven = 2
        #expect(ConsumerDiagnosis().issues(of: consumer(), audit: audit, in: store).isEmpty)
        audit.counts.missing = 2
        audit.missing = [7, 9]
        audit.counts.disordered = 1
        let issues = ConsumerDiagnosis().issues(of: consumer(), audit: audit, in: store)
        #expect(issues.map(\.kind) == [.auditFound])
        let text = issues.first?.text ?? ""
        #expect(text.contains("2 missing, 1 out of order, the first at position 7"), "\(text)")
        #expect(text.contains("--from-position 7 --repair") && text.contains("godwit audit --reset identity"))
    }

    @Test func `who has no segments was never started`() {
        let issues = judge(consumer(owners: [], workers: []))
        #expect(issues.map(\.kind) == [.notStarted] && issues[0].kind.isUnhealthy)
    }

    @Test func `segments without an owner are a matter of moments while a worker lives, else unhealthy`() {
        let soon = judge(consumer(owners: ["w", nil]))
        #expect(soon.map(\.kind) == [.rebalancing] && !soon[0].kind.isUnhealthy)
        let gone = judge(consumer(owners: ["dead", nil, "dead", "dead"], workers: []))
        #expect(gone == [HealthIssue(.noOwner, "no process serves segments 0–3: start `godwit run`")])
    }

    @Test func `an owner that is not heard of any more is named with what it owns`() {
        let silent = StoreStatus.Worker(id: "w", lastHeartbeat: .seconds(90))
        #expect(
            judge(consumer(workers: [silent])) == [
                HealthIssue(
                    .ownerSilent, "w owns segments 0–1 and was last heard of 1 m 30 s ago: start `godwit run`")
            ])
        let stopped = judge(
            consumer(workers: [StoreStatus.Worker(id: "w", lastHeartbeat: .seconds(8), hasStopped: true)]))
        #expect(stopped.map(\.kind) == [.ownerSilent] && stopped[0].text.contains("has stopped"))
        let gone = StoreStatus.Worker(id: "w", lastHeartbeat: .seconds(2), isGone: true)
        let other = worker(.flowing, id: "other")
        #expect(judge(consumer(workers: [gone, other]))[0].text.hasSuffix("others take over"))
    }

    @Test func `an order is told with who gave it, and is no illness`() {
        let paused = judge(consumer(order: ConsumerControl(isPaused: true, rate: 5)))
        #expect(paused.map(\.kind) == [.paused, .limited])
        #expect(paused[0].text == "paused by ada@here 3 m 20 s ago: `godwit resume identity`")
        #expect(paused.map(\.kind.isUnhealthy) == [false, false])
        // A rate that nothing waits for is in nobody's way.
        #expect(judge(consumer(order: ConsumerControl(rate: 5), waiting: 0, oldest: nil)).isEmpty)
    }

    @Test(arguments: [
        (ConsumerCondition.halted("too large"), HealthIssue.Kind.halted), (.refused("no right"), .refused),
        (.waiting("no broker"), .waiting),
    ])
    func `what a worker reports of a consumer is shown, once, and only of owners`(
        condition: ConsumerCondition, kind: HealthIssue.Kind
    ) {
        let issues = judge(consumer(owners: ["w", "x"], workers: [worker(condition), worker(condition, id: "x")]))
        #expect(issues.map(\.kind) == [kind] && kind.isUnhealthy)
        #expect(issues[0].text.hasSuffix(condition.reason))
        #expect(judge(consumer(workers: [worker(.flowing), worker(condition, id: "idle")])).isEmpty)
    }

    @Test func `a transaction left open is named while something waits, an ordinary one is not`() {
        let old = HorizonHold(processID: 42, application: "psql", state: "idle in transaction", age: .seconds(63))
        let young = HorizonHold(processID: 43, application: "app", state: "active", age: .seconds(1))
        let issues = judge(consumer(), writers: [young, old])
        #expect(issues.map(\.kind) == [.heldBack] && issues[0].text.contains("pg_terminate_backend(42)"))
        #expect(judge(consumer(waiting: 0, oldest: nil), writers: [old]).isEmpty)
    }

    @Test func `an event that waits for longer than allowed is unhealthy`() {
        #expect(judge(consumer(), longestLag: .seconds(2)).map(\.kind) == [.tooFarBehind])
        #expect(judge(consumer(), longestLag: .seconds(4)).isEmpty)
        // An age that is not known accuses nobody.
        #expect(judge(consumer(oldest: nil), longestLag: .seconds(2)).isEmpty)
    }

    @Test func `a one-off run is reported, and the worst comes first`() {
        let once = StoreStatus.Worker(id: "w", lastHeartbeat: .zero, isOneOff: true)
        #expect(judge(consumer(workers: [once])).map(\.kind) == [.oneOff])
        let all = judge(
            consumer(
                owners: ["w", nil], workers: [worker(.waiting("x"))], order: ConsumerControl(isPaused: true, rate: 1)))
        #expect(all.map(\.kind) == [.paused, .waiting, .limited, .rebalancing])
    }
}

@Suite struct StatusWordsTests {
    @Test func `times, counts and segments read as people write them`() {
        let ages: [(Duration, String)] = [
            (.zero, "0 s"), (.milliseconds(340), "0.3 s"), (.milliseconds(9960), "10 s"), (.seconds(42), "42 s"),
            (.seconds(185), "3 m 5 s"), (.seconds(7440), "2 h 4 m"), (.seconds(273_600), "3 d 4 h"),
        ]
        for (age, text) in ages { #expect(AgeText.format(age) == text) }
        #expect(
            [0, 999, 1000, 1_234_567, -1000].map { CountText.format($0) } == [
                "0", "999", "1,000", "1,234,567", "-1,000",
            ])
        #expect(SegmentText.format([3]) == "segment 3" && SegmentText.format([7, 1, 0, 2]) == "segments 0–2, 7")
    }

    @Test func `a table aligns its columns, and numbers at their ends`() {
        var table = TextTable(["name", "lag", "why"], rightAligned: [1])
        table.add(["a", "1,234", "paused"])
        #expect(table.text == "name    lag  why\na     1,234  paused\n")
    }
}
