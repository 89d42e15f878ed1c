/// A producer's life: what it takes, what is news, and when its client may be ended. A pure value.
///
///     running ─▶ failing ─▶ closing ─▶ closed
///        └─────────────────────▲
struct ProducerLife: Sendable {
    enum Phase: Sendable, Equatable {
        case running
        /// Something was not a success. Nothing is taken any more, since a later record of the same partition could overtake
        /// the one that failed; reports still come.
        case failing(KafkaError)
        /// No call begins any more. Those under way end first, then the client.
        case closing(after: KafkaError?)
        case closed(after: KafkaError?)
    }

    enum Closing: Sendable, Equatable {
        /// Another one closes the producer, or has.
        case isUnderWay
        /// The client may be ended now.
        case endsNow
        /// The client may be ended when the last call has ended.
        case awaitsCalls
    }

    private(set) var phase = Phase.running
    /// Why the client itself is of no more use, if it is.
    private(set) var fatalError: KafkaError?
    private var calls = 0

    /// The first thing that was not a success, before the closing.
    var failure: KafkaError? {
        switch phase {
        case .running: nil
        case .failing(let error): error
        case .closing(let error), .closed(let error): error
        }
    }

    private var isOpen: Bool {
        switch phase {
        case .running, .failing: true
        case .closing, .closed: false
        }
    }

    // MARK: Calls

    /// Why no record is taken, or nil when the call has begun.
    mutating func beginTaking() -> KafkaError? {
        switch phase {
        case .running:
            calls += 1
            return nil
        case .failing(let error): return error
        case .closing, .closed: return Self.closedError
        }
    }

    /// Begins a call of the client; false when it is being ended.
    mutating func beginCall() -> Bool {
        if isOpen { calls += 1 }
        return isOpen
    }

    /// True when the client waits for this call to be ended.
    mutating func endCall() -> Bool {
        precondition(calls > 0, "a call ends that has not begun")
        if case .closed = phase { preconditionFailure("a call outlives the client") }
        calls -= 1
        return calls == 0 && !isOpen
    }

    // MARK: Failing

    /// Something was not a success; true when that ends the run, so that open batches are to be abandoned.
    mutating func fail(_ error: KafkaError) -> Bool {
        // What fails while the producer is closed was given up by that.
        guard case .running = phase else { return false }
        phase = .failing(error)
        return true
    }

    /// The client has ended itself; true when a person should hear of it.
    mutating func endsItself(_ error: KafkaError) -> Bool {
        guard isOpen, fatalError == nil else { return false }
        fatalError = error
        defer { _ = fail(error) }
        // After a record's failure, or because of one, which its own report explains.
        return phase == .running && error.code != .gapless
    }

    // MARK: Closing

    mutating func close() -> Closing {
        guard isOpen else { return .isUnderWay }
        phase = .closing(after: failure)
        return calls == 0 ? .endsNow : .awaitsCalls
    }

    /// The client has been ended.
    mutating func ended() {
        guard case .closing(let failure) = phase else { preconditionFailure("a client ends that is not being closed") }
        precondition(calls == 0, "a client ends that is being called")
        phase = .closed(after: failure)
    }

    static let closedError = KafkaError(.destroyed, message: "The producer is closed")
}
