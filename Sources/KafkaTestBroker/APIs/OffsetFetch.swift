/// `OffsetFetch`: the offsets that groups have committed. Version 2 can ask for all topics, 7 for offsets that no transaction is
/// about to change, 8 about several groups.
enum OffsetFetch {
    struct Request: RequestBody {
        var groups: [Wanted] = []
        var isStable = false

        mutating func fields(_ wire: inout Coder) {
            if wire.format.version < 8 {
                var only = groups.first ?? Wanted()
                wire(&only.groupID, &only.topics)
                groups = [only]
            }
            wire(&groups, 8...)
            wire(&isStable, 7...)
        }
    }

    struct Wanted: Message {
        var groupID = ""
        /// Nil for all.
        var topics: [TopicItems<Int32>]?

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID)
            wire.unused("member_id", String?.none, 9...)
            wire.unused("member_epoch", Int32(-1), 9...)
            wire(&topics)
        }
    }

    struct Response: Message {
        var groups: [Group] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            if wire.format.version < 8 {
                var only = groups.first ?? Group()
                wire(&only.topics)
                wire(&only.error, 2...)
                groups = [only]
            }
            wire(&groups, 8...)
        }
    }

    struct Group: Message {
        var id = ""
        var topics: [TopicItems<Answer>] = []
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) { wire(&id, &topics, &error) }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var offset: Int64 = -1
        var leaderEpoch: Int32 = -1
        var metadata: String? = ""
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &offset)
            wire(&leaderEpoch, 5...)
            wire(&metadata, &error)
        }
    }
}

extension Broker {
    func offsetFetch(_ request: OffsetFetch.Request, _ context: RequestContext) {
        context.reply(OffsetFetch.Response(groups: request.groups.map { offsets($0, request.isStable, context) }))
    }

    private func offsets(
        _ wanted: OffsetFetch.Wanted, _ isStable: Bool, _ context: RequestContext
    ) -> OffsetFetch.Group {
        let injected = context.injectedError()
        let group = groups.group(wanted.groupID, create: false)
        var answer = OffsetFetch.Group(id: wanted.groupID, error: injected ?? .none)
        // Before version 2 an error is with the partitions.
        if injected != nil && context.version >= 2 { return answer }
        let all = context.version < 2 ? [] : allOffsets(of: group)
        answer.topics = answers(to: wanted.topics ?? all, context) { (id, _) throws(KafkaErrorCode) in
            try injected.check()
            if isStable, group?.hasPendingOffset(id) == true { throw .unstableOffsetCommit }
            guard let offset = group?.offsets[id] else { return OffsetFetch.Answer() }
            return .init(offset: offset.offset, leaderEpoch: offset.leaderEpoch, metadata: offset.metadata)
        }
        return answer
    }

    private func allOffsets(of group: Group?) -> [TopicItems<Int32>] {
        let known = (group?.offsets.keys).map { $0.sorted() } ?? []
        return Dictionary(grouping: known, by: \.topic).sorted { $0.key < $1.key }.map { name, partitions in
            TopicItems(name: name, id: topics[name]?.id ?? .zero, partitions: partitions.map(\.partition))
        }
    }
}
