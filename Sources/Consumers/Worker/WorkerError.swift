/// Why a consumer cannot be served as it is set up.
public enum WorkerError: Error, Sendable, Hashable {
    /// The consumer was started with another number of segments.
    case segmentCountMismatch(consumer: String, recorded: Int, configured: Int)
    /// Rows of some of the consumer's segments are gone, with their checkpoints.
    case segmentsMissing(consumer: String, count: Int, of: Int)
    /// The consumer's checkpoint lies beyond everything the store has: the database was restored or replaced.
    case checkpointBeyondStore(consumer: String, checkpoint: Int64, lastDrawn: Int64)
    /// All segments were wanted, and others own some.
    case ownedElsewhere(consumer: String, owners: [String])
    /// Two consumers of one worker have the same name.
    case duplicateName(String)
}

extension WorkerError: CustomStringConvertible {
    /// One line that says what to do.
    public var description: String {
        switch self {
        case .segmentCountMismatch(let consumer, let recorded, let configured):
            "consumer \(consumer) was started with \(recorded) segments and is configured with \(configured): "
                + "set total_segments to \(recorded), or give the consumer another name to start it anew"
        case .segmentsMissing(let consumer, let count, let total):
            "of the \(total) segments of consumer \(consumer) only \(count) have a row in consumer_segments: put the others back with "
                + "the checkpoints that they had (with 0 nothing is lost, and everything comes again), or delete the consumer's "
                + "rows to begin as at a first start"
        case .checkpointBeyondStore(let consumer, let checkpoint, let lastDrawn):
            "the checkpoint \(checkpoint) of consumer \(consumer) lies beyond the last position \(lastDrawn): "
                + "was the database restored from a backup? Set the consumer's checkpoints back by hand, or give the "
                + "consumer another name"
        case .ownedElsewhere(let consumer, let owners):
            "segments of consumer \(consumer) are owned by \(owners.joined(separator: ", ")): stop these workers first"
        case .duplicateName(let name): "two consumers are named \(name): each keeps its checkpoints under its own name"
        }
    }
}
