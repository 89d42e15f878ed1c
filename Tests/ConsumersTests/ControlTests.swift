import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// Orders given to running workers.
@Suite struct ControlTests {
    private func order(
        _ change: ControlChange, _ test: TestStore, of consumer: String = "recorder", channel: String? = nil
    ) async throws -> ConsumerControls.Outcome {
        let connection = try await test.connect()
        let outcome = try await ConsumerControls(test.tables, channel: channel)
            .apply(change, to: consumer, by: "ada@here", on: connection)
        await connection.close()
        return outcome
    }

    private func isPaused(_ worker: Worker, _ consumer: String = "recorder") -> Bool {
        worker.membership.flows[consumer]?.control.isPaused == true
    }

    /// The reader, and what is parked and to be delivered again, wait for the same.
    @Test(.timeLimit(.minutes(1)))
    func `all that a pause holds up goes on when it ends, and ends when the consumer stops`() async throws {
        for round in 0..<50 {
            let flow = FlowControl()
            flow.apply(ConsumerControl(isPaused: true, rate: nil))
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<4 { group.addTask { try await flow.admit(1, share: 1) } }
                for _ in 0..<round { await Task.yield() }
                if round % 2 == 0 { flow.apply(ConsumerControl()) } else { flow.close() }
                for try await count in group { #expect(count == (round % 2 == 0 ? 1 : nil)) }
            }
        }
    }

    @Test func `an order holds until it is taken back, and each is audited with who gave it`() async throws {
        try await TestStore.with { test in
            #expect(
                try await order(.pause, test) == .init(control: .init(isPaused: true, rate: nil), isNew: true))
            #expect(try await order(.pause, test).isNew == false)
            #expect(
                try await order(.rate(12.5), test) == .init(control: .init(isPaused: true, rate: 12.5), isNew: true))
            #expect(
                try await order(.resume, test) == .init(control: .init(isPaused: false, rate: 12.5), isNew: true))
            #expect(try await order(.rate(nil), test) == .init(control: .init(), isNew: true))
            #expect(try await order(.resume, test, of: "other").isNew == false)
            let connection = try await test.connect()
            let audit = try await connection.query(AuditLog(test.tables).newest(10))
            let lines = try audit.reversed().map { row in
                try (0..<4).map { try row.decode($0, as: String.self) }.joined(separator: " ")
            }
            #expect(
                lines == [
                    "ada@here pause consumer recorder ", "ada@here pause consumer recorder ",
                    "ada@here rate consumer recorder 12.5 events/s", "ada@here resume consumer recorder ",
                    "ada@here rate consumer recorder off", "ada@here resume consumer other ",
                ])
            await connection.close()
        }
    }

    @Test func `an order whose audit fails is not given`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(script: "DROP TABLE \"\(test.tables.godwitSchema)\".audit")
            await #expect(throws: PostgresError.self) { try await order(.pause, test) }
            #expect(try await connection.query(ControlsTable(test.tables).all).first == nil)
            await connection.close()
        }
    }

    @Test func `a paused consumer keeps its segments and checkpoints, feeds nothing, and goes on when resumed`()
        async throws
    {
        try await TestStore.with { test in
            try await test.appendOneEach(8)
            let (consumer, other) = (RecordingConsumer(), RecordingConsumer("other"))
            let source = try test.source()
            let worker = try Worker(source, integrations: [consumer, other], options: test.options)
            try await test.running(worker, source) {
                try await consumer.wait(for: 8)
                try await eventually("the checkpoints never followed") {
                    try await test.checkpoints(of: "recorder") == [8, 8, 8, 8]
                }
                _ = try await order(.pause, test)
                try await eventually("the worker never noticed") { isPaused(worker) }
                try await test.appendOneEach(8)
                try await other.wait(for: 16)
                try await eventually("the checkpoints of the other never followed") {
                    try await test.checkpoints(of: "other") == [16, 16, 16, 16]
                }
                #expect(consumer.all.count == 8)
                #expect(try await test.checkpoints(of: "recorder") == [8, 8, 8, 8])
                let standing = await worker.snapshot()
                #expect(standing.consumers[0].own.segments.count == 4)
                #expect(standing.isReady)
                _ = try await order(.resume, test)
                try await consumer.wait(for: 16)
                #expect(consumer.all.map(\.globalPosition) == Array(1...16))
            }
        }
    }

    @Test func `who starts while paused feeds nothing, and stops at once when told to`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(3)
            _ = try await order(.pause, test)
            let (consumer, other) = (RecordingConsumer(), RecordingConsumer("other"))
            let source = try test.source()
            let worker = try Worker(source, integrations: [consumer, other], options: test.options)
            try await test.running(worker, source) {
                try await eventually("it never owned its segments") {
                    await worker.snapshot().consumers[0].own.segments.count == 4
                }
                try await other.wait(for: 3)
                try await eventually("the checkpoints of the other never followed") {
                    try await test.checkpoints(of: "other") == [3, 3, 3, 3]
                }
            }
            #expect(consumer.all.isEmpty)
            #expect(try await test.checkpoints(of: "recorder") == [0, 0, 0, 0])
        }
    }

    @Test func `a rate spreads a batch out in order, and lifting it lets the rest go`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(60)
            _ = try await order(.rate(20), test)
            let consumer = RecordingConsumer()
            let source = try test.source()
            let worker = try test.worker(consumer, source)
            let start = ContinuousClock.now
            try await test.running(worker, source) {
                try await consumer.wait(for: 20)
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                #expect(Double(consumer.all.count) <= seconds * 20 + 6)
                #expect(consumer.all.count < 60)
                _ = try await order(.rate(nil), test)
                try await consumer.wait(for: 60)
                #expect(consumer.all.map(\.globalPosition) == Array(1...60))
            }
            #expect(try await test.checkpoints(of: "recorder") == [60, 60, 60, 60])
        }
    }

    @Test func `what passed in part is in the checkpoint, and the rest comes with the next start`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(40)
            _ = try await order(.rate(10), test)
            let first = RecordingConsumer()
            let source = try test.source()
            let worker = try test.worker(first, source)
            try await test.running(worker, source) { try await first.wait(for: 5) }
            #expect(first.all.count < 40)
            #expect(try await test.checkpoints(of: "recorder").max() == Int64(first.all.count))
            _ = try await order(.rate(nil), test)
            let second = RecordingConsumer()
            let again = try test.source()
            try await test.running(try test.worker(second, again), again) {
                try await second.wait(for: 40 - first.all.count)
            }
            #expect((first.all + second.all).map(\.globalPosition) == Array(1...40))
        }
    }

    @Test func `a process takes the part of the rate that its segments are`() async throws {
        let flow = FlowControl()
        flow.apply(ConsumerControl(rate: 100))
        #expect(try await flow.admit(500, share: 1) == 10)
        #expect(try await flow.admit(500, share: 0.5) == 5)
        // Nothing wanted is not held up by a rate.
        #expect(try await flow.admit(0, share: 0.001) == 0)
        flow.close()
        #expect(try await flow.admit(500, share: 1) == nil)
    }

    @Test(arguments: [false, true])
    func `by notification an order is noticed at once, long before the next heartbeat`(isAdaptive: Bool) async throws {
        try await TestStore.with { test in
            var options = test.options
            options.heartbeatInterval = .seconds(600)
            options.staleThreshold = .seconds(3000)
            let channel = TestDatabase.uniqueName("channel")
            var notify = NotifyDispatcher.Options(channel: channel)
            notify.isAdaptive = isAdaptive
            options.wakeupSource = .notify(notify)
            let source = try test.source()
            let consumer = RecordingConsumer()
            let worker = try Worker(source, integrations: [consumer], options: options)
            try await test.running(worker, source) {
                try await eventually("it never owned its segments") {
                    await worker.snapshot().consumers[0].own.segments.count == 4
                }
                try await eventually("the worker never noticed, however often it was told") {
                    _ = try await order(.pause, test, channel: channel)
                    return isPaused(worker)
                }
                _ = try await order(.resume, test, channel: channel)
                try await eventually("the worker never noticed") { !isPaused(worker) }
            }
        }
    }
}
