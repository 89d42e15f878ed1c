import NIOCore

/// `Fetch`: reads record batches, and waits for them.
///
/// No sessions are kept (version 7): the answer's session id 0 makes clients send all partitions each time.
enum Fetch {
    struct Request: TopicsRequest {
        var maxWaitMilliseconds: Int32 = 0
        var minBytes: Int32 = 0
        var maxBytes: Int32 = 0
        var isolationLevel: Int8 = 0
        var sessionID: Int32 = 0
        var sessionEpoch: Int32 = -1
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire.unused("replica_id", Int32(-1), ...14)
            wire(&maxWaitMilliseconds, &minBytes, &maxBytes)
            wire(&isolationLevel)
            wire(&sessionID, &sessionEpoch, 7...)
            wire(&topics)
            wire.unused("forgotten_topics_data", [TopicItems<Int32>](), 7...)
            wire.unused("rack_id", "", 11...)
        }

        var committedOnly: Bool { isolationLevel == 1 }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var leaderEpoch: Int32 = -1
        var offset: Int64 = 0
        var maxBytes: Int32 = 0

        mutating func fields(_ wire: inout Coder) {
            wire(&index)
            wire(&leaderEpoch, 9...)
            wire(&offset)
            wire.unused("last_fetched_epoch", Int32(-1), 12...)
            wire.unused("log_start_offset", Int64(-1), 5...)
            wire(&maxBytes)
        }
    }

    struct Response: Message {
        var error = KafkaErrorCode.none
        var topics: [TopicItems<Answer>] = []
        var endpoints: [NodeAddress] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, 7...)
            wire.unused("session_id", Int32(0), 7...)
            wire(&topics)
            wire.tagged(0, endpoints.isEmpty ? nil : endpoints, 16...)
        }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var error = KafkaErrorCode.none
        var highWatermark: Int64 = -1
        var lastStableOffset: Int64 = -1
        var logStartOffset: Int64 = -1
        var aborted: [Aborted]?
        var records = Records()
        var leader: Leader?

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &error)
            wire(&highWatermark, &lastStableOffset)
            wire(&logStartOffset, 5...)
            wire(&aborted)
            wire.unused("preferred_read_replica", Int32(-1), 11...)
            wire(&records)
            wire.tagged(1, leader, 12...)
        }
    }

    struct Aborted: Message {
        var producerID: Int64 = 0
        var firstOffset: Int64 = 0

        mutating func fields(_ wire: inout Coder) { wire(&producerID, &firstOffset) }
    }
}

extension Broker {
    /// One partition of a fetch, resolved.
    private struct Wanted {
        let id: TopicPartition
        let partition: Partition?
        let item: Fetch.Item
        let error: KafkaErrorCode
    }

    func fetch(_ request: Fetch.Request, _ context: RequestContext) {
        if request.sessionID != 0 && request.sessionEpoch > 0 {
            return context.reply(Fetch.Response(error: .fetchSessionIDNotFound))
        }
        let wanted = request.topics.map { topic in
            let name = name(of: topic, context)
            return topic.partitions.map { resolve($0, name, context) }
        }
        let isSatisfied = { [unowned self] in self.isSatisfied(wanted.joined(), request, context) }
        let answer = { [unowned self] in
            context.connection.pendingFetch = nil
            context.reply(self.read(wanted, request, context))
        }
        if request.maxWaitMilliseconds <= 0 || request.topics.isEmpty || isSatisfied() { return answer() }
        let wait = FetchWait(
            partitions: wanted.joined().compactMap(\.partition), isSatisfied: isSatisfied, complete: answer)
        context.connection.pendingFetch = wait
        wait.start(on: loop, milliseconds: request.maxWaitMilliseconds)
    }

    private func resolve(_ item: Fetch.Item, _ topic: String?, _ context: RequestContext) -> Wanted {
        let id = TopicPartition(topic: topic ?? "", partition: item.index)
        if topic == nil { return Wanted(id: id, partition: nil, item: item, error: .unknownTopicID) }
        let partition = partition(id)
        let error = context.injectedError(id) ?? (partition == nil ? .unknownTopicOrPartition : .none)
        return Wanted(id: id, partition: partition, item: item, error: error)
    }

    /// Whether the answer has enough bytes, or an error.
    private func isSatisfied(
        _ wanted: some Sequence<Wanted>, _ request: Fetch.Request, _ context: RequestContext
    ) -> Bool {
        var bytes = 0
        for item in wanted {
            guard error(item, context) == .none, let log = item.partition?.log else { return true }
            let available = log.bytesAvailable(from: item.item.offset, limit: log.end(request.committedOnly))
            bytes += min(available, max(1, Int(item.item.maxBytes)))
            if bytes >= Int(request.minBytes) { return true }
        }
        return bytes >= Int(request.minBytes)
    }

    private func error(_ wanted: Wanted, _ context: RequestContext) -> KafkaErrorCode {
        guard wanted.error == .none, let partition = wanted.partition else { return wanted.error }
        guard self.partition(wanted.id) === partition else { return .unknownTopicOrPartition }
        let leadership = partition.leadershipError(
            node: context.connection.node, clientEpoch: wanted.item.leaderEpoch)
        if leadership != .none { return leadership }
        let log = partition.log
        return (log.startOffset...log.endOffset).contains(wanted.item.offset) ? .none : .offsetOutOfRange
    }

    private func read(_ wanted: [[Wanted]], _ request: Fetch.Request, _ context: RequestContext) -> Fetch.Response {
        var response = Fetch.Response()
        var room = Int(request.maxBytes)
        var isEmpty = true
        for (topic, items) in zip(request.topics, wanted) {
            let answers = items.map { wanted in
                let error = error(wanted, context)
                guard error == .none, let log = wanted.partition?.log else {
                    let isElsewhere = error == .notLeaderOrFollower || error == .fencedLeaderEpoch
                    return Fetch.Answer(
                        index: wanted.item.index, error: error,
                        leader: isElsewhere ? leader(of: wanted.id, &response.endpoints) : nil)
                }
                let slice = log.read(
                    from: wanted.item.offset, limit: log.end(request.committedOnly),
                    maxBytes: min(room, Int(wanted.item.maxBytes)), atLeastOne: isEmpty)
                room = max(0, room - slice.size)
                isEmpty = isEmpty && slice.batches.isEmpty
                let aborted = log.aborted(from: wanted.item.offset, to: slice.nextOffset)
                return Fetch.Answer(
                    index: wanted.item.index, highWatermark: log.endOffset, lastStableOffset: log.lastStableOffset,
                    logStartOffset: log.startOffset,
                    aborted: request.committedOnly
                        ? aborted.map { .init(producerID: $0.producerID, firstOffset: $0.firstOffset) } : nil,
                    records: Records(batches: slice.batches))
            }
            response.topics.append(TopicItems(name: topic.name, id: topic.id, partitions: answers))
        }
        return response
    }
}
