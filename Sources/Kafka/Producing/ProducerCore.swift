internal import DedicatedThread
internal import Logging
internal import Synchronization
internal import Telemetry

/// What a producer does, whichever client library is under it.
///
/// Generic, and its type known where it is made, so that nothing is looked up per record.
final class ProducerCore<Client: ProducingClient>: Sendable {
    struct State {
        var life = ProducerLife()
        var topics = KnownTopics()
        var slots = BatchSlots()
        var bytesInFlight = 0
        var connection = BrokerConnection()
        /// What the log says of the connection.
        var outages = OutageReports()
        var stallWatch: StallWatch
    }

    let client: Client
    let logger: Logger
    /// Takes the client's statistics on the pump's thread.
    let onStatistics: (@Sendable (String) -> Void)?
    /// Whether the client was made with secrets that have been replaced since. Reads files.
    private let isOutdated: (@Sendable () -> Bool)?
    let state: Mutex<State>
    /// Advanced after each event of reports, and when something ends.
    let reports = Signal()
    /// Advanced with ``reports``.
    private let observer: Signal?
    let callsEnded = Latch()
    let isPumpEnding = Atomic(false)
    private let pump = Mutex<PumpThread?>(nil)
    /// `nil` where the configuration says how long records linger, whatever follows.
    let lingerBreaker: LingerBreaker?

    /// Starts the pump, which keeps this object until it is closed.
    init(
        _ client: Client, lingering linger: Duration?, stallLimit: Duration, logger: Logger,
        observer: Signal? = nil, onStatistics: (@Sendable (String) -> Void)?,
        isOutdated: (@Sendable () -> Bool)? = nil
    ) {
        self.client = client
        self.logger = logger
        self.observer = observer
        self.onStatistics = onStatistics
        self.isOutdated = isOutdated
        state = Mutex(State(stallWatch: StallWatch(limit: stallLimit)))
        lingerBreaker = linger.map { LingerBreaker(client, linger: $0) }
        pump.withLock { $0 = PumpThread(name: "kafka-reports") { [self] in serve() } }
    }

    /// A client keeps the secrets that it was made with. Where brokers do not let it in, and there are others by now, it
    /// has to be replaced.
    func checkSecrets() {
        guard let isOutdated else { return }
        let isDown = state.withLock { state in
            if case .down = state.connection.status, state.life.failure == nil { true } else { false }
        }
        guard isDown, isOutdated() else { return }
        end(KafkaError(.outdatedSecrets))
    }

    // MARK: Calls of the client

    /// Runs `body` with the client, unless that is being ended. What blocks in it, the end waits for.
    func withClient<Result>(_ body: (Client) -> Result) -> Result? {
        guard state.withLock({ $0.life.beginCall() }) else { return nil }
        defer { endCall() }
        return body(client)
    }

    func endCall() {
        if state.withLock({ $0.life.endCall() }) { callsEnded.open() }
    }

    func joinPump() { pump.withLock { $0 }?.join() }

    // MARK: Batches

    func open(_ source: any RecordSource) -> Batch {
        let (batch, phase) = state.withLock { ($0.slots.open(source), $0.life.phase) }
        switch phase {
        case .running, .failing: break
        case .closing, .closed: batch.abandon(ProducerLife.closedError)
        }
        return batch
    }

    func endFeeding(_ batch: Batch, moreFollows: Bool) {
        if batch.endFeeding() { retire(batch) }
        if !moreFollows { lingerBreaker?.sendAtOnce() }
    }

    /// Forgets a batch the client is done with.
    func retire(_ batch: Batch) {
        state.withLock { $0.slots.close(batch) }
        batch.releaseSource()
    }

    /// Ends the run: no batch is waited for any longer, and no record is taken.
    func fail(_ error: KafkaError) {
        if state.withLock({ $0.life.fail(error) }) { abandonBatches() }
    }

    func abandonBatches() {
        let error = KafkaError(.purgedInQueue, message: "Another record was not delivered")
        for batch in state.withLock({ $0.slots.open }) { batch.abandon(error) }
        advanceReports()
    }

    func advanceReports() {
        reports.advance()
        observer?.advance()
    }
}
