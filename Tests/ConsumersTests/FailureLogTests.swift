import FoundationEssentials
import Testing

@testable import Consumers

/// When an event that a consumer failed at is tried again, and how long its failure shows.
@Suite struct FailureLogTests {
    private struct Poison: Error {}
    private let start = ContinuousClock.now

    private func failure(_ segment: Int, at position: Int64) -> ConsumerFailure {
        ConsumerFailure(
            consumer: "c", segment: segment, position: position, eventID: UUID(), eventType: "T", underlying: Poison())
    }

    @Test func `the wait doubles with each failure of the same event, up to the longest`() {
        var log = FailureLog(initialInterval: .seconds(1), maximumInterval: .seconds(30))
        let waits = (0..<7).map { _ in log.note(failure(0, at: 5), now: start).wait }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        #expect(log.due(0) == start.advanced(by: .seconds(30)))
        // Another event begins anew, and so does another segment.
        #expect(log.note(failure(0, at: 9), now: start) == (.seconds(1), true))
        #expect(log.note(failure(1, at: 9), now: start).wait == .seconds(1))
    }

    @Test func `a first wait above the longest is cut`() {
        var log = FailureLog(initialInterval: .seconds(1), maximumInterval: .milliseconds(50))
        #expect(log.note(failure(0, at: 5), now: start).wait == .milliseconds(50))
    }

    @Test func `a failure shows until the segment has passed the event`() {
        var log = FailureLog(initialInterval: .seconds(1), maximumInterval: .seconds(30))
        log.note(failure(2, at: 5), now: start)
        log.passed(2, through: 4)
        log.passed(1, through: 100)
        #expect(log.halts.map(\.position) == [5])
        #expect(log.halts[0].reason.contains("Poison"))
        log.passed(2, through: 5)
        #expect(log.halts.isEmpty && log.due(2) == nil)
    }

    @Test func `a segment that is another worker's is forgotten`() {
        var log = FailureLog(initialInterval: .seconds(1), maximumInterval: .seconds(30))
        log.note(failure(0, at: 5), now: start)
        log.note(failure(1, at: 6), now: start)
        log.keep([1])
        #expect(log.failures.map(\.segment) == [1])
    }
}
