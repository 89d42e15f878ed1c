import Consumers
import EventSourcing

/// What the exchange of segments that are delivered exactly once records in Kafka and in the database. A pure value.
///
/// What is delivered is what Kafka has committed, which may be more than the checkpoints say. So the new segments pass over
/// what the former ones' progress covers. They have a lineage of their own: nothing that was recorded of the former ones counts
/// for them, and the other way round.
struct ExactlyOnceExchange: Sendable {
    /// A former segment, of which nobody else can commit anything any more.
    struct Former: Sendable, Equatable {
        let segment: Int
        let epoch: Int64
        let checkpoint: Int64
        let progress: SegmentProgress

        /// Parked under way, and not passed by the checkpoint.
        fileprivate var parkedAhead: [Int64] { progress.parked.all.filter { $0 > checkpoint } }
    }

    /// What counts as done of the former segments.
    let done: FormerSegments
    /// Of the new segments' rows; claims are later ones.
    let epoch: Int64
    let lineage: String
    /// What the new segments begin with.
    let seeds: [Int: SegmentProgress]
    /// Say of the former segments that they were exchanged, in case the database loses that.
    let marks: [Int: SegmentProgress]

    /// The positions whose rows in the table of dead letters have to be known.
    static func asked(_ former: [Former]) -> Set<Int64> {
        Set(former.flatMap { $0.parkedAhead + $0.progress.redriven })
    }

    /// - Parameters:
    ///   - former: all segments, in their order.
    ///   - scope: what the consumer wants now.
    ///   - letters: the aggregates of those that are ``asked(_:)`` for, as far as there are rows of them.
    ///   - id: the transactional id under which seeds and marks are committed.
    init(
        _ consumer: String, _ former: [Former], to total: Int, scope: EventScope = .all, letters: [Int64: String],
        lineage: String, id: String,
        strategy: any PartitionStrategy = FNV1aPartitionStrategy()
    ) throws(ResegmentationError) {
        var done: [Int64] = []
        for former in former {
            // Beyond what is delivered of this scope only what another one wanted is.
            let covers = former.progress.covers
            let own = covers.first { $0.scope.isEquivalent(to: scope) }?.last.position ?? former.checkpoint
            if let position = former.progress.last?.position, position > max(own, former.checkpoint) {
                throw .behindScope(consumer, segment: former.segment, position: position)
            }
            if let lost = former.parkedAhead.first(where: { letters[$0] == nil }) {
                throw .behindParked(consumer, segment: former.segment, position: lost)
            }
            done.append(max(former.checkpoint, former.progress.last?.position ?? former.checkpoint))
        }
        let epoch = (former.map(\.epoch).max() ?? 0) + 1
        var seeds = (0..<total).reduce(into: [Int: SegmentProgress]()) { seeds, segment in
            seeds[segment] = SegmentProgress(lineage: lineage, epoch: epoch, transactionalID: id)
        }
        for position in former.flatMap(\.progress.redriven).sorted() {
            // Without a row nobody delivers it again.
            guard let aggregateID = letters[position] else { continue }
            let segment = strategy.segment(of: Array(aggregateID.utf8).span.bytes, totalSegments: total)
            seeds[segment]?.advance(to: nil, scope: .all, redriven: [position])
        }
        let successor = SegmentProgress.Successor(lineage: lineage, segments: total)
        marks = former.reduce(into: [:]) { marks, former in
            marks[former.segment] = former.progress.exchanged(for: successor, epoch: former.epoch, id: id)
        }
        self.done = FormerSegments(done)
        self.epoch = epoch
        self.lineage = lineage
        self.seeds = seeds
    }
}
