import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// What was handed over, and is given up before it is done.
@Suite struct WithdrawalTests {
    /// Learns at its first batch that its segments may be others', and answers for what it gives up as if that were done.
    private final class Doubting: EndingConsumer {
        private struct State {
            var doubts = 2
            var rejoin: (@Sendable () -> Void)?
            var sent: [Int64] = []
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())
        let name = "doubting"
        let scope = EventScope.all
        let condition = ConsumerCondition.flowing
        let lastRecorded: BoundStatement? = nil
        var sent: [Int64] { state.withLock { $0.sent } }

        func run(
            _ retry: @escaping @Sendable (Set<Int>) -> Void, rejoin: @escaping @Sendable () -> Void,
            admit: @escaping @Sendable (Int) async throws -> Int?
        ) async throws {
            state.withLock { $0.rejoin = rejoin }
            try await Task.sleep(for: .seconds(3_600))
        }

        func serve(_ segments: [ServedSegment]) async throws {
            guard segments.isEmpty else { return }
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
        }

        func publish(_ batch: FeedBatch) async throws -> Publication {
            while state.withLock({ $0.rejoin == nil }) { try await Task.sleep(for: .milliseconds(1)) }
            let doubts = state.withLock { state in
                defer { state.doubts -= 1 }
                if state.doubts <= 0 { state.sent += batch.map(\.globalPosition) }
                return state.doubts > 0
            }
            guard doubts else { return .acknowledged }
            return Publication { [self] in
                await withCheckedContinuation { continuation in
                    let rejoin = state.withLock { state in
                        state.waiting.append(continuation)
                        return state.rejoin
                    }
                    rejoin?()
                }
                return .done
            }
        }

        func willRelease(_ segments: Set<Int>) async {}
        func wroteCheckpoints(_ checkpoints: [Int: Int64]) async {}
    }

    @Test(.timeLimit(.minutes(1)))
    func `a one-off run does not end with what was given up, and does not count it`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(30)
            let consumer = Doubting()
            let source = try test.source()
            var options = test.options
            options.runMode = .oneOff
            let processor = try BasicProcessor(publishing: consumer, source: source, options: options)
            try await processor.run()
            #expect(consumer.sent.sorted() == Array(1...30))
            #expect(processor.doneCount == 30)
            #expect(try await test.checkpoints(of: "doubting").allSatisfy { $0 == 30 })
            await source.close()
        }
    }
}
