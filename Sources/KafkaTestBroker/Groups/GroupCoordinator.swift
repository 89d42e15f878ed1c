import NIOCore

/// Runs the groups: who is in, who assigns, when the next generation begins.
final class GroupCoordinator {
    /// Limits of a member's session timeout, as Apache Kafka's defaults, in milliseconds.
    static let sessionTimeouts: ClosedRange<Int32> = 6_000...1_800_000

    /// Keeps or forgets an offset beyond the life of the process; a producer id marks one in an open transaction.
    typealias Save = (_ group: String, _ partition: TopicPartition, _ producerID: Int64?, _ offset: CommittedOffset?)
        throws -> Void

    private(set) var groups: [String: Group] = [:]
    private let loop: any EventLoop
    private let initialDelay: Int64
    private var memberCount = 0
    var save: Save = { _, _, _, _ in }

    init(loop: any EventLoop, initialDelay: Int64) {
        self.loop = loop
        self.initialDelay = initialDelay
    }

    func group(_ id: String, create: Bool) -> Group? {
        if let group = groups[id] { return group }
        guard create else { return nil }
        let group = Group(id: id)
        groups[id] = group
        return group
    }

    func remove(_ id: String) { groups[id] = nil }

    func newMemberID(_ prefix: String) -> String {
        memberCount += 1
        return "\(prefix)-\(KafkaUUID.random().base64)-\(memberCount)"
    }

    func after(_ milliseconds: Int64, _ work: @escaping () -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds), work)
    }

    // MARK: Sessions

    /// Starts the member's session anew.
    func touch(_ member: GroupMember, in group: Group) {
        member.session?.cancel()
        member.session = after(member.sessionTimeout) { [weak self, weak group, weak member] in
            guard let self, let group, let member, group.member(member.id) === member else { return }
            // A member that waits for an answer is alive.
            if member.join != nil || member.sync != nil { return self.touch(member, in: group) }
            self.leave(member, group)
        }
    }

    /// Takes a member out, which makes the others share anew.
    func leave(_ member: GroupMember, _ group: Group) {
        member.answerJoin(JoinGroup.Response(error: .unknownMemberID, memberID: member.id))
        member.answerSync(.unknownMemberID)
        group.remove(member.id)
        if group.state != .empty { memberChanged(in: group) }
    }

    // MARK: Rebalances

    /// Keeps a place for a member that is to come back with the id that it was given.
    func expect(_ id: String, in group: Group, for milliseconds: Int64) {
        let timer = after(milliseconds) { [weak self, weak group] in
            guard let self, let group, group.arrived(id) else { return }
            self.completeIfAllJoined(group)
        }
        group.expect(id, timer: timer)
    }

    /// Has the members share anew, now that one has come, changed or gone.
    func memberChanged(in group: Group) {
        if group.state == .preparingRebalance { completeIfAllJoined(group) } else { prepareRebalance(group) }
    }

    func prepareRebalance(_ group: Group) {
        guard group.state != .preparingRebalance else { return }
        for member in group.members where member.sync != nil { member.answerSync(.rebalanceInProgress) }
        group.syncDeadline?.cancel()
        let wasEmpty = group.state == .empty
        group.state = .preparingRebalance
        group.rebalance?.cancel()
        if wasEmpty && initialDelay > 0 {
            group.rebalance = after(initialDelay) { [weak self, weak group] in group.map { self?.completeJoin($0) } }
            group.isInInitialDelay = true
        } else {
            let timeout = group.members.map(\.rebalanceTimeout).max() ?? 0
            group.rebalance = after(timeout) { [weak self, weak group] in group.map { self?.completeJoin($0) } }
            completeIfAllJoined(group)
        }
    }

    func completeIfAllJoined(_ group: Group) {
        guard group.state == .preparingRebalance, !group.isInInitialDelay, group.isComplete else { return }
        completeJoin(group)
    }

    private func completeJoin(_ group: Group) {
        guard group.state == .preparingRebalance else { return }
        group.rebalance?.cancel()
        group.isInInitialDelay = false
        for member in group.members where member.join == nil && member.instanceID == nil { group.remove(member.id) }
        group.generation += 1
        guard !group.members.isEmpty else {
            group.state = .empty
            group.protocolName = nil
            return
        }
        if let leader = group.leader, group.member(leader)?.join == nil {
            group.leader = group.members.first { $0.join != nil }?.id ?? group.leader
        }
        group.protocolName = group.electProtocol()
        group.state = .completingRebalance
        for member in group.members {
            member.answerJoin(group.membership(of: member))
            touch(member, in: group)
        }
        watchForSync(group)
    }

    /// Members that do not ask for their assignment in time are taken out.
    private func watchForSync(_ group: Group) {
        let generation = group.generation
        let timeout = group.members.map(\.rebalanceTimeout).max() ?? 0
        group.syncDeadline?.cancel()
        group.syncDeadline = after(timeout) { [weak self, weak group] in
            guard let self, let group, group.generation == generation, group.state == .completingRebalance else {
                return
            }
            for member in group.members where member.sync == nil { group.remove(member.id) }
            self.prepareRebalance(group)
        }
    }

    /// Hands out the leader's assignment.
    func assign(_ assignments: [String: ByteBuffer], in group: Group) {
        group.syncDeadline?.cancel()
        group.state = .stable
        for member in group.members {
            member.assignment = assignments[member.id] ?? ByteBuffer()
            member.answerSync(.none)
        }
    }

    // MARK: Offsets

    /// Keeps an offset; with a producer's id in its open transaction.
    func commit(
        _ offset: CommittedOffset, for partition: TopicPartition, in group: Group, producerID: Int64? = nil
    ) throws {
        try save(group.id, partition, producerID, offset)
        if let producerID {
            group.pendingOffsets[producerID, default: [:]][partition] = offset
        } else {
            group.offsets[partition] = offset
        }
    }

    /// Ends a transaction: its offsets become the group's, or are forgotten.
    func end(transaction producerID: Int64, in id: String, commits: Bool) throws {
        guard let group = groups[id], let pending = group.pendingOffsets[producerID] else { return }
        for (partition, offset) in pending {
            if commits { try commit(offset, for: partition, in: group) }
            try save(id, partition, producerID, nil)
        }
        group.pendingOffsets[producerID] = nil
    }

    func forget(_ partition: TopicPartition, in group: Group) throws {
        guard group.offsets.removeValue(forKey: partition) != nil else { return }
        try save(group.id, partition, nil, nil)
    }

    /// Drops a deleted topic's offsets.
    func forget(topic: String) throws {
        for group in groups.values {
            for partition in group.offsets.keys where partition.topic == topic { try forget(partition, in: group) }
        }
    }
}
