import NIOCore

extension Broker {
    /// One partition of a fetch, resolved.
    private struct Wanted {
        let id: TopicPartition
        let partition: Partition?
        let request: FetchRequest.FetchPartition
        let error: KafkaErrorCode
    }

    func fetch(_ request: FetchRequest, _ context: RequestContext) {
        // No sessions are kept: the answer's session id 0 makes clients send all partitions each time.
        if request.sessionID != 0 && request.sessionEpoch > 0 {
            return context.reply(FetchResponse(errorCode: .fetchSessionIDNotFound))
        }
        var wanted: [[Wanted]] = []
        for topic in request.topics {
            let name = context.version >= 13 ? topicNames[topic.topicID] : topic.topic
            wanted.append(topic.partitions.map { resolve($0, topic: name, context) })
        }
        let all = wanted.joined()
        let committedOnly = request.isolationLevel == 1
        let isSatisfied = { [unowned self] in
            var bytes = 0
            for item in all {
                guard item.error == .none, let partition = item.partition else { return true }
                if self.error(item, context) != .none { return true }
                let limit = committedOnly ? partition.log.lastStableOffset : partition.log.endOffset
                bytes += min(
                    partition.log.bytesAvailable(from: item.request.fetchOffset, limit: limit),
                    max(1, Int(item.request.partitionMaxBytes)))
                if bytes >= Int(request.minBytes) { return true }
            }
            return bytes >= Int(request.minBytes)
        }
        let answer = { [unowned self] in
            context.connection.pendingFetch = nil
            context.reply(self.read(wanted, request, context))
        }
        if request.maxWaitMilliseconds <= 0 || request.topics.isEmpty || isSatisfied() { return answer() }
        let wait = FetchWait(
            partitions: all.compactMap(\.partition), isSatisfied: isSatisfied, complete: answer)
        context.connection.pendingFetch = wait
        wait.start(on: loop, milliseconds: request.maxWaitMilliseconds)
    }

    private func resolve(
        _ request: FetchRequest.FetchPartition, topic: String?, _ context: RequestContext
    ) -> Wanted {
        guard let topic else {
            return Wanted(
                id: TopicPartition(topic: "", partition: request.partition), partition: nil, request: request,
                error: .unknownTopicID)
        }
        let id = TopicPartition(topic: topic, partition: request.partition)
        let partition = partition(id)
        let error = context.injectedError(id) ?? (partition == nil ? .unknownTopicOrPartition : .none)
        return Wanted(id: id, partition: partition, request: request, error: error)
    }

    private func error(_ item: Wanted, _ context: RequestContext) -> KafkaErrorCode {
        guard item.error == .none, let partition = item.partition else { return item.error }
        guard self.partition(item.id) === partition else { return .unknownTopicOrPartition }
        let leadership = partition.leadershipError(
            node: context.connection.node, clientEpoch: item.request.currentLeaderEpoch)
        if leadership != .none { return leadership }
        let log = partition.log
        return (log.startOffset...log.endOffset).contains(item.request.fetchOffset) ? .none : .offsetOutOfRange
    }

    private func read(_ wanted: [[Wanted]], _ request: FetchRequest, _ context: RequestContext) -> FetchResponse {
        var response = FetchResponse()
        var room = Int(request.maxBytes)
        var isEmpty = true
        for (topic, items) in zip(request.topics, wanted) {
            var answers = FetchResponse.FetchableTopic(topic: topic.topic, topicID: topic.topicID)
            for item in items {
                let error = error(item, context)
                guard error == .none, let log = item.partition?.log else {
                    answers.partitions.append(failure(error, item, &response))
                    continue
                }
                let committedOnly = request.isolationLevel == 1
                let slice = log.read(
                    from: item.request.fetchOffset, limit: committedOnly ? log.lastStableOffset : log.endOffset,
                    maxBytes: min(room, Int(item.request.partitionMaxBytes)), atLeastOne: isEmpty)
                room = max(0, room - slice.size)
                isEmpty = isEmpty && slice.batches.isEmpty
                let aborted =
                    committedOnly ? log.aborted(from: item.request.fetchOffset, to: slice.nextOffset) : nil
                answers.partitions.append(
                    .init(
                        partitionIndex: item.id.partition, highWatermark: log.endOffset,
                        lastStableOffset: log.lastStableOffset, logStartOffset: log.startOffset,
                        abortedTransactions: aborted?.map {
                            .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
                        },
                        records: slice.batches))
            }
            response.responses.append(answers)
        }
        return response
    }

    private func failure(
        _ error: KafkaErrorCode, _ item: Wanted, _ response: inout FetchResponse
    ) -> FetchResponse.PartitionData {
        var answer = FetchResponse.PartitionData(
            partitionIndex: item.id.partition, errorCode: error, highWatermark: -1)
        if let partition = item.partition, error == .notLeaderOrFollower || error == .fencedLeaderEpoch {
            answer.currentLeader = .init(leaderID: partition.leader, leaderEpoch: partition.leaderEpoch)
            let endpoint = endpoints[Int(partition.leader) - 1]
            if !response.nodeEndpoints.contains(where: { $0.nodeID == partition.leader }) {
                response.nodeEndpoints.append(
                    .init(nodeID: partition.leader, host: endpoint.host, port: Int32(endpoint.port)))
            }
        }
        return answer
    }
}
