internal import CLibRDKafka
internal import DedicatedThread
package import Logging
internal import Synchronization

/// An idempotent producer.
///
/// Records are handed to librdkafka on the caller's thread, batch by batch, which does not block; reports are drained
/// by a pump thread. Batches keep their order when one task feeds after the other: two tasks that feed at once mix.
/// A producer has to be closed; until then its pump keeps it alive.
package final class Producer: Sendable {
    struct State {
        var isClosing = false
        /// Calls into librdkafka under way; the handle is destroyed only when there are none.
        var users = 0
        var topics = TopicPointers()
        var topicIndex: [String: Int] = [:]
        var slots = BatchSlots()
        var bytesInFlight = 0
        var connection = BrokerConnection()
        var fatalError: KafkaError?
        /// The first thing that was not a success. Nothing is taken after it: a later record of the same partition
        /// could overtake the one that failed.
        var failure: KafkaError?
        var stallWatch: StallWatch
    }

    let handle: ClientHandle
    let queue: EventQueue
    let logger: Logger
    /// Takes the client's statistics, a JSON text, on the pump's thread; they come as `statistics.interval.ms` says.
    let onStatistics: (@Sendable (String) -> Void)?
    let state: Mutex<State>
    /// Advances after each event of reports, and when something ends.
    let reports = Signal()
    let usersGone = Latch()
    let isPumpEnding = Mutex(false)
    private let pump = Mutex<PumpThread?>(nil)
    /// `nil` where the configuration says how long records linger, whatever follows.
    let lingerBreaker: LingerBreaker?

    /// Builds the client and starts its pump. Brokers need not be reachable: they are waited for.
    ///
    /// - Parameter stallLimit: After so long without any report, while records are under way and brokers are reached,
    ///   the instance fails: ``fatalError`` is set and open batches settle.
    /// - Throws: ``KafkaError`` with ``KafkaError/Code/configuration``.
    package init(
        _ configuration: ClientConfiguration, stallLimit: Duration = .seconds(120), logger: Logger,
        onStatistics: (@Sendable (String) -> Void)? = nil
    ) throws(KafkaError) {
        self.logger = logger
        self.onStatistics = onStatistics
        state = Mutex(State(stallWatch: StallWatch(limit: stallLimit)))
        handle = try NativeConfiguration(producer: configuration)
            .makeClient(RD_KAFKA_PRODUCER, configuration, sink: LogSink(logger))
        queue = EventQueue(mainOf: handle)
        lingerBreaker =
            configuration.decidesLinger ? nil : LingerBreaker(handle, linger: configuration.lingerUnderLoad)
        pump.withLock { $0 = PumpThread(name: "kafka-reports") { [self] in serve() } }
    }

    // MARK: Looking

    /// Records handed over and not yet reported. Cheap.
    package var queueLength: Int {
        unsafe withClient { client, _ in unsafe Int(rd_kafka_outq_len(client)) } ?? 0
    }

    /// Bytes of keys and values handed over and not yet reported. Cheap.
    package var queueBytes: Int { max(0, state.withLock { $0.bytesInFlight }) }

    /// Set once the instance has failed for good: build another one.
    package var fatalError: KafkaError? { state.withLock { $0.fatalError } }

    /// The first report that was not a success, or what else ended the instance: it takes no more records, and all
    /// its batches settle.
    package var failure: KafkaError? { state.withLock { $0.failure } }

    package var connection: BrokerConnection.Status { state.withLock { $0.connection.status } }

    // MARK: Producing

    /// Opens a batch, which keeps the source until its last report. Feed it and then end the feeding.
    package func open(_ source: any RecordSource) -> Batch {
        let (batch, isClosing) = state.withLock { ($0.slots.open(source), $0.isClosing) }
        if isClosing { batch.abandon(Self.closedError) }
        return batch
    }

    /// Hands over a whole batch. A full queue is waited out and the same record tried again.
    ///
    /// Returns when all records are handed over, or feeding had to stop: a record was refused, another one of the
    /// batch or another batch has failed, the producer is being closed, or the task is cancelled. The batch says what
    /// became of it.
    package func produce(_ source: any RecordSource) async -> Batch {
        let batch = open(source)
        _ = await feed(batch, from: source, indices: 0..<batch.count)
        endFeeding(batch)
        return batch
    }

    /// Hands over some records of a batch, in the order of `indices`, waiting out a full queue. False when feeding
    /// had to stop.
    package func feed(_ batch: Batch, from source: any RecordSource, indices: Range<Int>) async -> Bool {
        await feed(batch, from: source, indices: RecordIndices(indices))
    }

    /// Hands over some records of a batch, in the order of `indices`, waiting out a full queue. False when feeding
    /// had to stop.
    package func feed(_ batch: Batch, from source: any RecordSource, indices: RecordIndices) async -> Bool {
        var rest = indices
        while true {
            let generation = reports.generation
            let (taken, isFull) = hand(batch, from: source, rest)
            rest.dropFirst(taken)
            if rest.count == 0 { return true }
            if !isFull || Task.isCancelled { return false }
            await reports.wait(after: generation)
        }
    }

    /// No more records follow for the batch.
    ///
    /// - Parameter moreFollows: Another batch follows at once, so that records may wait for more to go together with.
    package func endFeeding(_ batch: Batch, moreFollows: Bool = false) {
        if batch.endFeeding() { retire(batch) }
        if !moreFollows { sendAtOnce() }
    }

    /// Has what was handed over sent without lingering, unless the configuration says how long it does. Does not wait.
    package func sendAtOnce() { lingerBreaker?.sendAtOnce() }

    /// Hands over records until the queue is full or one is refused.
    private func hand(
        _ batch: Batch, from source: any RecordSource, _ indices: RecordIndices
    ) -> (taken: Int, isFull: Bool) {
        guard !batch.hasFailed else { return (0, false) }
        if let failure = state.withLock({ $0.failure }) {
            batch.abandon(failure)
            return (0, false)
        }
        let result = unsafe withClient { client, topics -> (taken: Int, failure: (index: Int, error: KafkaError)?) in
            batch.announce(indices.count)
            var writer = RecordWriter(topics: topics)
            var taken = 0
            var bytes = 0
            var failure: (index: Int, error: KafkaError)?
            for place in 0..<indices.count {
                let index = indices[place]
                writer.begin(slot: BatchSlots.opaque(slot: batch.slot, index: index))
                source.fill(index, &writer)
                var error = unsafe writer.send(to: client)
                if error?.code == .queueFull, unsafe rd_kafka_outq_len(client) == 0 {
                    // Emptied meanwhile; or else the record alone is larger than the queue.
                    writer.begin(slot: BatchSlots.opaque(slot: batch.slot, index: index))
                    source.fill(index, &writer)
                    error = unsafe writer.send(to: client)
                    if error?.code == .queueFull { error = Self.largerThanQueueError }
                }
                if let error {
                    if error.code != .queueFull { failure = (index, error) }
                    break
                }
                bytes += writer.payloadBytes
                taken += 1
            }
            state.withLock { $0.bytesInFlight += bytes }
            if taken < indices.count {
                // Not settled by this: feeding has not ended.
                _ = batch.retract(indices.count - taken, failure: failure)
            }
            return (taken, failure)
        }
        guard let result = result else {
            batch.abandon(Self.closedError)
            return (0, false)
        }
        if let failure = result.failure { fail(failure.error) }
        return (result.taken, result.failure == nil)
    }

    // MARK: Inside

    /// Runs `body` with the client, unless it is being closed. `body` must not block.
    func withClient<Result>(_ body: (_ client: OpaquePointer, _ topics: TopicPointers) -> Result) -> Result? {
        let topics = state.withLock { state -> TopicPointers? in
            if state.isClosing { return nil }
            state.users += 1
            return state.topics
        }
        guard let topics else { return nil }
        defer {
            let isLast = state.withLock { state -> Bool in
                state.users -= 1
                return state.isClosing && state.users == 0
            }
            if isLast { usersGone.open() }
        }
        return unsafe body(handle.pointer, topics)
    }

    /// Ends the instance: no batch is waited for any longer, and no record is taken.
    func fail(_ error: KafkaError) {
        let batches = state.withLock { state -> [Batch] in
            guard state.failure == nil else { return [] }
            state.failure = error
            return state.slots.open
        }
        for batch in batches { batch.abandon(KafkaError(.purgedInQueue, message: "Another record was not delivered")) }
        reports.advance()
    }

    /// Forgets a batch the client is done with.
    func retire(_ batch: Batch) {
        state.withLock { $0.slots.close(batch) }
        batch.releaseSource()
    }

    func joinPump() { pump.withLock { $0 }?.join() }

    static let closedError = KafkaError(.destroyed, message: "The producer is closed")

    private static let largerThanQueueError = KafkaError(
        .messageTooLarge, message: "The record is larger than the producer's queue (queue.buffering.max.kbytes)")
}
