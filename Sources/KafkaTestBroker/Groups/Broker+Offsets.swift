extension Broker {
    /// Longest text a client may keep with an offset, as Apache Kafka's `offset.metadata.max.bytes`.
    private static let maxMetadataBytes = 4096

    func offsetCommit(_ request: OffsetCommitRequest, _ context: RequestContext) {
        let error = context.injectedError() ?? commitError(request)
        let group = groups.group(request.groupID, create: error == .none)
        context.reply(
            OffsetCommitResponse(
                topics: request.topics.map { topic in
                    let name = context.version >= 10 ? topicNames[topic.topicID] : topic.name
                    return .init(
                        name: topic.name, topicID: topic.topicID,
                        partitions: topic.partitions.map { wanted in
                            var code = error
                            if code == .none {
                                guard let name, let group else {
                                    return .init(partitionIndex: wanted.partitionIndex, errorCode: .unknownTopicID)
                                }
                                code = commit(
                                    TopicPartition(topic: name, partition: wanted.partitionIndex),
                                    offset: wanted.committedOffset, epoch: wanted.committedLeaderEpoch,
                                    metadata: wanted.committedMetadata, group: group, producerID: nil)
                            }
                            return .init(partitionIndex: wanted.partitionIndex, errorCode: code)
                        })
                }))
    }

    private func commitError(_ request: OffsetCommitRequest) -> KafkaErrorCode {
        let generation = request.generationIDOrMemberEpoch
        guard let group = groups.group(request.groupID, create: false) else {
            return generation < 0 ? .none : .illegalGeneration
        }
        // Clients that manage their partitions themselves commit without being a member.
        if generation < 0 && request.groupInstanceID == nil {
            return group.members.isEmpty && group.state == .empty ? .none : .unknownMemberID
        }
        let error = memberError(group, request.memberID, request.groupInstanceID, generation: generation)
        if error != .none { return error }
        if let member = group.member(request.memberID) { groups.touch(member, in: group) }
        return group.state == .completingRebalance ? .rebalanceInProgress : .none
    }

    private func commit(
        _ id: TopicPartition, offset: Int64, epoch: Int32, metadata: String?, group: Group, producerID: Int64?
    ) -> KafkaErrorCode {
        guard partition(id) != nil else { return .unknownTopicOrPartition }
        guard (metadata?.utf8.count ?? 0) <= Self.maxMetadataBytes else { return .offsetMetadataTooLarge }
        let committed = CommittedOffset(offset: offset, leaderEpoch: epoch, metadata: metadata ?? "", committed: now)
        do {
            if let producerID {
                try groups.commit(committed, for: id, in: group, producerID: producerID)
            } else {
                try groups.commit(committed, for: id, in: group)
            }
            return .none
        } catch {
            return .kafkaStorageError
        }
    }

    func txnOffsetCommit(_ request: TxnOffsetCommitRequest, _ context: RequestContext) {
        let error = commitError(request, version: context.version)
        let group = groups.group(request.groupID, create: error == .none)
        context.reply(
            TxnOffsetCommitResponse(
                topics: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitions.map { wanted in
                            let id = TopicPartition(topic: topic.name, partition: wanted.partitionIndex)
                            var code = context.injectedError(id) ?? error
                            if code == .none, let group {
                                code = commit(
                                    id, offset: wanted.committedOffset, epoch: wanted.committedLeaderEpoch,
                                    metadata: wanted.committedMetadata, group: group, producerID: request.producerID)
                            }
                            if code == .none, let injected = context.errorAfterEffect(id) { code = injected }
                            return .init(partitionIndex: wanted.partitionIndex, errorCode: code)
                        })
                }))
    }

    private func commitError(_ request: TxnOffsetCommitRequest, version: Int16) -> KafkaErrorCode {
        guard coordinatorLoading(of: request.transactionalID) == nil else { return .coordinatorLoadInProgress }
        let code = transactions.verify(
            group: request.groupID, in: request.transactionalID,
            producer: .init(id: request.producerID, epoch: request.producerEpoch))
        // Clients of version 4 know that they may go on after an abort.
        guard code != .invalidTxnState || version < 4 else { return .transactionAbortable }
        guard code == .none else { return code }
        guard request.generationID >= 0 || !request.memberID.isEmpty else { return .none }
        guard let group = groups.group(request.groupID, create: false) else { return .illegalGeneration }
        return memberError(group, request.memberID, request.groupInstanceID, generation: request.generationID)
    }

    func offsetFetch(_ request: OffsetFetchRequest, _ context: RequestContext) {
        let error = context.injectedError() ?? .none
        if context.version >= 8 {
            let answers = request.groups.map { wanted in
                fetch(wanted, stable: request.requireStable, error: error, byID: context.version >= 10)
            }
            return context.reply(OffsetFetchResponse(groups: answers))
        }
        // Version 1 has no way to ask for all topics.
        let topics = context.version < 2 ? request.topics ?? [] : request.topics
        let wanted = topics.map { topics in
            topics.map { OffsetFetchRequest.Topics(name: $0.name, partitionIndexes: $0.partitionIndexes) }
        }
        let group = OffsetFetchRequest.Group(groupID: request.groupID, topics: wanted)
        let answer = fetch(group, stable: request.requireStable, error: error, byID: false)
        context.reply(
            OffsetFetchResponse(
                topics: answer.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitions.map {
                            .init(
                                partitionIndex: $0.partitionIndex, committedOffset: $0.committedOffset,
                                committedLeaderEpoch: $0.committedLeaderEpoch, metadata: $0.metadata,
                                errorCode: context.version < 2 && error != .none ? error : $0.errorCode)
                        })
                }, errorCode: error))
    }

    private func fetch(
        _ wanted: OffsetFetchRequest.Group, stable: Bool, error: KafkaErrorCode, byID: Bool
    ) -> OffsetFetchResponse.Group {
        if error != .none { return .init(groupID: wanted.groupID, errorCode: error) }
        let group = groups.group(wanted.groupID, create: false)
        func answer(_ id: TopicPartition) -> OffsetFetchResponse.Partitions {
            if stable, group?.hasPendingOffset(id) == true {
                return .init(
                    partitionIndex: id.partition, committedOffset: -1, metadata: "", errorCode: .unstableOffsetCommit)
            }
            guard let offset = group?.offsets[id] else {
                return .init(partitionIndex: id.partition, committedOffset: -1, metadata: "")
            }
            return .init(
                partitionIndex: id.partition, committedOffset: offset.offset,
                committedLeaderEpoch: offset.leaderEpoch, metadata: offset.metadata)
        }
        if let topics = wanted.topics {
            return .init(
                groupID: wanted.groupID,
                topics: topics.map { topic in
                    let name = byID ? topicNames[topic.topicID] : topic.name
                    return .init(
                        name: topic.name, topicID: topic.topicID,
                        partitions: topic.partitionIndexes.map { index in
                            guard let name else {
                                return .init(
                                    partitionIndex: index, committedOffset: -1, metadata: "",
                                    errorCode: .unknownTopicID)
                            }
                            return answer(TopicPartition(topic: name, partition: index))
                        })
                })
        }
        let byTopic = Dictionary(grouping: (group?.offsets.keys).map(Array.init) ?? [], by: \.topic)
        return .init(
            groupID: wanted.groupID,
            topics: byTopic.sorted { $0.key < $1.key }.map { name, partitions in
                .init(
                    name: name, topicID: topics[name]?.id ?? .zero,
                    partitions: partitions.sorted().map(answer))
            })
    }
}
