import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// A segment that halts: the others go on, and so does it once that is fixed.
@Suite struct HaltTests {
    /// The segments of four by the aggregate that ``TestStore/appendOneEach(_:type:)`` gives each position.
    private func segment(of position: Int64) -> Int {
        let id = Array("aggregate-\(position - 1)".utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 4)
    }

    private func worker(
        _ test: TestStore, _ consumer: RecordingConsumer, _ source: EventSource, retry: Duration = .seconds(3600),
        isOneOff: Bool = false
    ) throws -> Worker {
        var options = test.options
        options.totalSegments = 4
        options.haltRetryInterval = retry
        if isOneOff { options.runMode = .oneOff }
        return try Worker(source, integrations: [consumer], options: options)
    }

    private func checkpoints(haltingAt position: Int64, others: Int64) -> [Int64] {
        (0..<4).map { $0 == segment(of: position) ? position - 1 : others }
    }

    @Test func `the segment's checkpoint stays before the event while the others move`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let consumer = RecordingConsumer(haltsAt: 13)
            let source = try test.source()
            let worker = try worker(test, consumer, source)
            let halted = segment(of: 13)
            let before = (1...Int64(20)).filter { segment(of: $0) != halted || $0 < 13 }
            try await test.running(worker, source) {
                try await consumer.wait(for: before.count)
                try await test.appendOneEach(20)
                let after = (21...Int64(40)).filter { segment(of: $0 - 20) != halted }
                try await consumer.wait(for: before.count + after.count)
                #expect(Set(consumer.all.map(\.globalPosition)) == Set(before + after))
                try await eventually("the checkpoints do not follow") {
                    try await test.checkpoints(of: "recorder").filter { $0 == 40 }.count == 3
                }
            }
            #expect(try await test.checkpoints(of: "recorder") == checkpoints(haltingAt: 13, others: 40))
            #expect(consumer.attempts == 1)
        }
    }

    @Test func `it is tried again now and then, and goes on by itself without a double`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let consumer = RecordingConsumer(haltsAt: 13)
            let source = try test.source()
            let worker = try worker(test, consumer, source, retry: .milliseconds(30))
            try await test.running(worker, source) {
                try await eventually("it is not tried again") { consumer.attempts >= 3 }
                consumer.fix()
                try await consumer.wait(for: 20)
                try await eventually("the halt still shows") {
                    await worker.snapshot().consumers[0].own.halts.isEmpty
                }
                try await test.appendOneEach(4)
                try await consumer.wait(for: 24)
            }
            #expect(consumer.all.map(\.globalPosition).sorted() == Array(1...24))
            #expect(try await test.checkpoints(of: "recorder") == [24, 24, 24, 24])
        }
    }

    @Test func `all segments may halt, and a stop ends the worker all the same`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(5)
            let consumer = RecordingConsumer(haltsAt: 2)
            let source = try test.source()
            var options = test.options
            options.totalSegments = 1
            let worker = try Worker(source, integrations: [consumer], options: options)
            try await test.running(worker, source) {
                try await eventually("nothing halts") { await worker.snapshot().consumers[0].own.halts.count == 1 }
            }
            #expect(try await test.checkpoints(of: "recorder") == [1])
        }
    }

    @Test func `a one-off run does everything else, then says where it halts`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(40)
            let consumer = RecordingConsumer(haltsAt: 13)
            let other = RecordingConsumer("other")
            let source = try test.source()
            var options = test.options
            options.totalSegments = 4
            options.runMode = .oneOff
            let worker = try Worker(source, integrations: [consumer, other], options: options)
            let error = await #expect(throws: PublicationHalted.self) {
                try await deadline { try await worker.run() }
            }
            #expect(error?.consumer == "recorder" && error?.halts.map(\.position) == [13])
            #expect(try await test.checkpoints(of: "recorder") == checkpoints(haltingAt: 13, others: 40))
            #expect(other.all.count == 40)
            await source.close()
        }
    }

    @Test func `who takes the segment over begins at the event`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let first = RecordingConsumer(haltsAt: 13)
            var source = try test.source()
            let halting = try worker(test, first, source)
            try await test.running(halting, source) {
                try await eventually("nothing halts") { await halting.snapshot().consumers[0].own.halts.count == 1 }
            }
            let second = RecordingConsumer()
            source = try test.source()
            let expected = (13...Int64(20)).filter { segment(of: $0) == segment(of: 13) }
            try await test.running(worker(test, second, source), source) { try await second.wait(for: expected.count) }
            #expect(second.all.map(\.globalPosition) == expected)
        }
    }
}
