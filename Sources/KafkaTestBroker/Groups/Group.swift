import NIOCore

/// A consumer group of the classic protocol: membership, rebalances, and committed offsets.
final class Group {
    enum State: String {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    let id: String
    var state = State.empty
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    /// Members in the order they came.
    private(set) var members: [GroupMember] = []
    /// Ids given to members that are to come back with them, and the timers that forget them.
    private(set) var expected: [String: Scheduled<Void>] = [:]
    var rebalance: Scheduled<Void>?
    /// Whether the group waits for more members before its first generation, even if all present ones have joined.
    var isInInitialDelay = false
    /// Removes members that have joined but do not ask for their assignment.
    var syncDeadline: Scheduled<Void>?
    var offsets: [TopicPartition: CommittedOffset] = [:]
    /// Offsets in open transactions, by producer.
    var pendingOffsets: [Int64: [TopicPartition: CommittedOffset]] = [:]

    init(id: String) { self.id = id }

    func member(_ id: String) -> GroupMember? { members.first { $0.id == id } }
    func member(instance: String) -> GroupMember? { members.first { $0.instanceID == instance } }

    func add(_ member: GroupMember) {
        if members.isEmpty { leader = nil }
        members.append(member)
        if leader == nil { leader = member.id }
    }

    func remove(_ id: String) {
        guard let index = members.firstIndex(where: { $0.id == id }) else { return }
        let member = members.remove(at: index)
        member.stopTimer()
        if leader == id { leader = members.first?.id }
    }

    /// Puts a returned static member in its former self's place.
    func replace(_ old: GroupMember, with new: GroupMember) {
        guard let index = members.firstIndex(where: { $0 === old }) else { return }
        old.stopTimer()
        old.answerJoin(JoinGroup.Response(error: .fencedInstanceID, memberID: old.id))
        old.answerSync(.fencedInstanceID)
        new.assignment = old.assignment
        members[index] = new
        if leader == old.id { leader = new.id }
    }

    func expect(_ id: String, timer: Scheduled<Void>) { expected[id] = timer }

    func arrived(_ id: String) -> Bool {
        guard let timer = expected.removeValue(forKey: id) else { return false }
        timer.cancel()
        return true
    }

    var isComplete: Bool { expected.isEmpty && members.allSatisfy { $0.join != nil } }

    /// Whether a member with these protocols can be part of the group.
    func accepts(_ type: String, _ protocols: [MemberProtocol], except id: String) -> Bool {
        guard !type.isEmpty, !protocols.isEmpty else { return false }
        let others = members.filter { $0.id != id }
        guard !others.isEmpty else { return true }
        let names = Set(protocols.map(\.name))
        return type == protocolType && others.allSatisfy { !names.isDisjoint(with: $0.protocols.map(\.name)) }
    }

    /// The protocol most members prefer among those all know.
    func electProtocol() -> String? {
        guard let first = members.first else { return nil }
        let common = members.dropFirst().reduce(into: Set(first.protocols.map(\.name))) { names, member in
            names.formIntersection(member.protocols.map(\.name))
        }
        var votes: [String: Int] = [:]
        for member in members {
            if let choice = member.protocols.first(where: { common.contains($0.name) }) {
                votes[choice.name, default: 0] += 1
            }
        }
        return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// What a member learns when it has joined: the leader, of all.
    func membership(of member: GroupMember) -> JoinGroup.Response {
        let all = members.map {
            JoinGroup.Member(id: $0.id, instanceID: $0.instanceID, metadata: $0.metadata(for: protocolName))
        }
        return JoinGroup.Response(
            generation: generation, protocolType: protocolType, protocolName: protocolName, leader: leader ?? "",
            memberID: member.id, members: member.id == leader ? all : [])
    }

    /// Whether a transaction that is still open has an offset for the partition.
    func hasPendingOffset(_ partition: TopicPartition) -> Bool {
        pendingOffsets.values.contains { $0[partition] != nil }
    }
}

/// A position that a group has committed.
struct CommittedOffset: Hashable, Codable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String
    var committed: Int64
}
