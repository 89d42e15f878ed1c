import Consumers
import EventSourcing
import Kafka

/// The events of one feed batch on their way, over as many runs as it takes.
struct InFlightBatch {
    struct Entry {
        /// The row in the batch.
        let row: Int
        let segment: Int
        /// The topic's index in the router.
        var topic: Int
        var state = State.open
        /// Sent alone, because the broker rejected it together with others.
        var isSuspect = false
        /// Its record was found to fit its topic.
        var isSized = false
    }

    enum State: Sendable, Equatable {
        /// To be delivered.
        case open
        case acknowledged
        /// To be noted as parked.
        case parking
        /// The table of dead letters has it: nothing more is to be done.
        case settled
        /// Could not be redriven.
        case failed
        /// Left to be handed over again: its segment halts at it or before it, or is served no longer.
        case dropped
    }

    let id: Int
    let events: EventBatch
    /// Everything wanted up to this position is in this inFlight or an earlier one.
    let through: Int64
    /// Whether the next inFlight follows at once.
    var isFull = false
    var entries: [Entry]
    /// What is wrong with entries that are parked or could not be redriven, by their index.
    var flaws: [Int: Rejection] = [:]
    /// What the records of entries in the dead-letter topic say, by their index.
    var notes: [Int: DeadLetterNote] = [:]
    /// Whether these are parked events of one aggregate that are delivered again.
    var isRedrive = false

    /// The current run's batch, with the entries its records stand for.
    var batch: Batch?
    var handedToClient: ContinuousClock.Instant?
    var batchEntries: [Int] = []
    /// The only record under way, while entries are sent alone.
    var alone: Int?

    /// The entries that are to be delivered.
    var open: [Int] { entries.indices.filter { entries[$0].state == .open } }

    /// Whether something is to be delivered.
    var isOpen: Bool { entries.contains { $0.state == .open } }

    /// Whether something is to be noted as parked.
    var hasParking: Bool { entries.contains { $0.state == .parking } }

    func event(of entry: Int) -> EventView { events[entries[entry].row] }

    func position(of entry: Int) -> Int64 { event(of: entry).globalPosition }

    /// Takes in what the run's reports say, and gives the failures of what is still to be delivered.
    mutating func takeOutcomes() -> [FailureAssessment.Failure] {
        guard let batch else { return [] }
        let (acknowledged, failures) = batch.outcomes()
        for index in acknowledged.indices where acknowledged[index] {
            let entry = batchEntries[index]
            if entries[entry].state == .open { entries[entry].state = .acknowledged }
        }
        return failures.filter { entries[batchEntries[$0.index]].state == .open }.map { failure in
            FailureAssessment.Failure(
                entry: FailureAssessment.Entry(inFlight: id, index: batchEntries[failure.index]),
                error: KafkaError(failure.code), wasAlone: alone == failure.index)
        }
    }
}
