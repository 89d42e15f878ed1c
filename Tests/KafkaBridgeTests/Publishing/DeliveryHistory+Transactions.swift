import EventSourcing
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

/// What brokers know of a consumer's transactions, and what they were asked.
struct TransactionalBrokers {
    enum Request {
        case initialize(Int)
        case takeOver(Int, [ServedSegment], [Int: SegmentProgress])
    }

    /// Written, and neither committed nor aborted.
    var open: [Int64] = []
    /// The last committed progress.
    var progress: [Int: SegmentProgress] = [:]
    /// Another producer has taken the id over.
    var isFenced = false
    var request: Request?
    /// What is to be committed, and not decided.
    var commit: (producer: Int, progress: [Int: SegmentProgress])?
    /// Batches whose records' memory is given back.
    var freed: Set<Int> = []
    /// How a commit was decided, and not answered.
    var answer: (producer: Int, error: KafkaError?)?
}

extension DeliveryHistory {
    /// Brokers and the database answer what exactly-once delivery has asked.
    mutating func answerTransactions() {
        if let answer = transactions?.answer {
            transactions?.answer = nil
            if answer.error == nil, answer.producer == state.producerNumber { forgetUnderWay() }
            return state.committed(producer: answer.producer, answer.error, now: now)
        }
        // That of a producer that is gone is decided when the next one owns the id.
        if let commit = transactions?.commit, commit.producer == state.producerNumber { return answer(commit) }
        guard let request = transactions?.request else { return }
        transactions?.request = nil
        let fails = Int.random(in: 0..<8, using: &random) == 0
        switch request {
        case .initialize(let producer):
            guard producer == state.producerNumber else { return }
            if fails {
                return state.initialized(producer: producer, .failure(KafkaError(.timedOut)), now: now)
            }
            _ = endOpenTransaction()
            transactions?.isFenced = false
            state.initialized(producer: producer, .success(()), now: now)
        case .takeOver(let producer, let segments, let known):
            if fails {
                return state.tookOver(producer: producer, .failure(KafkaError(.timedOut)), now: now)
            }
            var beginnings: [ServedSegment: ExactlyOnceState.Beginning] = [:]
            for segment in segments {
                let number = segment.segment
                guard epochs[number] == segment.epoch else {
                    beginnings[segment] = .lost
                    continue
                }
                let new = SegmentProgress(lineage: "l", epoch: segment.epoch, transactionalID: "own")
                if let known = known[number], known != transactions?.progress[number] ?? new,
                    transactions?.isFenced == false,
                    known.last != transactions?.progress[number]?.last
                {
                    Issue.record("segment \(number): what the producer says to have committed is not what is there")
                }
                let progress = known[number] ?? transactions?.progress[number] ?? new
                beginnings[segment] = .after(namingParked(progress, in: number))
            }
            state.tookOver(producer: producer, .success(beginnings), now: now)
        }
        if state.exactlyOnce?.hasLostSegments == true { own() }
    }

    /// As a takeover finds them in the table of dead letters.
    private func namingParked(_ progress: SegmentProgress, in segment: Int) -> SegmentProgress {
        var progress = progress
        for (position, row) in rows where row.segment == segment && position > progress.last?.position ?? 0 {
            guard position <= checkpoints[segment], row.state != .halted, row.state != .redriven else { continue }
            progress.parked.insert(position)
        }
        return progress
    }

    /// The commit is answered, or its answer is lost.
    private mutating func answer(_ commit: (producer: Int, progress: [Int: SegmentProgress])) {
        flush()
        if hasFailed { return fail(commit, KafkaError(.state, isAbortable: true), isCommitted: false) }
        if transactions?.isFenced == true { return fail(commit, KafkaError(.fenced), isCommitted: false) }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: fail(commit, KafkaError(.fatal), isCommitted: true)
        case 1: fail(commit, KafkaError(.fatal), isCommitted: false)
        case 2: fail(commit, KafkaError(.state, isAbortable: true), isCommitted: false)
        default:
            end(isCommitted: true)
            forgetUnderWay()
            state.committed(producer: commit.producer, nil, now: now)
        }
    }

    private mutating func fail(
        _ commit: (producer: Int, progress: [Int: SegmentProgress]), _ error: KafkaError, isCommitted: Bool
    ) {
        end(isCommitted: isCommitted)
        state.committed(producer: commit.producer, error, now: now)
    }

    private mutating func end(isCommitted: Bool) {
        if isCommitted, let commit = transactions?.commit {
            for (segment, progress) in commit.progress {
                if progress.epoch < transactions?.progress[segment]?.epoch ?? 0 {
                    Issue.record("the epoch of segment \(segment) goes back")
                }
                transactions?.progress[segment] = progress
            }
            reveal(transactions?.open ?? [])
        }
        transactions?.open = []
        transactions?.commit = nil
    }

    /// Nobody goes on with the open transaction: it is aborted, unless its commit had arrived.
    ///
    /// - Returns: whether it is committed; `nil` where that was not asked for.
    mutating func endOpenTransaction() -> Bool? {
        guard let commit = transactions?.commit else {
            transactions?.open = []
            return nil
        }
        // Only what was written completely can have been committed.
        let isComplete = !hasFailed && transactions?.isFenced == false && commit.producer == state.producerNumber
        if isComplete { flush() }
        let isCommitted = isComplete && !hasFailed && Bool.random(using: &random)
        end(isCommitted: isCommitted)
        return isCommitted
    }

    /// Another worker has a segment for a while, and delivers some of its events.
    mutating func loseSegment(_ segment: Int) {
        // Released in order, it need not be fenced.
        let isReleased = Bool.random(using: &random) && !state.release([segment]).isEmpty
        epochs[segment] += 1
        if !isReleased {
            let producer = transactions?.commit?.producer
            let isCommitted = endOpenTransaction()
            transactions?.isFenced = true
            if let producer, let isCommitted {
                let isAnswerLost = Bool.random(using: &random)
                let error: KafkaError? = isCommitted ? isAnswerLost ? KafkaError(.fatal) : nil : KafkaError(.fenced)
                transactions?.answer = (producer, error)
            }
        }
        deliverElsewhere(segment)
        epochs[segment] += 1
        // This worker learns of it now, or when it is told that the segment is lost.
        if isReleased || Bool.random(using: &random) { own() }
    }

    mutating func own() {
        ledger.own(claimed)
        needsServing = true
        serve()
    }

    /// What another worker delivers in a transaction of its own: the next events of the segment, up to one that is not plain.
    private mutating func deliverElsewhere(_ segment: Int) {
        var progress =
            transactions?.progress[segment] ?? SegmentProgress(lineage: "l", epoch: 0, transactionalID: "other")
        progress = namingParked(progress, in: segment)
        let start = max(progress.last?.position ?? 0, checkpoints[segment])
        var positions: [Int64] = []
        for event in events where event.globalPosition > start && self.segment(at: event.globalPosition) == segment {
            let position = event.globalPosition
            guard topicIndex(at: position) == 0, positions.count < 3,
                !rows.contains(where: { self.aggregate(at: $0.key) == event.aggregateID })
            else { break }
            positions.append(position)
        }
        guard let last = positions.last else { return }
        progress.epoch = epochs[segment]
        progress.transactionalID = "other"
        progress.advance(
            to: EventReference(batchEvents[Int(last) - 1]), scope: .all, redriven: [])
        transactions?.progress[segment] = progress
        reveal(positions)
    }
}
