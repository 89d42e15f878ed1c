internal import Synchronization

/// The records of one source on their way, and what became of each.
///
/// Filled by the producer's pump, once per event of up to thousands of reports.
package final class Batch: Sendable {
    package let count: Int
    let slot: UInt32
    private let signal = Signal()
    private let state: Mutex<State>

    private struct Outcome {
        var offset: Int64
        var partition: Int32
        var code: Int32
        static let pendingCode = Int32.min
    }

    private struct State {
        var outcomes: [Outcome]
        var source: (any RecordSource)?
        /// Records handed to librdkafka whose report is still to come.
        var outstanding = 0
        /// Since when records are outstanding and none was reported.
        var waitingSince: ContinuousClock.Instant?
        var acknowledged = 0
        var prefix = 0
        var failure: BatchProgress.Failure?
        /// From how many acknowledged records on a caller waits, if for fewer than all; no caller is woken in between.
        var awaited = Int.max
        var isFed = false
        var isAbandoned = false
        /// The failure is no report's, but stands for records that nobody will report on.
        var isAssumed = false
        var isSettled: Bool { isAbandoned || (isFed && outstanding == 0) }
        /// librdkafka holds none of the records, and gets none: only then may the source's bytes go.
        var isDone: Bool { (isFed || isAbandoned) && outstanding == 0 }
    }

    init(slot: UInt32, source: any RecordSource) {
        self.slot = slot
        let count = source.count
        self.count = count
        let pending = Outcome(offset: -1, partition: -1, code: Outcome.pendingCode)
        state = Mutex(State(outcomes: Array(repeating: pending, count: count), source: source))
    }

    // MARK: Looking

    package var progress: BatchProgress { state.withLock { Self.progress(of: $0, count) } }

    /// Since when records of this batch are under way and none of them was reported, whatever comes of other batches: of the
    /// oldest one this shows a partition or a broker that is silent while others answer. Nil while nothing is under way.
    package var waitingSince: ContinuousClock.Instant? { state.withLock { $0.waitingSince } }

    package func outcome(at index: Int) -> RecordOutcome {
        let outcome = state.withLock { $0.outcomes[index] }
        return switch outcome.code {
        case Outcome.pendingCode: .pending
        case 0: .acknowledged(partition: outcome.partition, offset: outcome.offset)
        default: .failed(KafkaError(KafkaError.Code(rawValue: outcome.code)))
        }
    }

    /// Waits until every record fed is reported. Returns earlier only when the task is cancelled.
    package func settled() async -> BatchProgress { await progress { $0.isSettled } }

    /// Waits until so many records are acknowledged, whichever, or something failed, or the batch is settled. One task
    /// at a time.
    package func progress(acknowledging count: Int) async -> BatchProgress {
        state.withLock { $0.awaited = count }
        defer { state.withLock { $0.awaited = .max } }
        return await progress { $0.acknowledged >= count || $0.failure != nil || $0.isSettled }
    }

    /// The indices that are acknowledged, and those that failed with their codes, in one look.
    package func outcomes() -> (acknowledged: [Bool], failures: [(index: Int, code: KafkaError.Code)]) {
        state.withLock { state in
            var failures: [(index: Int, code: KafkaError.Code)] = []
            let acknowledged = state.outcomes.indices.map { index in
                let code = state.outcomes[index].code
                if code != 0, code != Outcome.pendingCode { failures.append((index, KafkaError.Code(rawValue: code))) }
                return code == 0
            }
            return (acknowledged, failures)
        }
    }

    private func progress(until condition: (BatchProgress) -> Bool) async -> BatchProgress {
        while true {
            let generation = signal.generation
            let progress = progress
            if condition(progress) || Task.isCancelled { return progress }
            await signal.wait(after: generation)
        }
    }

    private static func progress(of state: borrowing State, _ count: Int) -> BatchProgress {
        BatchProgress(
            count: count, acknowledgedPrefix: state.prefix, acknowledged: state.acknowledged, failure: state.failure,
            isSettled: state.isSettled)
    }

    // MARK: For the producer

    var hasFailed: Bool { state.withLock { $0.failure != nil || $0.isAbandoned } }

    /// Announces records before they are handed over: a report may arrive before the call returns.
    func announce(_ records: Int) {
        state.withLock { state in
            if state.outstanding == 0, records > 0 { state.waitingSince = .now }
            state.outstanding += records
        }
    }

    /// Takes back the announcement of records that were not taken; true when the producer is done with the batch.
    func retract(_ records: Int, failure: (index: Int, error: KafkaError)?) -> Bool {
        let isDone = state.withLock { state -> Bool in
            state.outstanding -= records
            if state.outstanding == 0 { state.waitingSince = nil }
            if let failure {
                state.outcomes[failure.index].code = failure.error.code.rawValue
                Self.note(failure.index, failure.error, in: &state)
            }
            return state.isDone
        }
        if failure != nil || isDone { signal.advance() }
        return isDone
    }

    /// No more records follow; true when the producer is done with the batch.
    func endFeeding() -> Bool {
        let isDone = state.withLock { state -> Bool in
            state.isFed = true
            return state.isDone
        }
        if isDone { signal.advance() }
        return isDone
    }

    /// Takes reports; true when the producer is done with the batch.
    func take(_ reports: ArraySlice<Report>, fatal: KafkaError?) -> Bool {
        let (isDone, isAwaited) = state.withLock { state -> (Bool, Bool) in
            for report in reports {
                let index = Int(report.index)
                state.outcomes[index] = Outcome(offset: report.offset, partition: report.partition, code: report.code)
                if report.code == 0 {
                    state.acknowledged += 1
                } else {
                    // What a report says is worth more than what was assumed when the producer failed.
                    if state.isAssumed { state.failure = nil }
                    state.isAssumed = false
                    let code = KafkaError.Code(rawValue: report.code)
                    Self.note(index, code == .fatal ? fatal ?? KafkaError(code) : KafkaError(code), in: &state)
                }
            }
            state.outstanding -= reports.count
            state.waitingSince = state.outstanding > 0 ? .now : nil
            while state.prefix < state.outcomes.count, state.outcomes[state.prefix].code == 0 { state.prefix += 1 }
            return (state.isDone, state.isSettled || state.failure != nil || state.acknowledged >= state.awaited)
        }
        if isAwaited { signal.advance() }
        return isDone
    }

    /// The producer is gone, or about to be: nothing more is waited for. The source is kept.
    func abandon(_ error: KafkaError) {
        state.withLock { state in
            if state.isSettled { return }
            state.isAbandoned = true
            if state.failure == nil,
                let index = state.outcomes.firstIndex(where: { $0.code == Outcome.pendingCode })
            {
                state.isAssumed = true
                Self.note(index, error, in: &state)
            }
        }
        signal.advance()
    }

    /// Lets go of the source's bytes, once librdkafka no longer reads them.
    func releaseSource() { state.withLock { $0.source = nil } }

    private static func note(_ index: Int, _ error: KafkaError, in state: inout State) {
        if let failure = state.failure, failure.index <= index { return }
        state.failure = BatchProgress.Failure(index: index, error: error)
    }
}
