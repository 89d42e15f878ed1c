import EventSourcing
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// Sends events, and throws at those of one aggregate until it is fixed, when they are handed over or when they are
/// acknowledged.
private final class FragileSender: IntegrationConsumer {
    struct Refused: Error {}

    let name: String
    let scope = EventScope.all
    private let throwsLate: Bool
    private let poisoned: Mutex<String?>
    private let events = Mutex<[PersistedEvent]>([])
    private let attempts = Mutex(0)

    init(_ name: String = "sender", poisoned: String?, throwsLate: Bool = false) {
        self.name = name
        self.throwsLate = throwsLate
        self.poisoned = Mutex(poisoned)
    }

    func fix() { poisoned.withLock { $0 = nil } }
    var sent: [PersistedEvent] { events.withLock { $0 } }
    var failures: Int { attempts.withLock { $0 } }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        let poisoned = poisoned.withLock { $0 }
        if batch.contains(where: { $0.aggregateID == poisoned }) {
            attempts.withLock { $0 += 1 }
            if throwsLate { return Publication { throw Refused() } }
            throw Refused()
        }
        events.withLock { $0 += batch.map(\.event) }
        return .acknowledged
    }
}

/// Sends one event after another, as most do, and throws at one of them.
private final class LoopingSender: IntegrationConsumer {
    let name = "sender"
    let scope = EventScope.all
    private let poisoned: String
    private let events = Mutex<[Int64]>([])
    private let attempts = Mutex(0)

    init(poisoned: String) { self.poisoned = poisoned }

    var sent: [Int64] { events.withLock { $0 } }
    var failures: Int { attempts.withLock { $0 } }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        for event in batch {
            if event.aggregateID == poisoned {
                attempts.withLock { $0 += 1 }
                throw FragileSender.Refused()
            }
            events.withLock { $0.append(event.globalPosition) }
        }
        return .acknowledged
    }
}

@Suite struct FailingPublishTests {
    @Test func `in a batch only the event that fails halts its segment, and no other comes more than twice`()
        async throws
    {
        try await TestStore.with { test in
            let sender = LoopingSender(poisoned: "aggregate-6")
            let source = try test.source()
            var options = test.options
            options.failureRetryInterval = .milliseconds(50)
            options.haltRetryInterval = .milliseconds(100)
            try await test.appendOneEach(20)
            let worker = try Worker(source, integrations: [sender], options: options)
            let halted = segment(7)
            let expected = Set((1...Int64(20)).filter { segment($0) != halted || $0 < 7 })
            try await test.running(worker, source) {
                try await eventually("the others do not come: \(sender.sent)") { Set(sender.sent) == expected }
                try await eventually("the segments do not come to their ends") {
                    try await test.checkpoints(of: "sender").count { $0 == 20 } == 3
                }
                let halts = await worker.snapshot().consumers[0].own.halts
                #expect(halts.map(\.position) == [7] && halts.map(\.segment) == [halted])
                let failures = sender.failures
                try await eventually("it is not tried again") { sender.failures >= failures + 3 }
            }
            #expect(Set(sender.sent) == expected)
            #expect(Dictionary(grouping: sender.sent) { $0 }.values.allSatisfy { $0.count <= 2 }, "\(sender.sent)")
        }
    }

    private func segment(_ number: Int64) -> Int {
        let id = Array("aggregate-\(number - 1)".utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 4)
    }

    @Test(arguments: [false, true])
    func `a publish that throws halts its segments, and everything else goes on`(throwsLate: Bool) async throws {
        try await TestStore.with { test in
            // One event to a batch, so that only its own segment is in the way.
            let fragile = FragileSender(poisoned: "aggregate-12", throwsLate: throwsLate)
            let healthy = FragileSender("healthy", poisoned: nil)
            let source = try test.source()
            var options = test.options
            options.batchSize = 1
            options.haltRetryInterval = .milliseconds(100)
            let worker = try Worker(source, integrations: [fragile, healthy], options: options)
            try await test.appendOneEach(20)
            let halted = segment(13)
            let others = (1...Int64(20)).filter { segment($0) != halted }
            try await test.running(worker, source) {
                try await eventually("the other segments or the other consumer stand still") {
                    Set(fragile.sent.map(\.globalPosition)).isSuperset(of: others) && healthy.sent.count == 20
                }
                try await eventually("it is not tried again") { fragile.failures >= 3 }
                let halt = try #require(await worker.snapshot().consumers[0].own.halts.first)
                #expect(halt.segment == halted && halt.position == 13 && halt.reason.contains("Refused"))
                fragile.fix()
                try await eventually("it does not go on") {
                    try await test.checkpoints(of: "sender") == [20, 20, 20, 20]
                }
                try await eventually("the halt still shows") { await worker.snapshot().consumers[0].own.halts.isEmpty }
            }
            #expect(Set(fragile.sent.map(\.globalPosition)) == Set(1...20))
            // Nothing of the segment overtook the event that failed.
            let own = fragile.sent.filter { segment($0.globalPosition) == halted }.map(\.globalPosition)
            if !throwsLate { #expect(own == own.sorted() && Set(own).count == own.count) }
        }
    }

    @Test func `a one-off run does everything else, then throws`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let fragile = FragileSender(poisoned: "aggregate-12")
            let healthy = FragileSender("healthy", poisoned: nil)
            let source = try test.source()
            var options = test.options
            options.runMode = .oneOff
            options.batchSize = 1
            let worker = try Worker(source, integrations: [fragile, healthy], options: options)
            let error = await #expect(throws: ConsumerFailure.self) { try await worker.run() }
            #expect(error?.position == 13 && error?.consumer == "sender")
            #expect(healthy.sent.count == 20)
            await source.close()
        }
    }
}
