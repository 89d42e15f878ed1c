extension Broker {
    func describeGroups(_ request: DescribeGroupsRequest, _ context: RequestContext) {
        context.reply(
            DescribeGroupsResponse(
                groups: request.groups.map { id in
                    if let code = context.injectedError() { return .init(errorCode: code, groupID: id) }
                    guard let group = groups.group(id, create: false) else {
                        // Since version 6 a group that is not there is an error; before, it is dead.
                        return context.version >= 6
                            ? .init(
                                errorCode: .groupIDNotFound, errorMessage: "Group \(id) not found.", groupID: id,
                                groupState: "Dead")
                            : .init(groupID: id, groupState: "Dead")
                    }
                    return describe(group)
                }))
    }

    private func describe(_ group: Group) -> DescribeGroupsResponse.DescribedGroup {
        .init(
            groupID: group.id, groupState: group.state.rawValue, protocolType: group.protocolType ?? "",
            protocolData: group.state == .stable ? group.protocolName ?? "" : "",
            members: group.members.map { member in
                .init(
                    memberID: member.id, groupInstanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, memberMetadata: member.metadata(for: group.protocolName),
                    memberAssignment: member.assignment)
            })
    }

    func listGroups(_ request: ListGroupsRequest, _ context: RequestContext) {
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        let listed = groups.groups.values.sorted { $0.id < $1.id }.filter { group in
            (states.isEmpty || states.contains(group.state.rawValue.lowercased()))
                && (types.isEmpty || types.contains("classic"))
        }
        context.reply(
            ListGroupsResponse(
                errorCode: context.injectedError() ?? .none,
                groups: listed.map {
                    .init(
                        groupID: $0.id, protocolType: $0.protocolType ?? "", groupState: $0.state.rawValue,
                        groupType: "classic")
                }))
    }

    func deleteGroups(_ request: DeleteGroupsRequest, _ context: RequestContext) {
        context.reply(
            DeleteGroupsResponse(
                results: request.groupsNames.map { id in
                    .init(groupID: id, errorCode: context.injectedError() ?? deleteGroup(id))
                }))
    }

    private func deleteGroup(_ id: String) -> KafkaErrorCode {
        guard let group = groups.group(id, create: false) else { return .groupIDNotFound }
        guard group.members.isEmpty, group.pendingOffsets.isEmpty else { return .nonEmptyGroup }
        do {
            for partition in group.offsets.keys.sorted() { try groups.forget(partition, in: group) }
        } catch {
            return .kafkaStorageError
        }
        groups.remove(id)
        return .none
    }

    func offsetDelete(_ request: OffsetDeleteRequest, _ context: RequestContext) {
        let group = groups.group(request.groupID, create: false)
        let error = context.injectedError() ?? (group == nil ? .groupIDNotFound : .none)
        context.reply(
            OffsetDeleteResponse(
                errorCode: error,
                topics: error != .none
                    ? []
                    : request.topics.map { topic in
                        .init(
                            name: topic.name,
                            partitions: topic.partitions.map { wanted in
                                let id = TopicPartition(topic: topic.name, partition: wanted.partitionIndex)
                                return .init(
                                    partitionIndex: wanted.partitionIndex, errorCode: deleteOffset(id, group))
                            })
                    }))
    }

    private func deleteOffset(_ id: TopicPartition, _ group: Group?) -> KafkaErrorCode {
        guard partition(id) != nil else { return .unknownTopicOrPartition }
        guard let group else { return .groupIDNotFound }
        // Subscriptions are opaque bytes here: any member may read the topic.
        guard group.members.isEmpty else { return .groupSubscribedToTopic }
        do {
            try groups.forget(id, in: group)
            return .none
        } catch {
            return .kafkaStorageError
        }
    }
}
