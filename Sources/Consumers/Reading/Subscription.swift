package import EventSourcing
import Synchronization

/// One consumer's place in the log: gives each event of its scope and segments once, in order, up to the settled horizon.
///
/// The reader offers batches, which are queued here until they are taken; one task takes. A subscription ends with the
/// reader's connection: then a new one begins at the checkpoints.
final class Subscription: Sendable {
    /// Names the subscription in the reader's plan.
    let id: Int
    let scope: EventScope
    /// A one-off consumer ends here.
    let target: Int64?
    /// Events behind this position are wanted.
    let cursor: Int64
    /// Larger payloads need not come; asked at each read.
    let largestPayload: @Sendable () -> Int
    private let selection: SegmentSelection
    /// Told when something was taken or is waited for, while the reader wants to know.
    private let reader: WakeSignal
    private let state: Mutex<State>

    /// Told how many events the scope's filter has left out.
    private let noteFiltered: @Sendable (Int) -> Void

    /// Batches that may wait to be taken.
    static let mostBatches = 64
    /// After so many positions of which nothing was wanted, the progress is reported to the consumer.
    private static let silentStretch: Int64 = 5_000

    private struct State {
        var queue: [LogBatch] = []
        /// The bytes of the batches that wait.
        var bytes = 0
        /// Everything up to here was taken.
        var taken: Int64
        /// Everything up to here was taken or has nothing in it that is wanted, but for what waits in the queue.
        var progress: Int64
        /// The end of what the consumer was told of.
        var reported: Int64
        /// Whether to tell the consumer of progress although nothing came for it.
        var isProgressDue = false
        var isReaderWaiting = false
        var ending: Ending?
        var waiter: CheckedContinuation<Void, Never>?
        /// Which kinds are wanted, by their numbers; `nil` for those that never occurred.
        var wanted: [Bool?] = []

        /// Whether a kind is wanted, of which only the reader knows what it is.
        mutating func wants(_ number: Int, _ scope: EventScope, _ kinds: [EventKinds.Kind]) -> Bool {
            if number == EventKinds.overflow { return true }
            if number >= wanted.count {
                wanted.append(contentsOf: Array(repeating: nil, count: number + 1 - wanted.count))
            }
            if let known = wanted[number] { return known }
            let wants = kinds[number].isWanted(by: scope)
            wanted[number] = wants
            return wants
        }
    }

    private enum Ending {
        case finished
        case interrupted
    }

    /// - Parameters:
    ///   - cursor: events behind this position are wanted.
    ///   - queueBytes: no room for another batch once so many bytes wait.
    init(
        id: Int, scope: EventScope, selection: SegmentSelection, after cursor: Int64, target: Int64?,
        queueBytes: Int, reader: WakeSignal, largestPayload: @escaping @Sendable () -> Int = { .max },
        noteFiltered: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.noteFiltered = noteFiltered
        self.largestPayload = largestPayload
        self.id = id
        self.scope = scope
        self.cursor = cursor
        self.selection = selection
        self.target = target
        self.queueBytes = queueBytes
        self.reader = reader
        state = Mutex(State(taken: cursor, progress: cursor, reported: cursor))
    }

    private let queueBytes: Int

    // MARK: The consumer's side

    /// Waits for the next batch; `nil` once the subscription was finished, or its target is reached.
    ///
    /// A batch without events means that there were none up to its end.
    ///
    /// - Throws: ``SubscriptionInterrupted`` when the reader begins anew; `CancellationError`.
    func next() async throws -> FeedBatch? {
        while true {
            try Task.checkCancellation()
            switch state.withLock({ take(&$0) }) {
            case .batch(let batch):
                let wanted = state.withLock { $0.wanted }
                var filtered = 0
                let selected = selection.select(from: batch, wanted: wanted, scope: scope, filtered: &filtered)
                if filtered > 0 { noteFiltered(filtered) }
                if selected.isEmpty {
                    // A consumer that catches up records its way through what it leaves out.
                    state.withLock { state in
                        if batch.through - state.reported >= Self.silentStretch { state.isProgressDue = true }
                    }
                    continue
                }
                state.withLock { $0.reported = max($0.reported, batch.through) }
                return FeedBatch(batch, selected)
            case .progress(let position): return FeedBatch(events: nil, selection: [], through: position)
            case .end: return nil
            case .interrupted: throw SubscriptionInterrupted()
            case .wait: await waitForOffer()
            }
        }
    }

    /// Ends ``next()``, whatever waits.
    func finish() { end(.finished) }

    private enum Step {
        case batch(LogBatch)
        case progress(Int64)
        case wait, end, interrupted
    }

    private func take(_ state: inout State) -> Step {
        switch state.ending {
        case .finished: return .end
        case .interrupted: return .interrupted
        case nil: break
        }
        if !state.queue.isEmpty {
            let batch = state.queue.removeFirst()
            state.bytes -= batch.memorySize
            state.taken = max(state.taken, batch.through)
            if state.isReaderWaiting { reader.wake() }
            return .batch(batch)
        }
        state.taken = max(state.taken, state.progress)
        let isReached = target.map { state.taken >= $0 } ?? false
        if state.taken > state.reported, state.isProgressDue || isReached {
            state.isProgressDue = false
            state.reported = state.taken
            return .progress(state.taken)
        }
        state.isProgressDue = false
        return isReached ? .end : .wait
    }

    private func waitForOffer() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    let isReached = target.map { state.progress >= $0 && state.queue.isEmpty } ?? false
                    if !state.queue.isEmpty || state.ending != nil || state.isProgressDue || isReached
                        || Task.isCancelled
                    {
                        return true
                    }
                    state.waiter = continuation
                    if state.isReaderWaiting { reader.wake() }
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            resume { _ in }
        }
    }

    /// Makes a change and wakes the one who waits.
    private func resume(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    // MARK: The reader's side

    /// Whether there is room for another batch, and whether the consumer waits for one.
    ///
    /// - Parameter isReaderWaiting: whether the reader is to be woken when that changes.
    func demand(isReaderWaiting: Bool) -> (hasRoom: Bool, isHungry: Bool) {
        state.withLock { state in
            let hasRoom = state.queue.count < Self.mostBatches && state.bytes < queueBytes
            state.isReaderWaiting = isReaderWaiting || !hasRoom
            return (hasRoom, state.waiter != nil && state.queue.isEmpty)
        }
    }

    /// Queues a batch if something in it is wanted, and notes the progress otherwise.
    ///
    /// - Parameter kinds: what the numbers stand for.
    func offer(_ batch: LogBatch, _ kinds: [EventKinds.Kind]) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard batch.through > state.progress, state.ending == nil else { return nil }
            let batch = batch.behind(state.progress)
            state.progress = batch.through
            var isWanted = batch.kinds.isEmpty
            for number in batch.kinds where state.wants(number, scope, kinds) { isWanted = true }
            guard isWanted else { return nil }
            state.queue.append(batch)
            state.bytes += batch.memorySize
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Notes that everything up to a position was offered.
    ///
    /// - Parameter isDue: whether to tell the consumer, if it has not heard of that much.
    func advance(to position: Int64, isDue: Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.ending == nil else { return nil }
            state.progress = max(state.progress, position)
            let isReached = target.map { state.progress >= $0 } ?? false
            guard state.queue.isEmpty, isReached || isDue && state.progress > state.reported else { return nil }
            state.isProgressDue = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Drops what was not taken.
    ///
    /// - Returns: the position to go on from.
    func dropQueue() -> Int64 {
        state.withLock { state in
            guard !state.queue.isEmpty else { return max(state.taken, state.progress) }
            state.queue = []
            state.bytes = 0
            state.progress = state.taken
            return state.taken
        }
    }

    /// The reader begins anew.
    func interrupt() { end(.interrupted) }

    private func end(_ ending: Ending) {
        resume { state in
            state.ending = state.ending ?? ending
            state.queue = []
            state.bytes = 0
        }
    }
}

/// The reader lost its connection or found another log in its place: go on from the checkpoints.
struct SubscriptionInterrupted: Error {}
