import Consumers
import EventSourcing
import Kafka

/// The events of one feed batch on their way, over as many runs as it takes.
struct Consignment {
    struct Entry {
        /// The row in the batch.
        let row: Int
        /// The topic's index in the router.
        let topic: Int
        var isAcknowledged = false
        /// Sent alone, because the broker rejected it together with others.
        var isSuspect = false
    }

    let id: Int
    let events: EventBatch
    var entries: [Entry]

    /// The current run's batch, with the entries its records stand for.
    var batch: Batch?
    var handedToClient: ContinuousClock.Instant?
    var batchEntries: [Int] = []
    /// The only record under way, while entries are sent alone.
    var alone: Int?

    /// The entries that are to be delivered: those before the halt, if there is one.
    func deliverable(before halt: HaltPoint?) -> Range<Int> {
        guard let halt, id >= halt.consignment else { return entries.indices }
        return 0..<(id == halt.consignment ? halt.entry : 0)
    }

    /// Whether something that is to be delivered is not acknowledged.
    func isOpen(before halt: HaltPoint?) -> Bool {
        !entries[deliverable(before: halt)].allSatisfy(\.isAcknowledged)
    }

    func position(of entry: Int) -> Int64 { events[entries[entry].row].globalPosition }

    /// Takes in what the run's reports say, and gives the failures.
    mutating func takeOutcomes() -> [FailureVerdict.Failure] {
        guard let batch else { return [] }
        let (acknowledged, failures) = batch.outcomes()
        for index in acknowledged.indices where acknowledged[index] {
            entries[batchEntries[index]].isAcknowledged = true
        }
        return failures.map { failure in
            FailureVerdict.Failure(
                entry: FailureVerdict.Entry(consignment: id, index: batchEntries[failure.index]),
                error: KafkaError(failure.code), wasAlone: alone == failure.index)
        }
    }
}
