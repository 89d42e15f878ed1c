/// Why a consumer's segments are not exchanged.
package enum ResegmentationError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknown(String)
    case incomplete(String, rows: Int, of: Int)
    case same(String, Int)
    /// The progress in Kafka is out of reach.
    case exactlyOnce(String)
    case behindScope(String, segment: Int, position: Int64)
    case behindParked(String, segment: Int, position: Int64)
    /// Of what is in Kafka.
    case refused(String, String)
    /// Workers that would go on with the former segments.
    case foreignWorkers(String, [String])
    case notGivenBack(String, Resegmentation.Waiting)
    case behindFormer(String, segment: Int, checkpoint: Int64, former: Int64)

    package var description: String {
        switch self {
        case .unknown(let consumer):
            "the consumer \(consumer) was never started: set total_segments for its first start"
        case .incomplete(let consumer, let rows, let total):
            "of the \(total) segments of consumer \(consumer) \(rows) have a row: put the others back first"
        case .same(let consumer, let total): "the consumer \(consumer) has \(total) segments already"
        case .exactlyOnce(let consumer):
            "the consumer \(consumer) was delivered exactly once, and the configuration at hand does not say so: its progress is in "
                + "Kafka. Give the command the configuration that its relays have"
        case .behindScope(let consumer, let segment, let position):
            "segment \(segment) of the consumer \(consumer) has not passed position \(position), up to which another scope had been "
                + "delivered: wait until it has (`godwit status` says what keeps it)"
        case .behindParked(let consumer, let segment, let position):
            "an event of segment \(segment) of the consumer \(consumer), at position \(position), was parked, as Kafka has it, and the "
                + "table of dead letters has no row of it any more: have a relay pass it first, and try again"
        case .refused(let consumer, let reason): "the consumer \(consumer): \(reason)"
        case .foreignWorkers(let consumer, let workers):
            "\(workers.joined(separator: ", ")) \(workers.count == 1 ? "serves" : "serve") the consumer \(consumer), and would go on "
                + "with the former segments: stop pupsourcing's own workers, and upgrade relays of earlier versions"
        case .notGivenBack(let consumer, let waiting):
            "segments of the consumer \(consumer) were not given back in time: waited \(waiting.description); nothing was changed, and "
                + "the consumer goes on as before. See what keeps them (`godwit status`), end a process that is stopped, or wait for "
                + "longer with --wait"
        case .behindFormer(let consumer, let segment, let checkpoint, let former):
            "segment \(segment) of the consumer \(consumer) is at position \(checkpoint), and has not passed position \(former), up "
                + "to which it matters what was done before the last exchange: wait until it has (`godwit status` says what keeps it)"
        }
    }
}

extension Resegmentation.Waiting: CustomStringConvertible {
    /// For whom, and for how long, for people.
    package var description: String {
        var subjects = workers.map {
            "\($0.name), last heard of \(Self.seconds($0.lastHeartbeat)) ago"
        }
        if isLocked { subjects.append("a transaction that has locked rows of its segments or controls") }
        if let brokers { subjects.append("brokers: \(brokers)") }
        if subjects.isEmpty { subjects.append("its segments") }
        return "\(Self.seconds(time)) for \(subjects.joined(separator: "; "))"
    }

    private static func seconds(_ time: Duration) -> String { "\(Int(time / .seconds(1))) s" }
}
