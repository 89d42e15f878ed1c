import EventSourcing
import FoundationEssentials
import Postgres
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

/// Whose the segments are in Kafka, from the claim to the release.
@Suite struct ExactlyOnceStateTests {
    private let start = ContinuousClock.now
    private let segment = ServedSegment(segment: 3, checkpoint: 0, epoch: 7, attempt: 0)
    private let found = SegmentProgress(lineage: "l", epoch: 6, transactionalID: "former")

    /// A segment is served, and the producer owns its id.
    private func serving() -> ExactlyOnceState {
        var state = ExactlyOnceState(scope: .all, longestPause: .seconds(4))
        state.producerStarted()
        state.initialized()
        state.serve([3: segment], before: [:], ended: [])
        return state
    }

    private func takeOver(_ state: inout ExactlyOnceState, _ beginning: ExactlyOnceState.Beginning) {
        state.beganPreparing()
        state.tookOver([segment: beginning], served: [3: segment])
    }

    private func delivery(_ position: Int64) -> TransactionState.Delivery {
        TransactionState.Delivery(last: EventReference(position: position, eventID: UUID()))
    }

    @Test func `nothing is given to a producer before Kafka has recorded whose the segment is`() throws {
        var state = serving()
        #expect(state.preparation(of: [3: segment], now: start) == .takeOver([segment], known: [:]))
        #expect(!state.takesRecords)
        takeOver(&state, .after(found))
        #expect(state.preparation(of: [3: segment], now: start) == nil)
        #expect(!state.takesRecords && state.hasUnrecordedOwners)
        let records = state.commit([:], served: [3: segment], id: "own", now: start) ?? [:]
        #expect(records[3]?.epoch == 7 && records[3]?.transactionalID == "own" && records[3]?.lineage == "l")
        #expect(!state.takesRecords)
        state.committed(id: "own", served: [3: segment], now: start)
        #expect(state.takesRecords && !state.hasUnrecordedOwners)
    }

    @Test func `what the same claim has committed itself need not be recorded again, but under a new claim it must`() {
        var state = serving()
        takeOver(&state, .after(found))
        _ = state.commit([3: delivery(10)], served: [3: segment], id: "own", now: start)
        state.committed(id: "own", served: [3: segment], now: start)
        var again = segment
        again = ServedSegment(segment: 3, checkpoint: 10, epoch: 7, attempt: 1)
        state.serve([3: again], before: [3: segment], ended: [3])
        guard case .takeOver(_, let known)? = state.preparation(of: [3: again], now: start), let own = known[3] else {
            Issue.record("what was committed is not known")
            return
        }
        #expect(own.last?.position == 10)
        state.beganPreparing()
        state.tookOver([again: .after(own)], served: [3: again])
        #expect(state.takesRecords)
        let next = ServedSegment(segment: 3, checkpoint: 10, epoch: 8, attempt: 1)
        state.serve([3: next], before: [3: again], ended: [3])
        #expect(state.preparation(of: [3: next], now: start) == .takeOver([next], known: [:]))
        state.beganPreparing()
        state.tookOver([next: .after(own)], served: [3: next])
        #expect(!state.takesRecords && state.hasUnrecordedOwners)
    }

    @Test func `an answer that comes late gives nothing back that is another's, released, or claimed anew`() {
        var lost = serving()
        lost.beganPreparing()
        lost.lose([3])
        lost.tookOver([segment: .after(found)], served: [3: segment])
        #expect(lost.isLost(3) && lost.commit([3: delivery(1)], served: [3: segment], id: "own", now: start) == nil)
        var released = serving()
        released.beganPreparing()
        released.release([3])
        released.tookOver([segment: .after(found)], served: [3: segment])
        #expect(!released.takesRecords && !released.hasUnrecordedOwners)
        #expect(released.commit([3: delivery(1)], served: [3: segment], id: "own", now: start) == nil)
        var anew = serving()
        anew.beganPreparing()
        let next = ServedSegment(segment: 3, checkpoint: 0, epoch: 8, attempt: 0)
        anew.serve([3: next], before: [3: segment], ended: [3])
        anew.tookOver([segment: .after(found)], served: [3: next])
        #expect(anew.preparation(of: [3: next], now: start) == .takeOver([next], known: [:]))
    }

    @Test func `a commit under a claim that has ended says nothing of the next one`() {
        var state = serving()
        takeOver(&state, .after(found))
        _ = state.commit([3: delivery(10)], served: [3: segment], id: "own", now: start)
        let next = ServedSegment(segment: 3, checkpoint: 0, epoch: 8, attempt: 0)
        state.serve([3: next], before: [3: segment], ended: [3])
        state.committed(id: "own", served: [3: next], now: start)
        #expect(!state.takesRecords)
        #expect(state.preparation(of: [3: next], now: start) == .takeOver([next], known: [:]))
    }

    @Test
    func `a commit under a claim that has ended does not record the owner under the next one, taken over meanwhile`() {
        var state = serving()
        takeOver(&state, .after(found))
        _ = state.commit([3: delivery(10)], served: [3: segment], id: "own", now: start)
        let next = ServedSegment(segment: 3, checkpoint: 0, epoch: 8, attempt: 0)
        state.serve([3: next], before: [3: segment], ended: [3])
        state.beganPreparing()
        state.tookOver([next: .after(found)], served: [3: next])
        state.committed(id: "own", served: [3: next], now: start)
        #expect(!state.takesRecords && state.hasUnrecordedOwners)
        let progress = state.commit([:], served: [3: next], id: "own", now: start)
        #expect(progress?[3]?.epoch == 8 && progress?[3]?.last == found.last)
    }

    private func asks(_ state: inout ExactlyOnceState, _ now: ContinuousClock.Instant) -> Bool {
        state.asksForOwnership(now) { $0.next() }
    }

    @Test func `the ownership of lost segments is asked for less and less often, and shows, until a commit`() {
        var state = serving()
        var (now, pauses) = (start, [Duration]())
        for _ in 0..<8 {
            takeOver(&state, .lost)
            let questions = (asks(&state, now), asks(&state, now))
            #expect(questions == (true, false))
            let next = state.nextQuestion ?? now
            pauses.append(next - now)
            now = next
            // Served again as before.
            #expect((state.status == nil) == (pauses.count < 2))
            state.serve([3: segment], before: [3: segment], ended: [3])
        }
        #expect(pauses.last ?? .zero >= .seconds(1) && pauses.max() ?? .zero <= .seconds(4))
        takeOver(&state, .after(found))
        _ = state.commit([:], served: [3: segment], id: "own", now: now)
        state.committed(id: "own", served: [3: segment], now: now)
        #expect(state.status == nil)
        var question = asks(&state, now)
        #expect(!question)
        state.lose([3])
        question = asks(&state, now)
        #expect(question && state.status == nil)
    }
}
