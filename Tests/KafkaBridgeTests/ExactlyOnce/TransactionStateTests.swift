import EventSourcing
import FoundationEssentials
import Kafka
import TestSupport
import Testing

@testable import KafkaBridge

/// A producer's transactions, one after the other.
@Suite struct TransactionStateTests {
    private let start = ContinuousClock.now
    private let limits = TransactionState.Limits(records: 10, time: .milliseconds(100), pause: .milliseconds(2))

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    @Test func `nothing is added before the id is owned, while a commit is under way, and right behind it`() {
        var state = TransactionState()
        #expect(!state.takesRecords && !state.hasRoom(limits, now: at(0)))
        state.initialized()
        #expect(state.hasRoom(limits, now: at(0)))
        state.took(3, now: at(0))
        state.commit([0: .init(last: EventReference(position: 3, eventID: UUID()))], now: at(1))
        #expect(!state.takesRecords && !state.hasRoom(limits, now: at(1)))
        #expect(state.committed(next: at(1) + limits.pause)[0]?.last?.position == 3)
        #expect(!state.hasRoom(limits, now: at(2)))
        #expect(state.opensAt(at(2)) == at(3))
        #expect(state.hasRoom(limits, now: at(3)))
        #expect(state.began == nil)
    }

    @Test func `a transaction ends with so many records, or after so long`() {
        var state = TransactionState()
        state.initialized()
        state.took(9, now: at(0))
        #expect(state.hasRoom(limits, now: at(99)))
        #expect(!state.hasRoom(limits, now: at(100)))
        state.took(1, now: at(1))
        #expect(!state.hasRoom(limits, now: at(2)))
    }

    @Test func `a transaction of many records waits a moment for more, and a small one does not`() {
        let limits = TransactionState.Limits(
            records: 10, time: .milliseconds(100), busy: 4, quiet: .milliseconds(5))
        var state = TransactionState()
        state.initialized()
        #expect(state.gathers(limits, now: at(0)) == nil)
        state.took(3, now: at(0))
        #expect(state.gathers(limits, now: at(0)) == nil)
        state.took(1, now: at(1))
        #expect(state.gathers(limits, now: at(2)) == at(6))
        #expect(state.gathers(limits, now: at(6)) == nil)
        state.took(1, now: at(97))
        // Not beyond its time.
        #expect(state.gathers(limits, now: at(98)) == at(100))
        state.took(5, now: at(98))
        #expect(state.gathers(limits, now: at(98)) == nil)
        state.commit([0: .init(last: EventReference(position: 3, eventID: UUID()))], now: at(99))
        _ = state.committed(next: at(99))
        #expect(state.gathers(limits, now: at(99)) == nil)
    }

    @Test func `what is known of the last transaction when its producer ends`() {
        func end(isCommitting: Bool, isFenced: Bool, isAborted: Bool) -> TransactionState.Phase {
            var state = TransactionState()
            state.initialized()
            state.took(1, now: at(0))
            if isCommitting { state.commit([:], now: at(1)) }
            state.end(isFenced: isFenced, isAborted: isAborted)
            // Later news change nothing.
            state.end(isFenced: !isFenced, isAborted: !isAborted)
            return state.phase
        }
        #expect(end(isCommitting: false, isFenced: false, isAborted: false) == .over(.aborted))
        #expect(end(isCommitting: true, isFenced: false, isAborted: false) == .over(.unknown))
        #expect(end(isCommitting: true, isFenced: false, isAborted: true) == .over(.aborted))
        #expect(end(isCommitting: true, isFenced: true, isAborted: false) == .over(.fenced))
    }

    @Test(arguments: [
        (KafkaError(.fenced, isFatal: true), TransactionFate.fatal),
        (KafkaError(.timedOut, isRetriable: true), .retriable),
        (KafkaError(.state, isRetriable: false, isFatal: false, isAbortable: true), .abortable),
        (KafkaError(.unknown, isRetriable: false, isFatal: false), .fatal),
    ])
    func `an error of a transaction is retriable, abortable or fatal, and fatal where that is not known`(
        _ error: KafkaError, _ fate: TransactionFate
    ) {
        #expect(error.transactionFate == fate)
    }
}
